#!/usr/bin/env python3
"""muxd killed again and again: every byte of output arrives once and in order, or is counted."""

import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import CRASHED, POWERED_OFF, REBOOTING, RUNNING, Guest  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux  # noqa: E402

KILLS = 20
LINE = "{name} line {number:010d}\r\n"


class Printer(Guest):
    """A guest that prints numbered lines."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.lines = 0

    def print_lines(self, count):
        lines = range(self.lines, self.lines + count)
        self.write("".join(LINE.format(name=self.name, number=n) for n in lines).encode())
        self.lines += count

    def printed(self):
        return "".join(LINE.format(name=self.name, number=n) for n in range(self.lines)).encode()


def account(shown, printed, name):
    """Where the shown stream ends in the printed one, and how much its marks count as lost."""
    pieces = re.split(rb"--- %s: (\d+) bytes of output lost ---\r\n" % name.encode(), shown)
    position = lost = 0
    for i in range(0, len(pieces), 2):
        piece = pieces[i]
        if i + 1 < len(pieces):
            count = int(pieces[i + 1])
            ahead = pieces[i + 2][:8]
            goes_on = position + len(piece) + count
            if printed[goes_on : goes_on + len(ahead)] != ahead or \
                    printed[position : position + len(piece)] != piece:
                piece = piece.removesuffix(b"\r\n")  # put there for the mark
        if printed[position : position + len(piece)] != piece:
            raise AssertionError(f"{name}: wrong bytes behind {position}")
        position += len(piece)
        if i + 1 < len(pieces):
            position += count
            lost += count
    return position, lost


class KillTest(LimitedTest):
    def kill_repeatedly(self, ring, most_unacknowledged, seed):
        chance = random.Random(seed)
        with Mux("--bufsize", "32M") as mux:
            guests = [Printer(mux.directory, name, ring=ring) for name in ("one", "two")]
            viewer = mux.attach()
            for guest in guests:
                viewer.follow(guest.name)
            for _ in range(KILLS):
                target = sum(guest.acked for guest in guests) + chance.randrange(400000)

                def some_more():
                    for guest in guests:
                        if guest.end - guest.acked < most_unacknowledged:
                            guest.print_lines(chance.randrange(1, 1000))
                    return sum(guest.acked for guest in guests) > target

                viewer.until(some_more, guests)
                mux.kill()
                some_more()
                for guest in guests:
                    guest.turn()
                mux.start()
            for guest in guests:
                guest.flush()
            channels = mux.channels()
            viewer.until(
                lambda: all(viewer.position[g.name] == channels[g.name]["end"] for g in guests))
            for guest in guests:
                printed = guest.printed()
                end, lost = account(viewer.output(guest.name), printed, guest.name)
                self.assertEqual(end, len(printed))
                self.assertEqual(lost, guest.lost)
                self.assertEqual(lost, channels[guest.name]["lost"])
                self.assertEqual(viewer.lost[guest.name], 0)
                self.assertGreaterEqual(guest.connections, KILLS // 2)
            return sum(guest.lost for guest in guests)

    def test_every_line_comes_once_while_the_gap_fits_in_the_ring(self):
        self.assertEqual(self.kill_repeatedly(262144, 150000, 1), 0)

    def test_what_overflows_a_small_ring_is_counted_exactly(self):
        self.assertGreater(self.kill_repeatedly(8192, 1 << 30, 2), 0)

    def test_changes_of_state_are_marked_once(self):
        chance = random.Random(3)
        with Mux() as mux:
            guest = Guest(mux.directory, "one")
            for i in range(KILLS):
                guest.write(b"boot %d\r\n" % i)
                guest.set_state(REBOOTING)
                guest.set_state(RUNNING)
                for _ in range(chance.randrange(20)):
                    guest.turn(0.01)
                mux.kill()
                mux.start()
            guest.set_state(POWERED_OFF)
            guest.flush()

            expected = b"".join(
                b"boot %d\r\n--- one: rebooted ---\r\n" % i for i in range(KILLS))
            self.assertEqual(mux.run("cat", "one"), expected + b"--- one: powered off ---\r\n")

    def test_a_guest_that_died_with_muxd_comes_back_to_its_history(self):
        with Mux() as mux:
            guest = Guest(mux.directory, "one")
            guest.write(b"before")
            guest.flush()
            mux.kill()
            guest.kill()
            mux.start()
            self.assertEqual(mux.channels()["one"]["state"], "gone")

            again = Guest(mux.directory, "one")
            again.write(b"after\r\n")
            again.flush()
            self.assertEqual(
                mux.run("cat", "one"), b"before\r\n--- one: started again ---\r\nafter\r\n")
            self.assertEqual(list(mux.channels()), ["one"])

    def test_the_reason_of_a_crash_outlives_a_kill(self):
        with Mux() as mux:
            guest = Guest(mux.directory, "one")
            guest.set_state(CRASHED, "triple fault")
            guest.flush()
            mux.kill()
            guest.kill()
            mux.start()

            self.assertEqual(mux.channels()["one"]["state"], "crashed")
            self.assertEqual(mux.channels()["one"]["reason"], "triple fault")
            self.assertEqual(mux.run("cat", "one"), b"--- one: crashed: triple fault ---\r\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
