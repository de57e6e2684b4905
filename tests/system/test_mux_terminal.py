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

    def wait_until(self, condition, what):
        """Again and again, for what tells nobody when it comes."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not in time: {what}")

    def children_of(self, pid, in_own_session):
        """Those that lead a session of their own, as the server does, or the others."""
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                if (os.getsid(int(child)) == int(child)) == in_own_session:
                    yield int(child)

    def child_of(self, pid, in_own_session):
        self.wait_until(lambda: any(self.children_of(pid, in_own_session)), f"a child of {pid}")
        return next(self.children_of(pid, in_own_session))

    def guardian(self):
        """What the shell waits for."""
        return self.terminal.pid

    def server(self):
        return self.child_of(self.guardian(), True)

    def viewer(self):
        """The process that does the work on the terminal."""
        self.server()  # is no viewer: by now it has a session of its own
        return self.child_of(self.guardian(), False)

    def suspend(self):
        """Until the guardian is continued."""
        viewer = self.viewer()
        self.terminal.send("help list\r")
        self.terminal.wait_for("list the channels.*here> ")  # it is attached by now
        os.kill(viewer, signal.SIGSTOP)
        self.wait_until(lambda: self.state(viewer) == "T", "the viewer's stop")

    def state(self, pid):
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def wait_gone(self, pid):
        self.wait_until(lambda: not os.path.exists(f"/proc/{pid}/exe"), f"the end of {pid}")

    def is_refused(self):
        """Nobody listens at the control socket any more."""
        try:
            control(self.mux.directory).close()
        except BlockingIOError:
            return False  # more callers than it has come to yet
        except OSError:
            return True
        return False

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

    def test_it_ends_by_sigterm_with_its_server(self):
        server = self.server()
        os.kill(self.guardian(), signal.SIGTERM)
        self.assert_ended(0)
        self.wait_gone(server)

    def test_it_ends_with_its_server(self):
        os.kill(self.server(), signal.SIGTERM)
        self.assert_ended(0)

    def test_it_ends_when_its_terminal_hangs_up(self):
        os.kill(self.guardian(), signal.SIGHUP)
        self.assert_ended(0)
        self.assertEqual(
            [name for name in os.listdir(self.mux.directory) if name.endswith(".sock")], [])

    def test_a_killed_server_leaves_the_terminal_as_it_was(self):
        os.kill(self.server(), signal.SIGKILL)
        self.assert_ended(1)

    def test_a_killed_guardian_ends_all(self):
        server, viewer = self.server(), self.viewer()
        os.kill(self.guardian(), signal.SIGKILL)
        self.terminal.wait_exit()
        self.wait_gone(viewer)
        self.wait_gone(server)
        self.assertEqual(self.terminal.attributes(), self.terminal.attributes_at_start)

    def test_a_killed_viewer_ends_the_server(self):
        server = self.server()
        os.kill(self.viewer(), signal.SIGKILL)
        self.terminal.wait_exit()
        self.wait_gone(server)
        self.assertEqual(self.terminal.attributes(), self.terminal.attributes_at_start)

    def test_a_viewer_killed_before_the_server_listens_ends_it_too(self):
        with Mux(start=False) as other, Terminal(other.command()) as terminal:
            os.kill(self.child_of(terminal.pid, False), signal.SIGKILL)
            terminal.wait_exit()

    def test_a_stopped_viewer_ends_with_the_server(self):
        self.suspend()
        os.kill(self.server(), signal.SIGTERM)
        os.kill(self.guardian(), signal.SIGCONT)
        self.assert_ended(0)

    def test_guests_are_served_while_it_is_suspended(self):
        self.suspend()
        guest = Guest(self.mux.directory, "guest1")
        guest.write(b"meanwhile\r\n")
        guest.flush()
        self.assertIn(b"meanwhile", self.mux.run("wait", "guest1", "--for", "meanwhile"))
        os.kill(self.guardian(), signal.SIGCONT)
        self.terminal.wait_for("meanwhile")

    def test_it_leaves_the_sockets_of_the_next_one_alone(self):
        server = self.server()
        self.suspend()
        os.kill(server, signal.SIGTERM)
        self.wait_until(self.is_refused, "the server's end")
        self.wait_gone(server)
        with Mux(directory=self.mux.directory) as second:
            os.kill(self.guardian(), signal.SIGCONT)
            self.terminal.wait_exit()
            self.assertEqual(second.run("list"), b"")

    def test_detached_it_goes_on_and_can_be_attached_to(self):
        for words in ("detach\r", "\x05d"):
            with Mux(start=False) as mux, Terminal(mux.command()) as terminal:
                terminal.wait_for("cons> ")
                terminal.send(words)
                server = int(terminal.wait_for(r"muxd goes on as process (\d+); muxd attach")[1])
                self.assertEqual(terminal.wait_exit(), 0)
                self.assertEqual(terminal.attributes(), terminal.attributes_at_start)
                self.assertEqual(mux.run("list"), b"")
                with Terminal([*mux.command(), "attach", "console"]) as attached:
                    attached.wait_for("cons> ")
                    attached.send("quit\r")
                    self.assertEqual(attached.wait_exit(), 0)
                self.assertEqual(mux.run("list"), b"")
                os.kill(server, signal.SIGTERM)
                self.wait_gone(server)

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
