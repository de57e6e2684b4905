#!/usr/bin/env python3
"""Log files: what guests wrote, once and in order, over kills, rotations and full disks."""

import ctypes
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT, Guest  # noqa: E402
from mux import Mux  # noqa: E402

LINE = "{name} line {number:08d}\r\n"
TIME = re.compile(rb"^(?: {25}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )", re.M)
KILLS = 12


class LoggingMux(Mux):
    """With a muxd.toml of its own, whose logs are in the directory logs."""

    def __init__(self, log="", before="", history="8M", **options):
        super().__init__("--config", "muxd.toml", start=False, **options)
        path = os.path.join(self.directory, "muxd.toml")
        self.options = ("--config", path, "--bufsize", history)
        self.logs = os.path.join(self.directory, "disk")
        os.makedirs(self.logs, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[log]\ndirectory = "{self.logs}"\n{log}\n{before}\n')
        self.start()

    def read_log(self, name):
        try:
            with open(os.path.join(self.logs, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def until_log(self, name, condition, others=()):
        wait(lambda: condition(self.read_log(name)), others,
             lambda: self.read_log(name)[-300:])


def wait(condition, others=(), shown=lambda: ""):
    """Until the condition holds; guests and viewers take their turns meanwhile."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in time: {shown()}")
        for other in others:
            other.turn()
        select.select([], [], [], 0.01)


def follower(mux, title):
    """The process of muxd's that has the title, or None."""
    found = subprocess.run(["pgrep", "-P", str(mux.process.pid), "-f", f"^muxd: {title}"],
                           capture_output=True, check=False).stdout.split()
    return int(found[0]) if found else None


def kill_follower(mux, title):
    wait(lambda: follower(mux, title))
    try:
        os.kill(follower(mux, title), signal.SIGKILL)
    except (ProcessLookupError, TypeError):
        pass


def lines(name, first, behind):
    return "".join(LINE.format(name=name, number=n) for n in range(first, behind)).encode()


class LogTest(unittest.TestCase):
    def test_the_output_of_a_guest_is_in_a_file_with_its_times(self):
        with LoggingMux() as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(b"first\r\nsecond\r\nlogin: ")
            mux.until_log("guest1.log", lambda log: log.endswith(b"login: "), [guest])
            log = mux.read_log("guest1.log")
            self.assertEqual(len(TIME.findall(log)), log.count(b"\n") + 1)
            self.assertNotIn(b" " * 25, log)
            self.assertIn(b"first\r\nsecond\r\nlogin: ", TIME.sub(b"", log))
            path = os.path.join(mux.logs, "guest1.log")
            self.assertEqual(mux.run("log", "guest1"), f"guest1: logged to {path}\n".encode())
            self.assertEqual(os.stat(path).st_mode & 0o137, 0)

    def test_without_times_the_bytes_are_those_of_the_guest(self):
        with LoggingMux('times = "off"') as mux:
            guest = Guest(mux.directory, "guest1")
            written = b"\033[1mbold\033[m\r\n\xff\0\r\nno end"
            guest.write(written)
            mux.until_log("guest1.log", lambda log: log.endswith(written), [guest])

    def test_as_text_there_are_no_control_sequences(self):
        with LoggingMux('times = "off"\ntext = true') as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(b"\033[1mbold\033[m\r\nab\b\bx\x07y\r\n10%\r20%\r\nno end")
            mux.until_log("guest1.log", lambda log: log.endswith(b"20%\n"), [guest])
            self.assertTrue(mux.read_log("guest1.log").endswith(b"bold\nx^Gy\n10%\n20%\n"))

    def test_channels_are_logged_as_configured_and_as_told(self):
        with LoggingMux('times = "off"\nchannels = ["web*"]') as mux:
            web, other = Guest(mux.directory, "web1"), Guest(mux.directory, "other")
            web.write(b"from web\r\n")
            other.write(b"one\r\n")
            mux.until_log("web1.log", lambda log: b"from web" in log, [web, other])
            wait(lambda: "other" in mux.channels(), [web, other])
            self.assertEqual(mux.run("log", "other"), b"other: not logged\n")
            mux.run("log", "other", "on")
            mux.until_log("other.log", lambda log: b"one\r\n" in log, [web, other])
            mux.run("log", "other", "off")
            other.write(b"two\r\n")
            other.until(lambda: other.acked == other.end)
            mux.run("log", "other", "on")
            other.write(b"three\r\n")
            mux.until_log("other.log", lambda log: b"three\r\n" in log, [web, other])
            self.assertNotIn(b"two", mux.read_log("other.log"))
            mux.stop()
            mux.start()
            other.write(b"four\r\n")
            mux.until_log("other.log", lambda log: b"four\r\n" in log, [web, other])
            self.assertEqual(mux.read_log("other.log").count(b"three"), 1)

    def test_without_a_directory_nothing_can_be_logged(self):
        with Mux() as mux:
            guest = Guest(mux.directory, "guest1")
            wait(lambda: mux.channels(), [guest])
            done = mux.call("log", "guest1", "on")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"no directory for logs", done.stderr)
            self.assertEqual(mux.run("log", "guest1"), b"guest1: not logged\n")
            self.assertEqual(mux.call("log", "on").returncode, 2)

    def test_nothing_is_lost_or_doubled_when_the_follower_or_muxd_is_killed(self):
        chance = random.Random(5)
        with LoggingMux() as mux:
            guest = Guest(mux.directory, "guest1")
            written = 0
            for i in range(KILLS):
                more = chance.randrange(1, 4000)
                guest.write(lines("guest1", written, written + more))
                written += more
                target = guest.acked + chance.randrange(1, more * 20)
                wait(lambda: guest.acked >= min(target, guest.end), [guest])
                if i % 3 == 2:
                    mux.kill()
                    mux.start()
                else:
                    kill_follower(mux, "logs")
            last = LINE.format(name="guest1", number=written - 1).encode()
            mux.until_log("guest1.log", lambda log: log.endswith(last), [guest])
            log = TIME.sub(b"", mux.read_log("guest1.log"))
            ours = b"".join(line for line in log.splitlines(True) if not line.startswith(b"---"))
            self.assertEqual(ours, lines("guest1", 0, written))

    def test_files_are_rotated_by_size_between_lines(self):
        with LoggingMux('times = "off"\nsize = "4K"\nfiles = 3') as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(lines("guest1", 0, 2000))
            last = LINE.format(name="guest1", number=1999).encode()
            mux.until_log("guest1.log", lambda log: log.endswith(last), [guest])
            names = sorted(os.listdir(mux.logs))
            self.assertEqual([name for name in names if name.startswith("guest1")],
                             ["guest1.log", "guest1.log.1", "guest1.log.2", "guest1.log.3"])
            older = [mux.read_log(f"guest1.log.{n}") for n in (3, 2, 1)]
            for log in older:
                self.assertLess(len(log), 4096 + 64)
                self.assertGreaterEqual(len(log), 4096)
            kept = b"".join(older) + mux.read_log("guest1.log")
            self.assertTrue(lines("guest1", 0, 2000).endswith(kept))

    def test_a_log_that_was_moved_away_is_begun_anew_on_SIGHUP(self):
        with LoggingMux('times = "off"') as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(b"before\r\n")
            mux.until_log("guest1.log", lambda log: b"before" in log, [guest])
            path = os.path.join(mux.logs, "guest1.log")
            os.rename(path, path + "-20261120")
            mux.process.send_signal(signal.SIGHUP)

            def moved():
                if not mux.read_log("guest1.log"):
                    guest.write(b"after\r\n")
                    return False
                return True

            wait(moved, [guest])
            self.assertNotIn(b"before", mux.read_log("guest1.log"))
            self.assertIn(b"before", mux.read_log("guest1.log-20261120"))

    def test_a_disk_that_hangs_costs_nobody_but_the_log(self):
        with LoggingMux() as mux:
            guest = Guest(mux.directory, "guest1", ring=4 << 20)
            viewer = mux.attach()
            viewer.follow("guest1")
            guest.write(lines("guest1", 0, 10))
            mux.until_log("guest1.log", lambda log: log.count(b"line") == 10, [guest])
            os.kill(follower(mux, "logs"), signal.SIGSTOP)  # as in a write that does not return
            guest.write(lines("guest1", 10, 50000))
            viewer.until(lambda: viewer.output("guest1") == lines("guest1", 0, 50000), [guest])
            self.assertLess(mux.read_log("guest1.log").count(b"line"), 50000)
            self.assertEqual(mux.stop(), 0)
            mux.start()
            last = LINE.format(name="guest1", number=49999).encode()
            mux.until_log("guest1.log", lambda log: log.endswith(last), [guest])
            log = TIME.sub(b"", mux.read_log("guest1.log"))
            self.assertEqual(log, lines("guest1", 0, 50000))

    def test_what_is_overwritten_before_it_was_logged_is_counted(self):
        with LoggingMux('times = "off"', history="64K") as mux:
            guest = Guest(mux.directory, "guest1", ring=4 << 20)
            guest.write(lines("guest1", 0, 10))
            mux.until_log("guest1.log", lambda log: log.count(b"line") == 10, [guest])
            self.assertIn(f"muxd: logs, process {follower(mux, 'logs')}\n".encode(),
                          mux.run("info"))
            self.assertIn(b" 0 viewers", mux.run("info"))
            os.kill(follower(mux, "logs"), signal.SIGSTOP)
            guest.write(lines("guest1", 10, 50000))
            guest.until(lambda: guest.acked == guest.end)
            os.kill(follower(mux, "logs"), signal.SIGCONT)
            last = LINE.format(name="guest1", number=49999).encode()
            mux.until_log("guest1.log", lambda log: log.endswith(last), [guest])
            log = mux.read_log("guest1.log")
            mark = re.compile(rb"--- guest1: (\d+) bytes of output are not in this log ---\r\n")
            self.assertEqual(len(mark.findall(log)), 1)
            before, count, after = mark.split(log)
            printed = lines("guest1", 0, 50000)
            self.assertGreater(int(count), 0)
            if len(before) + int(count) + len(after) != len(printed):
                before = before.removesuffix(b"\r\n")  # put there for the mark
            self.assertEqual(len(before) + int(count) + len(after), len(printed))
            self.assertTrue(printed.startswith(before) and printed.endswith(after))

    def test_channels_whose_names_are_no_file_names(self):
        with LoggingMux('times = "off"') as mux:
            guests = [Guest(mux.directory, name) for name in ("a..b", "%41", "\u00e9")]
            for guest in guests:
                guest.write(guest.name.encode() + b" wrote\r\n")
            for guest, file in zip(guests, ("a%2E%2Eb", "%2541", "%C3%A9")):
                text = guest.name.encode() + b" wrote\r\n"
                mux.until_log(file + ".log", lambda log, text=text: text in log, guests)

    def test_a_full_disk_is_harmless_and_what_is_missing_is_counted(self):
        libc = ctypes.CDLL(None, use_errno=True)
        with LoggingMux('times = "off"') as mux:
            mux.stop()
            if libc.mount(b"tmpfs", mux.logs.encode(), b"tmpfs", 0, b"size=64k"):
                self.skipTest("a file system cannot be mounted here")
            try:
                self.fill_disk(mux)
            finally:
                mux.stop()
                libc.umount2(mux.logs.encode(), 2)

    def fill_disk(self, mux):
        mux.start()
        guest = Guest(mux.directory, "guest1")
        guest.write(lines("guest1", 0, 10000))
        wait(lambda: "No space left on device" in mux.log_text(), [guest])
        mux.run("list")
        guest.until(lambda: guest.acked == guest.end)
        kept = mux.read_log("guest1.log")
        at = kept.index(b"guest1 line 00000000")
        self.assertTrue(lines("guest1", 0, 10000).startswith(kept[at:]))
        os.rename(os.path.join(mux.logs, "guest1.log"), os.path.join(mux.logs, "moved"))
        os.truncate(os.path.join(mux.logs, "moved"), 0)
        last = LINE.format(name="guest1", number=9999).encode()
        much = 40000
        deadline = time.monotonic() + TIMEOUT
        whole = kept[at:]
        while not whole.endswith(last):
            self.assertLess(time.monotonic(), deadline)
            select.select([], [], [], 0.05)
            log = mux.read_log("guest1.log")
            if len(log) > much or log.endswith(last):
                whole = self.take(mux, whole)
        self.assertEqual(whole, lines("guest1", 0, 10000))

    def take(self, mux, whole):
        """Empties the disk again, as an operator would."""
        path = os.path.join(mux.logs, "guest1.log")
        os.rename(path, os.path.join(mux.logs, "moved"))
        mux.process.send_signal(signal.SIGHUP)
        wait(lambda: os.path.exists(path))
        whole += mux.read_log("moved")
        os.unlink(os.path.join(mux.logs, "moved"))
        return whole


if __name__ == "__main__":
    unittest.main(verbosity=2)
