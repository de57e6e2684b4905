#!/usr/bin/env python3
"""A hostile guest on a wire: the others' frames pass, and nothing of it is left behind."""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from limited import LimitedTest  # noqa: E402
from mux import Mux, muxd_program  # noqa: E402

TIMEOUT = 300
PRIVATE_MOST = 256  # KiB that an allocator may keep for itself


class HostileGuestTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux(start=False))
        path = os.path.join(self.mux.directory, "muxd.toml")
        with open(path, "w", encoding="utf-8") as config:
            config.write('[[switch]]\nname = "switch0"\n')
        self.mux.options = ("--config", path)
        self.mux.start()

    def worker(self):
        """The process of the wire, by its parent."""
        children = f"/proc/{self.mux.process.pid}/task/{self.mux.process.pid}/children"
        with open(children, encoding="ascii") as file:
            pids = file.read().split()
        self.assertEqual(len(pids), 1)
        return pids[0]

    def play(self, rounds):
        tool = os.path.join(os.path.dirname(muxd_program()), "tests", "wire_hostile")
        path = os.path.join(self.mux.directory, "net", "switch0.sock")
        done = subprocess.run([tool, path, str(rounds)], capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + self.mux.log_text())
        self.assertIn("deeds survived", done.stdout)

    def ports(self):
        return json.loads(self.mux.run("port", "list", "--json"))

    def use(self):
        """What the worker has: descriptors, mappings, KiB of its own memory."""
        end = time.monotonic() + TIMEOUT
        while any(port["state"] != "absent" for port in self.ports()):
            self.assertLess(time.monotonic(), end)
        pid = self.worker()
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
            mappings = len(maps.readlines())
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            private = next(line for line in status if line.startswith("RssAnon"))
        return pid, len(os.listdir(f"/proc/{pid}/fd")), mappings, int(private.split()[1])

    @unittest.skipUnless(os.geteuid() == 0, "needs root to look at the worker")
    def test_what_no_driver_may_do_disturbs_nobody_and_leaves_nothing(self):
        self.play(2)
        before = self.use()
        self.play(10)
        after = self.use()
        self.assertEqual(after[:2], before[:2])
        if "asan" not in muxd_program():  # an allocator that keeps what was freed
            self.assertEqual(after[2], before[2])
            self.assertLess(after[3] - before[3], PRIVATE_MOST)
        self.assertLess(self.mux.log_text().count("\n"), 500)
        self.assertEqual(self.mux.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
