#!/usr/bin/env python3
"""muxd started on a terminal is that terminal, and gives it back whatever happens."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import Guest  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux, control  # noqa: E402
from terminal import TIMEOUT, Terminal  # noqa: E402


IGNORE_CHILDREN = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


class TerminalTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux(start=False))
        self.terminal = Terminal(self.mux.command("--name", "here"))
        self.addCleanup(self.terminal.close)
        self.terminal.wait_for("here> ")

    def assert_ended(self, status):
        self.assertEqual(self.terminal.wait_exit(), status)
        self.assertEqual(self.terminal.attributes(), self.terminal.attributes_at_start)

    def server(self):
        return self.terminal.pid

    def wait_until(self, condition, what):
        """Again and again, for what tells nobody when it comes."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not in time: {what}")

    def children_of(self, pid):
        """Those that are no processes of a wire."""
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                with open(f"/proc/{child}/cmdline", "rb") as words:
                    if b"wire " not in words.read():
                        yield int(child)

    def child_of(self, pid):
        self.wait_until(lambda: any(self.children_of(pid)), f"a child of {pid}")
        return next(self.children_of(pid))

    def is_refused(self):
        """Nobody listens at the control socket any more."""
        try:
            control(self.mux.directory).close()
        except BlockingIOError:
            return False  # more callers than it has come to yet
        except OSError:
            return True
        return False

    def viewer(self):
        return self.child_of(self.server())

    def test_it_shows_guests_and_types_into_them(self):
        guest = Guest(self.mux.directory, "guest1", key=b"1")
        guest.write(b"hello from guest1\r\n")
        guest.flush()
        self.terminal.wait_for("guest1 .*hello from guest1")
        self.terminal.send("\x051")
        self.terminal.wait_for("Connecting to 'guest1'")
        self.terminal.send("uname\r")
        guest.until(lambda: b"uname\r" in guest.input)
        self.terminal.send("\x05.")
        self.terminal.wait_for("here> ")
        self.terminal.send("list\r")
        self.terminal.wait_for(r"guest1 \(1\) \[ +here\]")
        self.terminal.send("quit\r")
        self.assert_ended(0)
        self.assertEqual(
            [name for name in os.listdir(self.mux.directory) if name.endswith(".sock")], [])

    def test_the_server_ends_with_its_viewer_by_sigterm(self):
        os.kill(self.server(), signal.SIGTERM)
        self.assert_ended(0)

    def test_it_ends_when_its_terminal_hangs_up(self):
        os.kill(self.server(), signal.SIGHUP)
        self.assert_ended(0)
        self.assertEqual(
            [name for name in os.listdir(self.mux.directory) if name.endswith(".sock")], [])

    def test_a_killed_server_leaves_the_terminal_as_it_was(self):
        viewer = self.viewer()
        os.kill(self.server(), signal.SIGKILL)
        self.assertEqual(self.terminal.wait_exit(), -signal.SIGKILL)
        self.wait_until(lambda: not os.path.exists(f"/proc/{viewer}/exe"), "the viewer's end")
        self.assertEqual(self.terminal.attributes(), self.terminal.attributes_at_start)

    def test_a_killed_viewer_ends_the_server(self):
        os.kill(self.viewer(), signal.SIGKILL)
        self.terminal.wait_exit()
        self.assertEqual(self.terminal.attributes(), self.terminal.attributes_at_start)

    def test_a_viewer_killed_before_the_server_listens_ends_it_too(self):
        with Mux(start=False) as other, Terminal(other.command()) as terminal:
            os.kill(self.child_of(terminal.pid), signal.SIGKILL)
            terminal.wait_exit()

    def test_a_stopped_viewer_ends_too(self):
        os.kill(self.viewer(), signal.SIGSTOP)
        os.kill(self.server(), signal.SIGTERM)
        self.assert_ended(0)

    def test_it_leaves_the_sockets_of_the_next_one_alone(self):
        worker = self.child_of(self.viewer())
        os.kill(worker, signal.SIGSTOP)
        os.kill(self.viewer(), signal.SIGKILL)  # the server waits for the worker, which is stopped
        self.wait_until(self.is_refused, "the server's end")
        with Mux(directory=self.mux.directory) as second:
            os.kill(worker, signal.SIGCONT)
            self.terminal.wait_exit()
            self.assertEqual(second.run("list"), b"")

    def test_it_ends_also_where_nobody_was_to_hear_of_children(self):
        with Mux(start=False) as other, Terminal(
                [sys.executable, "-c", IGNORE_CHILDREN, *other.command()]) as terminal:
            terminal.wait_for("cons> ")
            terminal.send("quit\r")
            self.assertEqual(terminal.wait_exit(), 0)

    def test_a_second_one_says_so_before_it_takes_the_terminal(self):
        with Terminal(self.mux.command()) as second:
            second.wait_for("device.sock: socket in use: another muxd is running")
            self.assertEqual(second.wait_exit(), 2)
            self.assertEqual(second.attributes(), second.attributes_at_start)


if __name__ == "__main__":
    unittest.main(verbosity=2)
