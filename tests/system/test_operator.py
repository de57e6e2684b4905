#!/usr/bin/env python3
"""An operator's terminal, muxd and guests' console links together; everything but the machines."""

import hashlib
import os
import re
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import POWERED_OFF, REBOOTING, RUNNING, TIMEOUT, Guest  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

ESCAPE = b"\x05"
PROMPT = r"cons> "
KILLS = 20


class LiveGuest:
    """A guest whose console link runs in a thread of its own."""

    def __init__(self, test, directory, name, **options):
        self.guest = Guest(directory, name, **options)
        self.lock = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        test.addCleanup(self.end)

    def run(self):
        while not self.ended:
            with self.lock:
                self.guest.turn(0.005)
                self.lock.notify_all()
            time.sleep(0.0002)  # lets the test's thread have the lock

    def end(self):
        self.ended = True
        self.thread.join()
        self.guest.close()

    def write(self, data):
        """As fast as the ring is emptied: nothing is lost."""
        with self.lock:
            self.wait(lambda: self.guest.end - self.guest.acked < self.guest.ring_size // 2)
            self.guest.write(data)

    def set_state(self, *state):
        with self.lock:
            self.guest.set_state(*state)

    def wait(self, condition):
        with self.lock:
            if not self.lock.wait_for(condition, TIMEOUT):
                raise AssertionError(f"{self.guest.name}: not within {TIMEOUT} s; "
                                     f"input {bytes(self.guest.input[-200:])!r}")

    def wait_input(self, data):
        self.wait(lambda: data in self.guest.input)


class OperatorTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux("--bufsize", "16M"))

    def guest(self, name, **options):
        return LiveGuest(self, self.mux.directory, name, **options)

    def attach(self, *words, **environment):
        terminal = Terminal(self.mux.command("attach", *words), env=environment)
        self.addCleanup(terminal.close)
        return terminal

    def assert_restored(self, terminal):
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)


def lines_of(name, text):
    """The lines of a guest in the tagged view of a terminal that cannot move its cursor."""
    lines = []
    for mark, part in re.findall(rf"^{name} *([|:]) (.*?)\r\n", text, re.MULTILINE):
        if mark == ":":
            lines[-1] += part
        else:
            lines.append(part)
    return lines


class Viewing(OperatorTest):
    def test_tail_follows_until_ctrl_c(self):
        guest = self.guest("vm1")
        guest.write(b"old\r\nlast\r\n")
        terminal = self.attach("console")
        terminal.wait_for("running.*" + PROMPT)
        self.mux.run("hide", "vm1")
        terminal.send(b"tail -f -n1 vm1\r")
        terminal.wait_for(r"\r\nlast\r\n")
        guest.write(b"next\r\nlogin: ")
        terminal.wait_for(r"next\r\n")
        terminal.wait_for(r"login: ")
        guest.write(b"root\r\n")
        terminal.wait_for(r"login: root\r\n")
        terminal.send(b"\x03")
        terminal.wait_for(PROMPT)
        guest.write(b"unseen\r\n")
        self.mux.run("wait", "vm1", "--for", "unseen", "--timeout", "60")
        terminal.send(b"tail -n 1 vm1\r")
        terminal.wait_for(r"\r\nunseen\r\n")
        self.assertEqual(terminal.text().count("unseen"), 1)

    def test_every_line_is_shown_once_while_muxd_is_killed(self):
        guests = [self.guest("vm1"), self.guest("vm2")]
        terminal = self.attach("console", TERM="dumb")
        terminal.wait_for("(running.*){2}" + PROMPT)
        number = 0
        for _ in range(KILLS):
            for _ in range(30):
                for guest in guests:
                    guest.write(b"".join(b"line %d\r\n" % (number + i) for i in range(20)))
                number += 20
            self.mux.kill()
            self.mux.start()
        for guest in guests:
            guest.write(b"last line\r\n")
        terminal.wait_for(r"(last line.*){2}")
        expected = [f"line {i}" for i in range(number)] + ["last line"]
        for name in ("vm1", "vm2"):
            self.assertEqual(lines_of(name, terminal.text()), expected)

    def test_every_byte_is_shown_once_to_the_connected_operator(self):
        guest = self.guest("vm1")
        terminal = self.attach("vm1")
        terminal.wait_for("Connecting to 'vm1' -+\r\n")
        guest.wait(lambda: guest.guest.size)
        number = 0
        for _ in range(KILLS):
            for _ in range(200):
                guest.write(b"<%d>\r\n" % number)
                number += 1
            self.mux.kill()
            terminal.wait_for("muxd is gone")
            self.mux.start()
            terminal.wait_for("muxd is back")
        guest.write(b"<end>")
        terminal.wait_for("<end>")
        numbers = [int(text) for text in re.findall(r"<(\d+)>", terminal.text())]
        self.assertEqual(numbers, list(range(number)))

    def test_a_reboot_stays_on_the_channel_and_power_off_leaves_it(self):
        guest = self.guest("vm1", key=b"1")
        terminal = self.attach("vm1")
        terminal.wait_for("Connecting to 'vm1' -+\r\n")
        guest.wait(lambda: guest.guest.size)
        guest.write(b"Restarting system\r\n")
        guest.set_state(REBOOTING, "")
        guest.set_state(RUNNING, "")
        guest.write(b"second boot\r\n")
        terminal.wait_for("rebooted.*second boot")
        guest.set_state(POWERED_OFF, "")
        terminal.wait_for("powered off.*" + PROMPT)

    def test_a_megabyte_pasted_arrives_whole(self):
        guest = self.guest("vm1")
        terminal = self.attach("vm1")
        terminal.wait_for("Connecting to 'vm1' -+\r\n")
        paste = b"".join(b"%07d\n" % i for i in range(131072))
        terminal.send(paste)
        guest.wait(lambda: len(guest.guest.input) >= len(paste))
        self.assertEqual(hashlib.sha256(guest.guest.input).hexdigest(),
                         hashlib.sha256(paste).hexdigest())

    def test_commands_answer_at_the_prompt(self):
        self.guest("vm1", key=b"1")
        terminal = self.attach("console")
        terminal.wait_for("vm1 .key 1.: running.*" + PROMPT)
        terminal.send("list\r")
        terminal.wait_for(r"vm1 \(1\) .*" + PROMPT)
        terminal.send("help\r")
        terminal.wait_for(r"Ctrl-E 1.*" + PROMPT)
        terminal.send("tail nobody\r")
        terminal.wait_for(r"\*\*\* .*nobody.*" + PROMPT)
        terminal.send("hide vm1\rquit\r")
        self.assertEqual(terminal.wait_exit(), 0)


class OnItsTerminal(LimitedTest):
    """muxd started on a terminal is that terminal."""

    def setUp(self):
        self.mux = self.enterContext(Mux(start=False))
        self.terminal = Terminal(self.mux.command())
        self.addCleanup(self.terminal.close)
        self.mux.process = self.terminal.process
        self.terminal.wait_for(PROMPT)

    def assert_restored_soon(self):
        """The last of the viewer's processes may end after muxd."""
        deadline = time.monotonic() + TIMEOUT
        while self.terminal.attributes() != self.terminal.attributes_at_start:
            self.assertLess(time.monotonic(), deadline, "the terminal was not restored")
            time.sleep(0.01)

    def test_guests_come_and_are_typed_at(self):
        guest = LiveGuest(self, self.mux.directory, "vm1", key=b"1")
        guest.write(b"login: ")
        self.terminal.wait_for("login: ")
        self.terminal.send(ESCAPE + b"1root\r")
        guest.wait_input(b"root\r")
        self.terminal.send(ESCAPE + b".")
        self.terminal.wait_for(r"login: \r\n" + PROMPT)
        self.terminal.send("quit\r")
        self.assertEqual(self.terminal.wait_exit(), 0)
        self.assert_restored_soon()

    def test_is_restored_after_sigterm(self):
        self.terminal.signal(signal.SIGTERM)
        self.terminal.wait_exit()
        self.assert_restored_soon()

    def test_is_restored_after_sigkill(self):
        self.terminal.signal(signal.SIGKILL)
        self.terminal.wait_exit()
        self.assert_restored_soon()

    def test_suspends_and_resumes_as_a_whole(self):
        with tempfile.TemporaryDirectory(prefix="muxd-") as directory, \
                Terminal(["dash", "-i"], env={"PS1": "shell> "}) as terminal:
            terminal.wait_for("shell> ")
            before = terminal.attributes()
            command = Mux(directory=directory, start=False).command()
            terminal.send(" ".join(command) + "\r")
            terminal.wait_for(PROMPT)
            terminal.send("\x1a")
            terminal.wait_for("shell> ")
            self.assertEqual(terminal.attributes(), before)
            terminal.send("fg\r")
            terminal.wait_for(PROMPT)
            terminal.send("quit\r")
            terminal.wait_for("shell> ")
            self.assertEqual(terminal.attributes(), before)


if __name__ == "__main__":
    unittest.main()
