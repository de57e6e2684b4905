#!/usr/bin/env python3
"""Going from guest to guest by keys, the command line while connected, and other programs' keys."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_viewer import ESCAPE, MUXD, PROMPT, ViewerTest  # noqa: E402
from terminal import Terminal  # noqa: E402


class Keys(ViewerTest):
    def test_next_previous_and_last_go_round(self):
        three = self.mux.add("vm3")
        self.mux.add("cable0").set(state="log")
        terminal = self.connected("vm2")
        for key, name in ((b"n", "vm3"), (b"n", "vm1"), (b"p", "vm3"), (b"p", "vm2"),
                          (b"\t", "vm3"), (b"\t", "vm2")):
            terminal.send(ESCAPE + key + name.encode())
            terminal.wait_for(f"Connecting to '{name}'")
        self.two.wait_typed(b"vm2vm2")
        three.wait_typed(b"vm3vm3vm3")
        self.one.wait_typed(b"vm1")

    def test_at_the_prompt_they_count_from_the_guest_left_last(self):
        terminal = self.connected("vm1")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(PROMPT)
        terminal.send(ESCAPE + b"\t")
        terminal.wait_for("Connecting to 'vm1'")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(PROMPT)
        terminal.send(ESCAPE + b"n")
        terminal.wait_for("Connecting to 'vm2'")

    def test_without_another_guest_nothing_happens(self):
        self.mux.remove(self.two)
        terminal = self.connected("vm1")
        terminal.send(ESCAPE + b"n" + ESCAPE + b"\t")
        terminal.wait_for(r"\*\*\* there is no other guest\r\n")
        terminal.send(b"x")
        self.one.wait_typed(b"x")

    def test_detach_ends_the_viewer(self):
        terminal = self.connected("vm1")
        terminal.send(ESCAPE + b"d")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assert_restored(terminal)

    def test_the_keys_are_told_above_the_guests_line(self):
        terminal = self.connected("vm1")
        self.one.write(b"$ edit")
        terminal.wait_for(r"\$ edit")
        terminal.send(ESCAPE + b"?")
        terminal.wait_for(r"Ctrl-E Tab - connect to the guest before.*Ctrl-E 2 - connect to vm2"
                          r".*\$ edit")
        terminal.send(b"x")
        self.one.wait_typed(b"x")


class CommandLine(ViewerTest):
    def begin(self, terminal):
        terminal.send(ESCAPE + b":")
        terminal.wait_for("cons:vm1> ")

    def test_one_command_runs_and_the_guest_goes_on_where_it_was(self):
        terminal = self.connected("vm1")
        self.one.write(b"before\r\n$ par")
        terminal.wait_for("par")
        self.begin(terminal)
        self.one.write(b"tial\r\nbehind\r\n")
        terminal.send(b"list abc\r")
        self.mux.wait_commands(["list", "abc"])
        terminal.wait_for(r"done\r\n\$ partial\r\nbehind\r\n")
        terminal.send(b"x")
        self.one.wait_typed(b"x")
        self.assertEqual(bytes(self.one.typed), b"x")

    def test_what_is_typed_behind_the_line_is_for_the_guest(self):
        terminal = self.connected("vm1")
        terminal.send(b"a" + ESCAPE + b":list abc\rb" + ESCAPE + b"e" + b"c")
        self.one.wait_typed(b"ab\x05c")
        self.assertEqual(self.mux.commands, [["list", "abc"]])

    def test_an_empty_line_control_c_and_control_d_lead_back(self):
        terminal = self.connected("vm1")
        for line in (b"\r", b"list\x03", b"\x04"):
            self.begin(terminal)
            terminal.send(line + b"back")
            self.one.wait_typed(b"back")
            self.one.typed.clear()
        self.assertEqual(self.mux.commands, [])

    def test_it_may_lead_to_another_guest(self):
        terminal = self.connected("vm1")
        self.begin(terminal)
        terminal.send(b"connect vm2\rsecond")
        terminal.wait_for("Connecting to 'vm2'")
        self.two.wait_typed(b"second")

    def test_leaving_works_there_too(self):
        terminal = self.connected("vm1")
        self.begin(terminal)
        terminal.send(ESCAPE + b".")
        terminal.wait_for(r"cons> ")
        terminal.send(b"list abc\r")
        self.mux.wait_commands(["list", "abc"])
        terminal.wait_for(r"done\r\ncons> ")
        self.assertEqual(bytes(self.one.typed), b"")

    def test_output_of_the_guest_waits_and_a_sequence_cut_in_two_stays_whole(self):
        terminal = self.connected("vm1")
        self.one.write(b"x\x1b[3")
        self.mux.wait_sent(self.one)
        terminal.wait_for("x")
        self.begin(terminal)
        self.one.write(b"1mred\r\n")
        self.mux.wait_sent(self.one)
        terminal.send(b"list\r")
        terminal.wait_for(r"done\r\nx\x1b\[31mred\r\n")
        self.assertEqual(terminal.text().count("red"), 1)

    def test_modes_are_undone_and_set_again(self):
        terminal = self.connected("vm1")
        self.one.write(b"\x1b[?1049h\x1b[?25l\x1b[5;5Heditor")
        terminal.wait_for("editor")
        self.one.wait(lambda: self.one.sizes[-1] == (80, 24), "size")
        self.begin(terminal)
        self.assertIn("\x1b[?1049l", terminal.text())
        self.one.wait(lambda: self.one.sizes[-1] == (80, 23), "smaller size")
        terminal.send(b"\r")
        terminal.wait_for(r"\x1b\[\?25l.*\x1b\[\?1049h")
        self.one.wait(lambda: self.one.sizes[-1] == (80, 24), "size")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(r"\x1b\[\?25h.*\x1b\[\?1049l.*" + PROMPT)

    def test_a_guest_that_goes_meanwhile_leaves_the_line_alone(self):
        terminal = self.connected("vm1")
        self.begin(terminal)
        terminal.send(b"list abc")
        terminal.wait_for("list abc")
        self.mux.remove(self.one)
        terminal.wait_for(r"\*\*\* vm1: dropped\r\n.*cons> ")
        self.mux.add("vm4")
        terminal.wait_for("vm4")
        terminal.send(b"\x15list x\r")
        self.mux.wait_commands(["list", "x"])

    def test_muxd_may_go_and_come_back_meanwhile(self):
        terminal = self.connected("vm1")
        self.one.write(b"one ")
        terminal.wait_for("one ")
        self.begin(terminal)
        self.mux.kill()
        self.one.write(b"two\r\n")
        terminal.wait_for("muxd is gone")
        self.mux.restart()
        terminal.wait_for("muxd is back")
        terminal.send(b"\r")
        terminal.wait_for(r"one two\r\n")


class OtherKeys(ViewerTest):
    def attach_with(self, mode):
        terminal = Terminal([MUXD, "attach", "--keys", mode, "vm1"], env=self.environment())
        self.addCleanup(terminal.close)
        terminal.wait_for("Connecting to 'vm1' -+\r\n")
        self.one.wait(lambda: self.one.live, "viewer")
        return terminal

    def test_libvmm(self):
        terminal = self.attach_with("libvmm")
        terminal.send(b"one\\n\\@@@ @2two@1\x05end")
        self.one.wait_typed(b"one\\n@@ \x05end")
        self.two.wait_typed(b"two")
        terminal.send(b"@9@x")
        terminal.wait_for(r"\*\*\* no guest has the number 9\r\n")
        terminal.wait_for(r"\*\*\* @ x is no key")
        terminal.send(b"@.")
        terminal.wait_for(PROMPT)
        self.assertEqual(bytes(self.one.typed), b"one\\n@@ \x05end")

    def test_sddf(self):
        terminal = self.attach_with("sddf")
        terminal.send(b"one\x1c\x1c\x1c1\rtwo\x1c0\rend")
        self.one.wait_typed(b"one\x1cend")
        self.two.wait_typed(b"two")
        terminal.send(b"\x1c7\r\x1c12345\r\x1c3x.")
        terminal.wait_for(r"\*\*\* no guest has the number 7\r\n")
        terminal.wait_for(r"is no number of a guest and Enter\r\n")
        terminal.wait_for(r'"3x" is no number of a guest and Enter\r\n')
        self.one.wait_typed(b"one\x1cend.")
        terminal.send(b"\x1c?")
        terminal.wait_for(r"Ctrl-\\ \. - leave.*1 - vm2")
        self.assertNotIn("Ctrl-E", terminal.text())


del ViewerTest

if __name__ == "__main__":
    unittest.main()
