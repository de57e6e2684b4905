#!/usr/bin/env python3
"""The real vmm and the real muxd with tiny guests: what comes out, and what each survives."""

import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "guest"))

from limited import LimitedTest  # noqa: E402
from mux import Mux  # noqa: E402
from tiny_guest import POWERED_OFF, TinyGuest  # noqa: E402

LINES = 8000
KILLS = 20


NUMBERED = b"".join(b"line %07d\n" % i for i in range(LINES))
WHOLE = b"started\n" + NUMBERED + b"powering off\n"
MARKER = rb"(^|(?<=\n)|\r\n)--- [^\n]* ---\r\n"  # what muxd puts between


class VmmWithMuxd(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.viewer = self.mux.attach()
        self.addCleanup(self.viewer.close)

    def start(self, scenario, settings=(), name="tiny"):
        guest = TinyGuest(self.mux.directory, scenario, settings, name=name)
        self.addCleanup(guest.close)
        return guest

    def follow_to(self, name, pattern):
        if name not in self.viewer.position:
            self.viewer.follow(name, types=True)
        self.viewer.until(lambda: re.search(pattern, self.viewer.output(name)))

    def assert_powered_off(self, guest):
        code, errors = guest.wait()
        self.assertEqual(code, POWERED_OFF, errors)

    def printed(self, name):
        """What the guest printed, without muxd's own words."""
        return re.sub(MARKER, b"", self.viewer.output(name))

    def state(self, name):
        return self.mux.channels()[name]["state"]

    def kill_muxd_while_printing(self, settings):
        guests = {name: self.start(f"numbers {LINES}", settings, name) for name in ("one", "two")}
        for name in guests:
            self.viewer.follow(name)
        for i in range(KILLS):
            seen = {name: len(self.viewer.output(name)) for name in guests}
            self.viewer.until(
                lambda: all(
                    len(self.viewer.output(name)) > seen[name]
                    or b"powering off" in self.viewer.output(name)
                    for name in guests
                )
            )
            self.mux.kill()
            self.mux.start()
        for name in guests:
            self.follow_to(name, b"powering off\n")
            self.assert_powered_off(guests[name])
        return guests

    def test_killed_muxd_loses_and_doubles_nothing(self):
        for name in self.kill_muxd_while_printing(()):
            self.assertEqual(self.viewer.lost[name], 0)
            self.assertEqual(self.printed(name), WHOLE)

    def test_what_a_small_buffer_loses_is_counted_exactly(self):
        for name in self.kill_muxd_while_printing(['console.buffer="4K"']):
            shown = self.printed(name)
            told = re.findall(rb"--- \w+: (\d+) bytes of output lost ---", self.viewer.output(name))
            self.assertEqual(len(shown) + sum(map(int, told)), len(WHOLE), told)
            numbers = [int(number) for number in re.findall(rb"\nline (\d{7})(?=\n)", shown)]
            self.assertEqual(numbers, sorted(set(numbers)))

    def test_typing_reaches_the_guest_and_comes_back(self):
        guest = self.start("console")
        self.follow_to("tiny", b"console ready")
        text = bytes(byte for byte in range(256) if byte != ord("q")) * 64 + b"q"
        left = memoryview(text)
        while left:
            left = left[self.viewer.type("tiny", bytes(left)) :]
            self.viewer.turn(0.01)
        self.follow_to("tiny", re.escape(text))
        self.assert_powered_off(guest)

    def test_states_are_shown(self):
        guest = self.start("deaf")
        self.follow_to("tiny", b"not listening")
        self.assertEqual(self.state("tiny"), "running")
        guest.word("pause")
        self.viewer.until(lambda: self.viewer.channel["tiny"]["state"] == "paused")
        guest.word("resume")
        self.viewer.until(lambda: self.viewer.channel["tiny"]["state"] == "running")
        guest.word("kill")
        self.assert_powered_off(guest)
        self.viewer.until(lambda: self.viewer.channel["tiny"]["state"] == "powered-off")

    def test_restarted_guest_has_its_channel_again(self):
        for _ in range(2):
            guest = self.start("boot")
            self.assert_powered_off(guest)
        self.viewer.follow("tiny")
        self.viewer.until(lambda: self.viewer.output("tiny").count(b"powering off\n") == 2)
        self.assertEqual(list(self.mux.channels()), ["tiny"])

    def test_guest_may_come_before_muxd(self):
        self.mux.stop()
        guest = self.start("console")
        self.mux.start()
        self.follow_to("tiny", b"started\nconsole ready\n")
        self.viewer.until(lambda: self.viewer.type("tiny", b"q"))
        self.assert_powered_off(guest)

    def test_second_guest_of_a_name_from_elsewhere_is_refused(self):
        first = self.start("deaf")
        self.follow_to("tiny", b"not listening")
        os.rename(os.path.join(self.mux.directory, "vmm", "tiny.sock"),
                  os.path.join(self.mux.directory, "vmm", "other.sock"))
        code, errors = self.start("deaf").wait()
        self.assertRegex(errors, "^tiny: muxd refuses the console: [^\n]*\n$")
        self.assertEqual(code, 2)
        first.name = "other"
        first.word("kill")
        self.assert_powered_off(first)


if __name__ == "__main__":
    unittest.main(verbosity=2)
