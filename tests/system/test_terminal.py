#!/usr/bin/env python3
"""The terminal library itself, with programs that every machine has."""

import signal
import unittest

from limited import LimitedTest
from terminal import Terminal, TerminalTimeout, screen_lines


class TerminalTest(LimitedTest):
    def test_what_is_typed_reaches_the_program_and_its_answer_is_found(self):
        with Terminal(["cat"]) as terminal:
            terminal.send("hello\r")
            terminal.wait_for(r"hello\r\nhello\r\n")
            terminal.send(b"\x04")
            self.assertEqual(terminal.wait_exit(), 0)

    def test_a_match_is_consumed(self):
        with Terminal(["sh", "-c", "echo one; echo one; echo two; cat"]) as terminal:
            terminal.wait_for("one")
            terminal.wait_for("one")
            self.assertEqual(terminal.wait_for("(t.)o")[1], "tw")

    def test_waiting_in_vain_fails_and_shows_the_output(self):
        with Terminal(["sh", "-c", "echo something else; cat"]) as terminal:
            with self.assertRaisesRegex(TerminalTimeout, "something else"):
                terminal.wait_for("never", timeout=0.3)

    def test_waiting_ends_with_the_program(self):
        with Terminal(["sh", "-c", "echo last; exit 3"]) as terminal:
            with self.assertRaisesRegex(TerminalTimeout, "the program ended.*\n.*last"):
                terminal.wait_for("never")
            self.assertEqual(terminal.wait_exit(), 3)

    def test_the_program_sees_its_size_and_each_change(self):
        script = "trap 'stty size' WINCH; stty size; while read -r line; do :; done"
        with Terminal(["bash", "-c", script], rows=24, columns=80) as terminal:
            terminal.wait_for("24 80")
            terminal.resize(40, 132)
            terminal.send("\r")
            terminal.wait_for("40 132")

    def test_attributes_left_changed_are_seen(self):
        with Terminal(["sh", "-c", "stty raw -echo; echo raw; cat"]) as terminal:
            terminal.wait_for("raw")
            self.assertTrue(terminal.is_raw())
            self.assertNotEqual(terminal.attributes(), terminal.attributes_at_start)
            terminal.signal(signal.SIGKILL)
            self.assertEqual(terminal.wait_exit(), -signal.SIGKILL)
            self.assertNotEqual(terminal.attributes(), terminal.attributes_at_start)

    def test_a_terminal_that_nobody_reads_stops_the_program(self):
        script = "read -r line; echo begin; head -c 1000000 /dev/zero | tr '\\0' x; echo done"
        with Terminal(["bash", "-c", script]) as terminal:
            terminal.pause_reading()
            terminal.send("\r")
            with self.assertRaises(TerminalTimeout):
                terminal.wait_for("begin", timeout=0.3)
            self.assertIsNone(terminal.process.poll())
            terminal.resume_reading()
            terminal.wait_for("begin.*x{1000000}.*done")

    def test_a_large_paste_arrives_whole(self):
        script = "stty raw -echo; echo ready; head -c 1000000 | md5sum"
        with Terminal(["bash", "-c", script]) as terminal:
            terminal.wait_for("ready")
            terminal.send(b"y" * 1000000)
            terminal.wait_for("[0-9a-f]{32}  -")

    def test_a_screen_shows_what_remains_of_rewritten_lines(self):
        text = "prompt> abc\r\x1b[Knew \x1b[31mred\x1b[0m\r\nover\rO\r\nab\bc"
        self.assertEqual(screen_lines(text), ["new red", "Over", "ac"])
        self.assertEqual(screen_lines("one\r\ntwo\r\nthree\x1b[2A\r\x1b[Jnew\x1b[3Dol"), ["olw"])


if __name__ == "__main__":
    unittest.main()
