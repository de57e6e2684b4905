#!/usr/bin/env python3
"""Going from guest to guest by keys, the command line while connected, and other programs' keys."""

import os
import subprocess
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

    def test_control_c_behind_a_key_is_for_where_that_leads(self):
        terminal = self.console()
        for number in range(10):
            terminal.send(b"list abc\rx" + ESCAPE + b"1one\x03two%d" % number + ESCAPE + b".")
            self.one.wait_typed(b"one\x03two%d" % number)
            terminal.wait_for(r"Connecting.*" + PROMPT)
            terminal.send(b"\x15")

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

    def test_what_was_typed_before_leaving_arrives_though_muxd_goes_away(self):
        terminal = self.connected("vm1")
        self.one.most = 4
        terminal.send(b"typed before leaving" + ESCAPE + b".")
        terminal.wait_for(PROMPT)
        self.one.wait_typed(b"type")
        self.mux.kill()
        terminal.wait_for("muxd is gone")
        self.one.most = 1000
        self.mux.restart()
        self.one.wait_typed(b"typed before leaving")

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

    def test_what_is_typed_behind_the_line_is_for_the_guest_also_when_it_is_left(self):
        terminal = self.connected("vm1")
        terminal.send(ESCAPE + b":list abc\rone" + ESCAPE + b"c" + ESCAPE + b"2two")
        self.one.wait_typed(b"one\x03")
        self.two.wait_typed(b"two")
        terminal.send(ESCAPE + b":list abc\rmore" + ESCAPE + b".")
        self.two.wait_typed(b"twomore")
        terminal.wait_for(r"cons> ")
        self.assertEqual(bytes(self.one.typed), b"one\x03")

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

    def test_the_configuration_says_it_too(self):
        path = os.path.join(self.directory, "muxd.toml")
        with open(path, "w", encoding="utf-8") as config:
            config.write('[console]\nkeys = "sddf"\nescape = "^T"\nautoconnect = ["vm2"]\n')
        terminal = Terminal([MUXD, "attach", "--config", path], env=self.environment())
        self.addCleanup(terminal.close)
        terminal.wait_for(r"Connecting to 'vm2' -+\r\n\*\*\* Ctrl-T \. leaves, Ctrl-T \? tells")
        terminal.send(b"\x140\rone")
        self.one.wait_typed(b"one")

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


class Prompt(ViewerTest):
    def test_lines_come_back_in_the_next_viewer(self):
        terminal = self.console(XDG_STATE_HOME=self.directory)
        terminal.send("list one\r")
        terminal.wait_for("done\r\n" + PROMPT)
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        terminal = self.console(XDG_STATE_HOME=self.directory)
        terminal.send("\x1b[A\x1b[A\x08\x08\x08two\r")
        self.mux.wait_commands(["list", "two"])

    def test_a_name_with_blanks_is_completed_as_it_must_be_typed(self):
        self.mux.add("web server's")
        terminal = self.console()
        for typed in ("list w\t\r", "list 'web s\t\r", "list web\\ \t\r"):
            terminal.send(typed)
            self.mux.wait_commands(["list", "web server's"])
            self.mux.commands.clear()
            terminal.wait_for("done\r\n" + PROMPT)

    def test_files_are_completed(self):
        os.mkdir(os.path.join(self.directory, "some dir"))
        with open(os.path.join(self.directory, "some dir", "file*1"), "w", encoding="ascii"):
            pass
        terminal = self.console()
        terminal.send(f"replay {self.directory}/so\tfi\t")
        terminal.wait_for(r"\\ dir/.*\*1 ")


class Broadcast(ViewerTest):
    def begin(self, terminal, *names):
        terminal.send(b" ".join([b"broadcast", *names]) + b"\r")
        terminal.wait_for(r"\[typing at \d guests; Ctrl-E \. leaves\] ")

    def test_all_guests_get_what_is_typed(self):
        dead = self.mux.add("dead")
        dead.set(state="powered-off")
        self.mux.add("cable0").set(state="log")
        terminal = self.console()
        terminal.send(b"broadcast\rearly\r")
        terminal.wait_for(r"\[typing at 2 guests")
        terminal.send(b"two" + ESCAPE + b"e" + ESCAPE + b"l" + ESCAPE + b"xend")
        for guest in (self.one, self.two):
            guest.wait_typed(b"early\rtwo\x05end")
            guest.wait(lambda guest=guest: guest.breaks, "BREAK")
        self.assertEqual(bytes(dead.typed), b"")
        terminal.send(ESCAPE + b".list bad\r")
        terminal.wait_for(PROMPT)
        terminal.send(b"list good\r")
        self.mux.wait_commands(["list", "good"])
        self.assertEqual(self.mux.commands, [["list", "good"]])

    def test_only_those_meant_and_those_that_come(self):
        terminal = self.console()
        self.begin(terminal, b"vm1", b"late*")
        late = self.mux.add("late1")
        terminal.wait_for(r"typing at 2 guests")
        terminal.send(b"words")
        self.one.wait_typed(b"words")
        late.wait_typed(b"words")
        self.one.set(state="crashed")
        terminal.wait_for(r"typing at 1 guests")
        terminal.send(b"more")
        late.wait_typed(b"wordsmore")
        self.assertEqual(bytes(self.two.typed), b"")
        self.assertEqual(bytes(self.one.typed), b"words")

    def test_output_is_tagged_above_what_says_so(self):
        terminal = self.console(NO_COLOR="1")
        self.begin(terminal)
        self.one.write(b"hello\r\n")
        terminal.wait_for(r"\r\x1b\[Kvm1     \| hello\r\n\[typing at 2 guests")

    def test_from_a_shell_and_out_of_a_guest(self):
        terminal = Terminal([MUXD, "broadcast", "vm2"], env=self.environment())
        self.addCleanup(terminal.close)
        terminal.wait_for(r"\[typing at 1 guests")
        terminal.send(b"x" + ESCAPE + b"1one" + ESCAPE + b":broadcast\rall")
        self.one.wait_typed(b"oneall")
        self.two.wait_typed(b"xall")

    def test_it_needs_a_terminal(self):
        result = subprocess.run([MUXD, "broadcast"], stdin=subprocess.DEVNULL, check=False,
                                capture_output=True, env={**os.environ, **self.environment()})
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"needs a terminal", result.stderr)

    def test_a_large_paste_reaches_a_slow_guest_whole(self):
        paste = b"".join(b"%07d\n" % number for number in range(131072))
        self.one.room = 3000
        terminal = self.console()
        self.begin(terminal)
        terminal.send(paste)
        self.one.wait(lambda: len(self.one.typed) >= len(paste), "the whole paste")
        self.two.wait(lambda: len(self.two.typed) >= len(paste), "the whole paste")
        self.assertEqual(bytes(self.one.typed), paste)
        self.assertEqual(bytes(self.two.typed), paste)

    def test_a_guest_that_takes_nothing_is_left_out_and_told(self):
        paste = b"".join(b"%07d\n" % number for number in range(65536))
        self.one.most = 100
        terminal = self.console()
        self.begin(terminal)
        terminal.send(paste)
        terminal.wait_for(r"\*\*\* vm1: takes no input and is left out; \d+ bytes")
        self.two.wait(lambda: len(self.two.typed) >= len(paste), "the whole paste")
        self.assertEqual(bytes(self.two.typed), paste)

    def test_muxd_may_go_and_come_back(self):
        terminal = self.console()
        self.begin(terminal)
        self.mux.kill()
        terminal.wait_for("muxd is gone")
        terminal.send(b"meanwhile")
        self.mux.restart()
        self.one.wait_typed(b"meanwhile")
        self.two.wait_typed(b"meanwhile")


class Autoconnect(ViewerTest):
    def attach_with(self, *words):
        terminal = Terminal([MUXD, "attach", "console", *words], env=self.environment())
        self.addCleanup(terminal.close)
        return terminal

    def test_a_guest_that_is_there_or_comes_again(self):
        terminal = self.attach_with("-c", "vm1", "-c", "late")
        terminal.wait_for("Connecting to 'vm1'")
        self.one.set(state="powered-off")
        terminal.wait_for(PROMPT)
        self.one.set(state="starting")
        terminal.wait_for("Connecting to 'vm1'")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(PROMPT)
        late = self.mux.add("late")
        terminal.wait_for("Connecting to 'late'")
        terminal.send(b"x")
        late.wait_typed(b"x")

    def test_who_types_elsewhere_is_not_torn_away(self):
        terminal = self.attach_with("--autoconnect", "late")
        terminal.wait_for(r"\*\*\* vm2 .*" + PROMPT)
        terminal.send(ESCAPE + b"1")
        terminal.wait_for("Connecting to 'vm1'")
        self.mux.add("late")
        terminal.wait_for(r"\*\*\* late is there; you will be connected at the prompt")
        terminal.send(b"still")
        self.one.wait_typed(b"still")
        terminal.send(ESCAPE + b".")
        terminal.wait_for("Connecting to 'late'")

    def test_a_line_that_is_being_typed_is_ended_first(self):
        terminal = self.attach_with("-c", "late")
        terminal.wait_for(r"\*\*\* vm2 .*" + PROMPT)
        terminal.send(b"list abc")
        terminal.wait_for("list abc")
        late = self.mux.add("late")
        terminal.wait_for("late is there")
        terminal.send(b" d\r")
        self.mux.wait_commands(["list", "abc", "d"])
        terminal.wait_for("Connecting to 'late'")
        self.assertEqual(bytes(late.typed), b"")

    def test_after_muxd_was_away(self):
        terminal = self.attach_with("-c", "vm1")
        terminal.wait_for("Connecting to 'vm1'")
        self.mux.kill()
        terminal.wait_for("muxd is gone")
        self.mux.restart()
        terminal.wait_for("muxd is back")
        terminal.send(b"x")
        self.one.wait_typed(b"x")


del ViewerTest

if __name__ == "__main__":
    unittest.main()
