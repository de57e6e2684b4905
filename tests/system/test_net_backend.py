#!/usr/bin/env python3
"""A network device served by somebody else's back-end: DPDK's testpmd, which sends every frame back
with its addresses swapped."""

import os
import shutil
import subprocess
import unittest

from test_net import NetTest, wait_for

TESTPMD = shutil.which("dpdk-testpmd")


@unittest.skipUnless(TESTPMD, "no dpdk-testpmd here")
class Testpmd(NetTest):
    def setUp(self):
        super().setUp()
        self.start_muxd()
        self.path = self.place.file("net.sock")
        self.nets = [{"vhost_user": self.path}]

    def start_testpmd(self):
        """Its standard input stays open: it ends with that."""
        with open(self.place.file("testpmd.log"), "ab") as log:
            process = subprocess.Popen(
                [TESTPMD, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--no-shconf",
                 "--lcores", "0@0,1@0", "--vdev", f"net_vhost0,iface={self.path},queues=1", "--",
                 "--forward-mode=macswap", "--port-topology=loop", "--total-num-mbufs=2048",
                 "--nb-cores=1", "-i", "--auto-start"],
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        process.stdin.close()

    def test_frames_go_to_testpmd_and_back(self):
        self.start_testpmd()
        wait_for(lambda: os.path.exists(self.path), "testpmd listens")
        self.assert_done("here", self.guest("here", "frames 50", self.nets))

    def test_testpmd_may_come_after_the_guest(self):
        here = self.guest("here", "frames 50", self.nets)
        wait_for(lambda: "trying again" in here.log(), "nobody there")
        self.start_testpmd()
        self.assert_done("here", here)

    def test_another_testpmd_goes_on_where_one_was_killed(self):
        testpmd = self.start_testpmd()
        here = self.guest("here", "halves 50", self.nets, console={"input": "uart"})
        self.wait_output("here", "half of the frames")
        self.end(testpmd)
        os.unlink(self.path)
        wait_for(lambda: "lost the back-end" in here.log(), "testpmd is missed")
        self.start_testpmd()
        wait_for(lambda: "connected" in here.log().partition("lost the")[2], "another is found")
        with self.place.terminal("attach", "here") as terminal:
            terminal.wait_for("half of the frames")
            terminal.send("x")
            self.assert_done("here", here)

    def test_a_guest_that_starts_anew_gets_testpmd_back(self):
        self.start_testpmd()
        self.guest("here", "carrier", self.nets)
        self.wait_output("here", "carrier\n")
        self.vmm("reset", "here")
        self.wait_output("here", "carrier\n", 2)
        self.assertTrue(self.net("here")["carrier"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
