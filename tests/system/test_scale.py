#!/usr/bin/env python3
"""Many guests and many viewers at one muxd: nothing lost unseen, nobody blocked, all of it bounded."""

import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT  # noqa: E402
from mux import Mux  # noqa: E402
from test_mux_kill import Printer, account  # noqa: E402

GUESTS = 64
CONFIG = '[history]\nsize = "{size}"\ntotal = "{total}"\n'
# Freed memory that a sanitizer holds back is no growth.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"


def memory(mux):
    """Bytes of muxd's own, and of the histories it has mapped."""
    with open(f"/proc/{mux.process.pid}/status", encoding="ascii") as status:
        words = dict(line.split(":", 1) for line in status)
    anonymous, file, shared = (int(words[key].split()[0]) << 10
                               for key in ("RssAnon", "RssFile", "RssShmem"))
    return anonymous, file + shared


def descriptors(mux):
    return len(os.listdir(f"/proc/{mux.process.pid}/fd"))


def file_sizes(mux):
    directory = os.path.join(mux.directory, "channels")
    return sum(os.stat(os.path.join(directory, name)).st_size for name in os.listdir(directory))


def take_turns(parties, done):
    deadline = time.monotonic() + TIMEOUT
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError("not in time")
        for party in parties:
            party.turn()


class ScaleTest(unittest.TestCase):
    def start(self, size="256K", total="256M"):
        self.mux = self.enterContext(Mux(start=False))
        path = os.path.join(self.mux.directory, "muxd.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(size=size, total=total))
        self.mux.options = ("--config", path)
        self.mux.start()

    def guests(self, count, **options):
        guests = [Printer(self.mux.directory, f"guest{i}", **options) for i in range(count)]
        for guest in guests:
            guest.flush()
        return guests

    def print_all(self, guests, lines, others=()):
        """Each guest prints so many lines, never more at once than its ring holds."""
        goal = {guest: guest.lines + lines for guest in guests}

        def done():
            for guest in guests:
                if guest.lines < goal[guest] and guest.end - guest.acked < guest.ring_size // 2:
                    guest.print_lines(min(500, goal[guest] - guest.lines))
            return all(g.lines == goal[g] and g.acked == g.end for g in guests)

        take_turns([*guests, *others], done)

    def assert_accounted(self, viewer, guest):
        """What it was shown is what was printed, but for what it was told is lost."""
        printed, shown = guest.printed(), viewer.output(guest.name)
        position = at = 0
        for where, count in [*viewer.gaps.get(guest.name, []), (len(shown), 0)]:
            piece = shown[at:where]
            self.assertEqual(piece, printed[position : position + len(piece)])
            position += len(piece) + count
            at = where
        self.assertEqual(position, len(printed))


class ManyGuests(ScaleTest):
    def test_every_byte_of_64_guests_comes_in_order_and_lines_are_never_fused(self):
        self.start()
        guests = self.guests(GUESTS)
        viewer = self.mux.attach()
        path = os.path.join(self.mux.directory, "tagged")
        with open(path, "wb") as out:
            tagged = subprocess.Popen(self.mux.command("attach", "console"), stdout=out,
                                      stdin=subprocess.DEVNULL)
        self.addCleanup(tagged.wait)
        self.addCleanup(tagged.kill)
        take_turns([viewer], lambda: b"guest9: running" in read(path))
        for guest in guests:
            viewer.follow(guest.name)
        self.print_all(guests, 3000, [viewer])
        take_turns([viewer], lambda: all(viewer.position[g.name] == g.end for g in guests))
        for guest in guests:
            self.assert_accounted(viewer, guest)
            self.assertEqual(viewer.lost[guest.name], 0)

        last = {guest.name: guest.lines - 1 for guest in guests}
        take_turns([], lambda: read(path).count(b"line %010d\n" % (guests[0].lines - 1)) == GUESTS)
        self.assert_whole_lines(read(path).decode(), last)

    def assert_whole_lines(self, text, last):
        """Every line is of one guest; a line that came in parts goes on behind a colon."""
        begun, seen = {}, dict.fromkeys(last, -1)
        for row in text.splitlines():
            if row.startswith("*** "):
                continue
            name, mark, rest = re.fullmatch(r"(guest\d+) *([|:]) (.*)", row).groups()
            line = begun.pop(name, "") + rest if mark == ":" else rest
            match = re.fullmatch(r"(guest\d+) line (\d{10})", line)
            if not match:
                begun[name] = line
                continue
            self.assertEqual(match[1], name)
            self.assertEqual(int(match[2]), seen[name] + 1)
            seen[name] += 1
        self.assertEqual(seen, last)

    def test_what_overflows_while_muxd_stands_still_is_counted_for_each_of_them(self):
        self.start()
        guests = self.guests(GUESTS, ring=8192)
        self.mux.process.send_signal(signal.SIGSTOP)
        for _ in range(10):
            for guest in guests:
                guest.print_lines(500)  # more than its ring holds
                guest.turn()
        self.mux.process.send_signal(signal.SIGCONT)
        take_turns(guests, lambda: all(guest.acked == guest.end for guest in guests))
        channels = self.mux.channels()
        for guest in guests:
            end, lost = account(self.mux.run("cat", guest.name), guest.printed(), guest.name)
            self.assertEqual(end, len(guest.printed()))
            self.assertEqual(lost, channels[guest.name]["lost"])
        self.assertGreater(sum(channel["lost"] for channel in channels.values()), 0)

    def test_memory_stays_within_the_budget(self):
        total = 8 << 20
        self.start(size="256K", total="8M")
        before = memory(self.mux)
        guests = self.guests(GUESTS)
        viewer = self.mux.attach()
        for guest in guests:
            viewer.follow(guest.name)
        self.print_all(guests, 2000, [viewer])
        first = memory(self.mux)
        self.print_all(guests, 8000, [viewer])
        after = memory(self.mux)
        take_turns([viewer], lambda: all(viewer.position[g.name] == g.end for g in guests))
        for guest in guests:
            self.assert_accounted(viewer, guest)
        # What lives has 16 KiB beyond the budget, and a file some pages more.
        most = total + GUESTS * (64 << 10)
        self.assertLessEqual(file_sizes(self.mux), most)
        self.assertLessEqual(after[1] - before[1], most)
        self.assertLessEqual(after[0] - first[0], 4 << 20)

    def test_guests_that_say_little_are_served_before_sixty_that_print(self):
        self.start(size="1M")
        guests = self.guests(GUESTS)
        quiet = guests[:: GUESTS // 3]  # the first, the last, and two between
        others = [guest for guest in guests if guest not in quiet]
        viewer = self.mux.attach()
        for guest in guests:
            viewer.follow(guest.name, times=True)
        self.print_all(others, 1000, [viewer])
        take_turns([viewer], lambda: all(viewer.position[g.name] == g.end for g in guests))
        before = {guest: guest.end for guest in others}
        self.mux.process.send_signal(signal.SIGSTOP)
        for guest in guests:
            if guest in quiet:
                guest.write(b"echo")
            else:
                guest.print_lines(9000)
            for _ in range(20):  # as much as the socket takes
                guest.turn()
        self.mux.process.send_signal(signal.SIGCONT)
        self.print_all(guests, 0, [viewer])
        take_turns([viewer], lambda: all(viewer.position[g.name] == g.end for g in guests))
        when = max(viewer.time_of(guest.name, 0) for guest in quiet)
        served = sum(self.come_before(viewer, guest, before[guest], when) for guest in others)
        self.assertLess(served, 1 << 20)  # of some 12 MiB

    def come_before(self, viewer, guest, start, when):
        """How much muxd took of a guest behind start, in the milliseconds before."""
        times = [*viewer.times[guest.name], (guest.end, None)]
        return sum(end - max(begin, start) for (begin, time_), (end, _) in zip(times, times[1:])
                   if end > start and time_ < when)


class ManyViewers(ScaleTest):
    def test_stuck_viewers_hold_up_neither_guests_nor_others(self):
        self.start(size="1M")
        guests = self.guests(2)
        readers = [self.mux.attach() for _ in range(50)]
        stuck = [self.mux.attach() for _ in range(50)]
        for viewer in (*readers, *stuck):
            for guest in guests:
                viewer.follow(guest.name, types=viewer is stuck[0])
        for viewer in readers:
            take_turns([viewer], lambda viewer=viewer: viewer.ready)
        for viewer in stuck:  # they follow, and from then on read nothing
            viewer.until(lambda viewer=viewer: viewer.ready)
        before = memory(self.mux)[0]
        self.print_all(guests, 12000)  # only the guests take turns: nobody reads at all
        self.assertLess(memory(self.mux)[0] - before, 100 * (192 << 10))
        for viewer in readers:
            take_turns([viewer],
                       lambda viewer=viewer: all(viewer.position[g.name] == g.end for g in guests))
            for guest in guests:
                self.assert_accounted(viewer, guest)
                self.assertEqual(viewer.lost[guest.name], 0)
        self.print_all(guests, 60000)  # the stuck ones' place in the history is overwritten
        for viewer in stuck[:3]:
            take_turns([viewer],
                       lambda viewer=viewer: all(viewer.position[g.name] == g.end for g in guests))
            for guest in guests:
                self.assert_accounted(viewer, guest)
                self.assertGreater(viewer.lost[guest.name], 0)

    def soak(self, guests, chance, rounds):
        """Viewers come, follow, type, ask, take, read or do not, and go."""
        viewers = []
        for _ in range(rounds):
            if len(viewers) > chance.randrange(40):
                viewer = viewers.pop(chance.randrange(len(viewers)))
                viewer.close()
            viewer = self.mux.attach(read_only=chance.random() < 0.2)
            viewers.append(viewer)
            for guest in chance.sample(guests, chance.randrange(len(guests) + 1)):
                viewer.follow(guest.name, types=chance.choice((False, True, "watch")))
            for viewer in chance.sample(viewers, min(len(viewers), 3)):
                self.act(viewer, chance)
            guest = chance.choice(guests)
            guest.print_lines(chance.randrange(200))
            guest.turn()
        for viewer in viewers:
            viewer.close()
        take_turns(guests, lambda: all(guest.acked == guest.end for guest in guests))

    def act(self, viewer, chance):
        if not viewer.stream:
            return
        if chance.random() < 0.7:
            viewer.turn()
        for name in list(viewer.types):
            if not viewer.stream or name not in viewer.names.values():
                continue
            what = chance.randrange(6)
            if what == 0:
                viewer.take(name, force=chance.random() < 0.5)
            elif what == 1:
                viewer.give(name)
            elif what == 2:
                viewer.unfollow(name)
            elif what == 3:
                viewer.type(name, b"x" * chance.randrange(1000))

    def test_thousands_come_and_go_and_leave_nothing_behind(self):
        self.start()
        chance = random.Random(7)
        guests = self.guests(4)
        for kill in (False, True):
            if kill:
                self.mux.kill()
                self.mux.start()
                take_turns(guests, lambda: all(
                    guest.stream and guest.acked == guest.end for guest in guests))
            self.soak(guests, chance, 300)
            self.assertEqual(len(self.mux.channels()), 4)
            before, had = memory(self.mux)[0], self.settled()
            self.soak(guests, chance, 1500)
            self.assertEqual(self.settled(), had)
            self.assertLess(memory(self.mux)[0] - before, 4 << 20)  # the heap comes and goes
        for guest in guests:
            self.assertEqual(self.mux.channels()[guest.name]["watchers"], 0)
            self.assertIsNone(self.mux.channels()[guest.name]["writer"])

    def settled(self):
        """How many descriptors muxd has, once it has heard of all that left."""
        take_turns([], lambda: all(not channel["watchers"] and not channel["writer"]
                                   for channel in self.mux.channels().values()))
        count = None
        while (now := descriptors(self.mux)) != count:
            count = now
            self.mux.run("list")
        return count

    def test_as_many_viewers_as_may_come_see_the_same(self):
        self.start()
        guest = self.guests(1)[0]
        viewers = [self.mux.attach() for _ in range(256)]
        for viewer in viewers:
            viewer.follow(guest.name)
        self.print_all([guest], 100)
        for viewer in viewers:
            viewer.until(lambda viewer=viewer: viewer.position[guest.name] == guest.end)
            self.assertEqual(viewer.output(guest.name), guest.printed())


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    unittest.main(verbosity=2)
