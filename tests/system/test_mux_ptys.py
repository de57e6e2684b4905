#!/usr/bin/env python3
"""Ptys of channels: with picocom, and with programs that open and close them at bad times."""

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import POWERED_OFF, Guest  # noqa: E402
from mux import Mux  # noqa: E402
from test_mux_logs import follower, kill_follower, wait  # noqa: E402


class PtyMux(Mux):
    """With a muxd.toml of its own."""

    def __init__(self, text, **options):
        super().__init__("--config", "muxd.toml", start=False, **options)
        path = os.path.join(self.directory, "muxd.toml")
        self.options = ("--config", path)
        self.link = os.path.join(self.directory, "pty", "guest1")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.start()

    def until_link(self, other_than=None):
        """Until there is a link; which one it is."""
        wait(lambda: os.path.islink(self.link) and os.lstat(self.link).st_ino != other_than)
        return os.lstat(self.link).st_ino


class Picocom:
    """A picocom on a terminal of its own."""

    def __init__(self, path):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.terminal = ours
        self.seen = b""
        self.process = subprocess.Popen(
            ["picocom", "--quiet", "--noreset", "--nolock", path],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def type(self, data):
        os.write(self.terminal, data)

    def turn(self):
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data

    def until(self, text, others=()):
        wait(lambda: text in self.seen, [self, *others], lambda: self.seen[-300:])


class Opened:
    """A pty opened as any program may, without blocking."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def turn(self):
        try:
            self.seen += os.read(self.fd, 65536)
        except BlockingIOError:
            pass

    def until(self, condition, others=()):
        wait(lambda: condition(self.seen), [self, *others], lambda: self.seen[-300:])


class PtyTest(unittest.TestCase):
    def test_picocom_before_the_guest_and_over_restarts_of_all(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            with Picocom(mux.link) as picocom:
                guest = Guest(mux.directory, "guest1")
                guest.write(b"hello from the guest\r\n")
                picocom.until(b"hello from the guest", [guest])
                picocom.type(b"uname\r")
                wait(lambda: guest.input == b"uname\r", [guest, picocom])
                self.assertEqual(picocom.seen.count(b"uname"), 0)  # nobody but the guest echoes
                guest.set_state(POWERED_OFF)
                guest.until(lambda: mux.channels()["guest1"]["state"] == "powered-off")
                guest.close()
                again = Guest(mux.directory, "guest1")
                again.write(b"back again\r\n")
                picocom.until(b"back again", [again])
                picocom.type(b"id\r")
                wait(lambda: again.input.endswith(b"id\r"), [again, picocom])
                picocom.process.kill()
            again.write("".join(f"line {n}\r\n" for n in range(50)).encode())
            again.until(lambda: again.acked == again.end)
            with Picocom(mux.link) as picocom:
                picocom.until(b"line 49", [again])
                self.assertNotIn(b"line 39\r\n", picocom.seen)
                self.assertIn(b"line 40\r\n", picocom.seen)
                mux.stop()
                self.assertFalse(os.path.islink(mux.link))
            mux.start()
            mux.until_link()
            with Picocom(mux.link) as picocom:
                again.write(b"after muxd\r\n")
                picocom.until(b"after muxd", [again])
                picocom.type(b"who\r")
                wait(lambda: again.input.endswith(b"who\r"), [again, picocom])
            link = mux.until_link()
            kill_follower(mux, "ptys")
            mux.until_link(other_than=link)
            with Picocom(mux.link) as picocom:
                again.write(b"after the follower\r\n")
                picocom.until(b"after the follower", [again])

    def test_a_pty_comes_and_goes_by_command(self):
        with PtyMux("") as mux:
            guest = Guest(mux.directory, "guest1")
            wait(lambda: "guest1" in mux.channels(), [guest])
            self.assertEqual(mux.run("pty", "guest1"), b"guest1: no pty\n")
            self.assertEqual(mux.run("pty", "guest1", "on"), f"guest1: pty {mux.link}\n".encode())
            mux.until_link()
            mux.kill()
            mux.start()
            mux.until_link()
            mux.run("pty", "guest1", "off")
            wait(lambda: not os.path.islink(mux.link))

    def test_nothing_is_echoed_or_kept_before_somebody_opens_it(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            guest = Guest(mux.directory, "guest1")
            guest.write(b"x" * 70000 + b"\r\nlogin: ")
            guest.until(lambda: guest.acked == guest.end)
            seen = b"x" * 70000
            while len(seen) > 10000:  # it may have been opened while all that was on its way
                with Opened(mux.link) as opened:
                    opened.until(lambda seen: seen.endswith(b"login: "), [guest])
                    seen = opened.seen
            self.assertEqual(guest.input, b"")

    def test_what_was_written_by_a_program_that_closed_at_once_arrives(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            with Opened(mux.link) as opened:
                os.write(opened.fd, b"early\r")
            guest = Guest(mux.directory, "guest1")
            wait(lambda: guest.input == b"early\r", [guest])
            for n in range(5):
                with Opened(mux.link) as opened:
                    os.write(opened.fd, b"%d\r" % n)
            wait(lambda: guest.input == b"early\r0\r1\r2\r3\r4\r", [guest],
                 lambda: guest.input)

    def test_a_terminal_that_is_not_read_goes_on_where_it_was(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            guest = Guest(mux.directory, "guest1")
            viewer = mux.attach()
            viewer.follow("guest1")
            text = "".join(f"{n:09d}\r\n" for n in range(20000)).encode()
            with Opened(mux.link) as opened:
                wait(lambda: "guest1" in mux.channels(), [guest])
                guest.write(text)
                viewer.until(lambda: text in viewer.output("guest1"), [guest])
                opened.until(lambda seen: text in seen, [guest])

    def test_a_large_paste_is_paced_and_whole(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            guest = Guest(mux.directory, "guest1")
            text = "".join(f"{n:09d}\r" for n in range(20000)).encode()
            with Opened(mux.link) as opened:
                left = text

                def paste():
                    nonlocal left
                    try:
                        left = left[os.write(opened.fd, left[:4096]):]
                    except OSError as error:
                        if error.errno != errno.EAGAIN:
                            raise
                    return not left

                wait(paste, [guest])
                wait(lambda: len(guest.input) >= len(text), [guest])
            self.assertEqual(guest.input, text)

    def test_it_watches_until_something_is_typed_and_then_asks(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            guest = Guest(mux.directory, "guest1")
            wait(lambda: "guest1" in mux.channels(), [guest])
            with Opened(mux.link) as opened:
                viewer = mux.attach()
                viewer.follow("guest1", types=True)
                viewer.until(lambda: viewer.credit.get("guest1"), [guest])
                os.write(opened.fd, b"from the pty\r")
                viewer.type("guest1", b"from the viewer\r")
                viewer.until(lambda: guest.input == b"from the viewer\r", [guest])
                viewer.close()
                wait(lambda: guest.input.endswith(b"from the pty\r"), [guest])

    def test_the_size_of_its_terminal_is_told_with_what_is_typed(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            guest = Guest(mux.directory, "guest1")
            with Opened(mux.link) as opened:
                fcntl.ioctl(opened.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
                os.write(opened.fd, b"x")
                wait(lambda: guest.size == (99, 33), [guest], lambda: guest.size)
                self.assertEqual(mux.channels()["guest1"]["writer"],
                                 {"user": "muxd: ptys", "pid": follower(mux, "ptys")})

    def test_a_file_in_the_place_of_the_link_stays(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\npath = "precious"\n') as mux:
            path = os.path.join(mux.directory, "precious")
            wait(lambda: os.path.islink(path))
            mux.stop()
            self.assertFalse(os.path.lexists(path))
            with open(path, "w", encoding="utf-8") as file:
                file.write("precious")
            mux.start()
            wait(lambda: "no pty" in mux.log_text())
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "precious")

    def test_links_are_gone_when_muxd_was_killed(self):
        with PtyMux('[[pty]]\nchannel = "guest1"\n') as mux:
            mux.until_link()
            mux.process.send_signal(signal.SIGKILL)
            mux.process.wait()
            wait(lambda: not os.path.islink(mux.link))


if __name__ == "__main__":
    unittest.main(verbosity=2)
