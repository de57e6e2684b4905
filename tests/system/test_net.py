#!/usr/bin/env python3
"""Network devices of tiny guests (tests/guest/net_scenarios.c), on this machine's own KVM."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

from limited import LimitedTest  # noqa: E402
from programs import Workplace  # noqa: E402

BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build/release"))
GUEST = os.environ.get("GUEST", os.path.join(BUILD, "tests/guest/guest.elf"))
TIMEOUT = 120  # seconds a wait may take before it counts as failed; machines may be slow
PAUSE = 0.05  # seconds between two looks
CABLE = [{"wire": "cable0"}]
POWERED_OFF = 0


def wait_for(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {TIMEOUT} s: {what}")
        time.sleep(PAUSE)


@unittest.skipUnless(os.access("/dev/kvm", os.R_OK | os.W_OK), "no KVM here")
class NetTest(LimitedTest):
    def setUp(self):
        self.place = self.enterContext(Workplace(BUILD))

    def guest(self, name, scenario, nets, memory="32M", **more):
        return self.place.guest(name, kernel=GUEST, cmdline=scenario, memory=memory,
                                defaults=False, nets=nets, on_reboot="exit", **more)

    def vmm(self, word, name, *options):
        result = subprocess.run([self.place.path("vmm"), *options, word, name],
                                capture_output=True, text=True, timeout=TIMEOUT, check=True,
                                env=self.place.environment)
        return result.stdout

    def net(self, name):
        return json.loads(self.vmm("status", name, "--json"))["nets"][0]

    def output(self, name):
        """What it said on its console; nothing before muxd knows of it."""
        result = subprocess.run([self.place.path("muxd"), "cat", name], capture_output=True,
                                timeout=TIMEOUT, env=self.place.environment, check=False)
        return result.stdout.decode(errors="replace")

    def wait_output(self, name, text, count=1):
        wait_for(lambda: self.output(name).count(text) >= count, f"{name} says {text}")

    def worker(self):
        """The process that moves the frames of the wire."""
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{number}/cmdline", encoding="utf-8") as file:
                    line = file.read()
                with open(f"/proc/{number}/stat", encoding="utf-8") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "wire cable0" in line.replace("\0", " ") and parent == self.muxd.pid:
                return int(number)
        return None

    def start_muxd(self):
        self.muxd = self.place.muxd()

    def assert_done(self, name, guest):
        self.assertEqual(guest.wait_exit(TIMEOUT), POWERED_OFF, guest.log())
        self.assertNotIn("FAIL", self.output(name))
        self.assertIn("frames done", self.output(name))


class Cable(NetTest):
    def test_frames_go_from_guest_to_guest_and_back(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE)
        self.assert_done("here", self.guest("here", "frames 100", CABLE))

    def test_guests_may_have_memory_above_4_gib(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE, memory="3200M")
        self.assert_done("here", self.guest("here", "frames 20", CABLE, memory="3200M"))

    def test_the_wire_may_come_after_the_guests(self):
        self.guest("there", "mirror", CABLE)
        here = self.guest("here", "frames 20", CABLE)
        wait_for(lambda: "trying again" in here.log(), "nobody there")
        self.start_muxd()
        self.assert_done("here", here)

    def start_halves(self):
        """Two guests that have exchanged frames, and will go on when told to."""
        self.start_muxd()
        there = self.guest("there", "mirror", CABLE)
        here = self.guest("here", "halves 40", CABLE, console={"input": "uart"})
        self.wait_output("here", "half of the frames")
        return here, there

    def go_on(self, here, there):
        for guest in (here, there):
            wait_for(lambda: "net0: connected" in guest.log(), f"{guest.name} is back")
        with self.place.terminal("attach", "here") as terminal:
            terminal.wait_for("half of the frames")
            terminal.send("x")
            self.assert_done("here", here)
        self.assert_done("here", here)

    def test_a_wire_whose_worker_is_killed_goes_on(self):
        here, there = self.start_halves()
        os.kill(self.worker(), signal.SIGKILL)
        self.go_on(here, there)

    def test_a_wire_whose_muxd_is_killed_goes_on(self):
        here, there = self.start_halves()
        self.muxd.kill()
        self.start_muxd()
        self.go_on(here, there)

    def test_a_guest_that_starts_anew_keeps_its_address_and_gets_its_wire_back(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE)
        self.guest("here", "carrier", CABLE)
        self.wait_output("here", "carrier\n")
        address = self.net("here")["mac"]
        self.vmm("reset", "here")
        self.wait_output("here", "carrier\n", 2)
        self.assertEqual(self.net("here")["mac"], address)
        self.vmm("reset", "there")
        self.wait_output("there", "carrier\n", 2)
        self.vmm("kill", "here")
        self.assert_done("next", self.guest("next", "frames 10", CABLE))

    def test_a_guest_whose_frames_make_no_sense_has_to_reset_its_device(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE)
        here = self.guest("here", "badframe 10", CABLE)
        self.assert_done("here", here)
        self.assertIn("needs a reset", self.output("here"))

    def test_the_carrier_follows_the_other_end_and_the_operator(self):
        self.start_muxd()
        self.guest("here", "carrier", CABLE)
        self.wait_output("here", "started")
        wait_for(lambda: self.net("here")["connected"], "connected")
        self.assertFalse(self.net("here")["carrier"])
        self.guest("there", "mirror", CABLE)
        self.wait_output("here", "carrier\n")
        self.assertTrue(self.net("here")["carrier"])
        self.place.ask("link", "here", "down")
        self.wait_output("here", "carrier lost")
        self.place.ask("link", "here", "up")
        self.wait_output("here", "carrier back")
        self.vmm("kill", "there")
        self.wait_output("here", "carrier lost", 2)

    def test_status_is_for_people_too(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE)
        self.guest("here", "carrier", CABLE)
        self.wait_output("here", "carrier\n")
        self.assertRegex(self.vmm("status", "here"),
                         r"net0 +cable0, [0-9a-f:]{17}, connected, carrier\n")


class Idle(NetTest):
    def test_a_guest_on_a_quiet_wire_costs_its_vmm_nothing(self):
        self.start_muxd()
        self.guest("there", "mirror", CABLE)
        here = self.guest("here", "carrier", CABLE)
        self.wait_output("here", "carrier\n")
        wait_for(lambda: self.switches(here) == self.switches(here, 20 * PAUSE), "quiet")

    def switches(self, guest, after=0.0):
        """How often a thread of the process has been put to sleep, after some seconds."""
        time.sleep(after)
        total = 0
        for thread in os.listdir(f"/proc/{guest.pid}/task"):
            with open(f"/proc/{guest.pid}/task/{thread}/status", encoding="utf-8") as file:
                total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        return total


if __name__ == "__main__":
    unittest.main(verbosity=2)
