#!/usr/bin/env python3
"""The operator's side of muxd on real terminals, with a muxd whose every byte the test decides."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake_mux import TIMEOUT, FakeMux  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import muxd_program  # noqa: E402
from terminal import Terminal  # noqa: E402

MUXD = muxd_program()
ESCAPE = b"\x05"
PROMPT = r"cons> "


def child_of(pid):
    """The process that does the work: the guardian's only child."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return int(children.read())


class ViewerTest(LimitedTest):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="viewer-"))
        self.path = os.path.join(self.directory, "control.sock")
        self.mux = self.enterContext(FakeMux(self.path))
        self.one = self.mux.add("vm1", key="1")
        self.two = self.mux.add("vm2", key="2")

    def environment(self, **more):
        return {"MUXD_RUNTIME_DIR": self.directory, **more}

    def attach(self, *words, rows=24, columns=80, **environment):
        terminal = Terminal([MUXD, "attach", *(words or ["console"])], rows=rows, columns=columns,
                            env=self.environment(**environment))
        self.addCleanup(terminal.close)
        return terminal

    def console(self, **settings):
        terminal = self.attach(**settings)
        terminal.wait_for(r"\*\*\* vm2 .*" + PROMPT)
        return terminal

    def connected(self, name="vm1", **settings):
        guest = {"vm1": self.one, "vm2": self.two}[name]
        terminal = self.attach(name, **settings)
        terminal.wait_for(f"Connecting to '{name}' -+\r\n")
        guest.wait(lambda: guest.live, "viewer")
        return terminal

    def assert_restored(self, terminal):
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)


class Tagged(ViewerTest):
    def test_lines_have_tags_and_each_guest_its_colour(self):
        terminal = self.console()
        self.one.write(b"hello\r\n")
        terminal.wait_for(r"\x1b\[32mvm1     \| \x1b\[0m\x1b\[32mhello\x1b\[0m\r\n")
        self.two.write(b"there\r\n")
        terminal.wait_for(r"\x1b\[33mvm2     \| \x1b\[0m\x1b\[33mthere\x1b\[0m\r\n")

    def test_a_guest_chooses_its_colour(self):
        self.mux.add("vm3", color="B").write(b"blue\r\n")
        terminal = self.attach()
        terminal.wait_for("vm3: running")
        self.mux.guests[3].write(b"deep\r\n")
        terminal.wait_for(r"\x1b\[1;34mvm3     \| \x1b\[0m\x1b\[1;34mdeep")

    def test_lines_have_times_from_when_they_are_asked_for(self):
        terminal = self.console(NO_COLOR="1")
        self.one.time = 62123
        self.one.write(b"without\r\n")
        terminal.wait_for(r"vm1     \| without\r\n")
        self.one.set(timestamps="relative")
        self.one.write(b"with\r\n")
        terminal.wait_for(r"vm1     \| \[\+00061\.123\] with\r\n")
        self.one.set(timestamps="off")
        self.one.write(b"again without\r\n")
        terminal.wait_for(r"vm1     \| again without\r\n")

    def test_an_interrupted_line_goes_on_behind_a_colon(self):
        terminal = self.console(NO_COLOR="1")
        self.one.write(b"login: ")
        terminal.wait_for(r"vm1     \| login: ")
        self.two.write(b"noise\r\n")
        terminal.wait_for(r"vm2     \| noise\r\n")
        self.one.write(b"root\r\n")
        terminal.wait_for(r"vm1     : root\r\n")

    def test_a_line_that_grows_stays_in_its_row(self):
        terminal = self.console(NO_COLOR="1")
        self.one.write(b"wait .")
        terminal.wait_for(r"wait \.")
        self.one.write(b".")
        terminal.wait_for(r"wait \.\.")
        self.one.write(b". done\r\n")
        terminal.wait_for(r"wait \.\.\. done\r\n" + PROMPT)
        self.assertEqual([line for line in self.rows(terminal) if "wait" in line],
                         ["vm1     | wait ... done"])

    def rows(self, terminal):
        """The screen, of a terminal that understands going up a row."""
        rows, row = [""], 0
        text = re.sub(r"\r\n", "\n", terminal.text())
        for part in re.findall(r"\x1b\[A\r\x1b\[J|\r\x1b\[J|\x1b\[[0-9;]*[A-Za-z]|\n|\r|[^\x1b\r\n]+",
                               text):
            if part == "\x1b[A\r\x1b[J":
                row -= 1
                rows[row:] = [""]
            elif part == "\r\x1b[J":
                rows[row:] = [""]
            elif part == "\n":
                row += 1
                rows[row:] = [""]
            elif not part.startswith(("\x1b", "\r")):
                rows[row] += part
        return rows

    def test_a_guest_cannot_forge_another_guests_line(self):
        terminal = self.console(NO_COLOR="1")
        self.one.write(b"x\r\x1b[2J\x1b[Hvm2     | fake\x1b]0;t\x07\xc2\x9b31m\xe2\x80\xae\r\n")
        terminal.wait_for("fake")
        terminal.wait_for(PROMPT)
        self.assertIn("vm1     | ^[[2J^[[Hvm2     | fake^[]0;t^G\\x9b31m\\u{202e}",
                      terminal.text())
        self.assertNotIn("\x1b]", terminal.text())
        self.assertNotIn("\x1b[2J", terminal.text())

    def test_a_dumb_terminal_gets_no_escape_sequences(self):
        terminal = self.console(TERM="dumb")
        self.one.write(b"hello\r\npart")
        terminal.wait_for("hello")
        terminal.wait_for("part")
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertNotIn("\x1b", terminal.text())

    def test_a_pipe_gets_plain_lines(self):
        with subprocess.Popen([MUXD, "attach", "console"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              env={**os.environ, **self.environment()}) as viewer:
            self.mux.wait_viewers(1)
            self.assertIn(b"vm1", viewer.stdout.readline())
            self.assertIn(b"vm2", viewer.stdout.readline())
            self.one.write(b"hello\r\n")
            self.assertEqual(viewer.stdout.readline(), b"vm1     | hello\n")
            viewer.terminate()
            self.assertEqual(viewer.wait(TIMEOUT), 128 + signal.SIGTERM)

    def test_a_file_gets_plain_lines(self):
        path = os.path.join(self.directory, "out")
        with open(path, "wb") as out:
            viewer = subprocess.Popen([MUXD, "attach", "console"], stdin=subprocess.DEVNULL,
                                      stdout=out, env={**os.environ, **self.environment()})
        self.mux.wait_viewers(1)
        self.one.write(b"hello\r\n")
        with open(path, "rb") as shown:
            text = b""
            while b"vm1     | hello\n" not in text:
                self.assertIsNone(viewer.poll())
                text += shown.read()
        viewer.terminate()
        viewer.wait(TIMEOUT)

    def test_hidden_guests_are_not_shown_until_they_are(self):
        terminal = self.console(NO_COLOR="1")
        self.two.set(shown=False)
        self.two.write(b"secret\r\n")
        self.one.write(b"first\r\n")
        terminal.wait_for(r"vm1     \| first")
        self.two.set(shown=True)
        self.two.write(b"open\r\n")
        terminal.wait_for(r"vm2     \| open")
        self.assertNotIn("secret", terminal.text())

    def test_a_guest_that_comes_later_is_shown_from_its_beginning(self):
        terminal = self.console(NO_COLOR="1")
        late = self.mux.add("late")
        late.write(b"first words\r\n")
        terminal.wait_for(r"late    \| first words")
        self.mux.remove(late)
        terminal.wait_for(r"\*\*\* late: dropped")

    def test_lost_bytes_are_told(self):
        terminal = self.console(NO_COLOR="1")
        self.mux.kill()
        self.one.write(b"x" * 1000 + b"\r\n")
        self.one.forget(1002)
        self.one.write(b"after\r\n")
        self.mux.restart()
        terminal.wait_for(r"\*\*\* vm1: 1002 bytes lost")
        terminal.wait_for(r"vm1     \| after")


class Prompt(ViewerTest):
    def test_a_command_runs_and_its_answer_is_shown(self):
        self.mux.answer = lambda words: ["one\n", f"{len(words)} words\x1b[2J\n"]
        terminal = self.console()
        terminal.send("list 'a b' c\\ d\r")
        terminal.wait_for(r"one\r\n3 words\^\[\[2J\r\n" + PROMPT)
        self.assertIn(["list", "a b", "c d"], self.mux.commands)

    def test_output_does_not_damage_the_line_being_typed(self):
        terminal = self.console(NO_COLOR="1")
        terminal.send("list abc")
        terminal.wait_for("list abc")
        self.one.write(b"noise\r\n")
        terminal.wait_for(r"\r\x1b\[Jvm1     \| noise\r\ncons> list abc")
        terminal.send("\x1b[D\x1b[DX\r")
        self.mux.wait_commands(["list", "aXbc"])

    def test_history_and_line_editing(self):
        terminal = self.console()
        terminal.send("list one\r")
        terminal.wait_for("done\r\n" + PROMPT)
        terminal.send("\x1b[A\x08\x08\x08two\r")
        self.mux.wait_commands(["list", "two"])

    def test_words_are_completed(self):
        terminal = self.console()
        terminal.send("lis\tvm\t")
        terminal.wait_for(r"vm1  vm2\r\ncons> list vm")
        terminal.send("2\t\r")
        self.mux.wait_commands(["list", "vm2"])

    def test_what_a_command_knows_is_completed_behind_the_names(self):
        terminal = self.console()
        terminal.send("link vm1 d\t\r")
        self.mux.wait_commands(["link", "vm1", "down"])
        terminal.wait_for(PROMPT)
        terminal.send("wire l\t--j\t\r")
        self.mux.wait_commands(["wire", "list", "--json"])

    def test_control_c_clears_the_line_and_control_d_ends(self):
        terminal = self.console()
        terminal.send("list abc\x03")
        terminal.wait_for(r"\^C\r\n" + PROMPT)
        terminal.send("\x04")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(self.mux.commands, [])
        self.assert_restored(terminal)

    def test_wrong_words_get_one_line(self):
        terminal = self.console()
        terminal.send("frobnicate\r")
        terminal.wait_for(r"\*\*\* .*frobnicate.*\r\n" + PROMPT)
        terminal.send("connect nobody\r")
        terminal.wait_for(r"\*\*\* connect: no channel named \"nobody\"\r\n")
        terminal.send("capture cable0 -\r")
        terminal.wait_for(r"\*\*\* capture is for a shell: muxd capture")
        terminal.send("list 'open\r")
        terminal.wait_for(r"\*\*\* a quote is not closed\r\n")

    def test_control_c_ends_a_running_command(self):
        self.mux.answer = lambda words: ["begun\n"] + ["line\n"] * 10000
        terminal = self.console()
        terminal.pause_reading()
        terminal.send("cat vm1\r")
        self.mux.wait_commands(["cat", "vm1"])
        terminal.send("\x03")
        terminal.resume_reading()
        terminal.wait_for(PROMPT)


class Connected(ViewerTest):
    def test_bytes_pass_exactly_both_ways(self):
        terminal = self.connected()
        output = bytes(range(256)) * 40
        self.one.write(output)
        terminal.wait_for(re.escape(output))
        typed = bytes(byte for byte in range(256) if byte != ESCAPE[0]) * 10
        terminal.send(typed)
        self.one.wait_typed(typed)
        self.assertEqual(bytes(self.two.typed), b"")

    def test_keys_do_what_they_say_and_leak_nothing(self):
        terminal = self.connected()
        terminal.send(ESCAPE + b"e" + ESCAPE + b"c" + ESCAPE + b"z" + ESCAPE + b"q" + ESCAPE + b"l")
        self.one.wait(lambda: self.one.breaks, "BREAK")
        terminal.send(ESCAPE + b"x" + ESCAPE + ESCAPE + b"end")
        self.one.wait_typed(b"end")
        self.assertEqual(bytes(self.one.typed), b"\x05\x03\x1a\x1bend")
        terminal.wait_for(r"\*\*\* Ctrl-E x is no key")

    def test_what_is_pasted_behind_a_switch_goes_to_the_new_guest(self):
        terminal = self.connected()
        terminal.send(b"first" + ESCAPE + b"2second" + ESCAPE + b"1third")
        self.one.wait_typed(b"firstthird")
        self.two.wait_typed(b"second")

    def test_a_key_waits_for_the_command_of_the_one_before(self):
        terminal = self.connected()
        terminal.send(ESCAPE + b"h" + ESCAPE + b"s")
        self.mux.wait_commands(["hide", "vm2"])
        self.mux.wait_commands(["showall"])
        terminal.send(b"end")
        self.one.wait_typed(b"end")

    def test_others_are_hidden_and_all_are_shown(self):
        terminal = self.connected()
        terminal.send(ESCAPE + b"h")
        self.mux.wait_commands(["hide", "vm2"])
        terminal.send(ESCAPE + b"s")
        self.mux.wait_commands(["showall"])
        terminal.send(b"end")
        self.one.wait_typed(b"end")
        self.assertEqual(bytes(self.one.typed), b"end")

    def test_a_digit_that_is_no_key_counts_the_guests(self):
        self.mux.add("vm0")
        self.two.set(key="x")
        terminal = self.connected()
        terminal.send(ESCAPE + b"3")
        terminal.wait_for("Connecting to 'vm2'")
        terminal.send(ESCAPE + b"1")
        terminal.wait_for("Connecting to 'vm1'")
        terminal.send(ESCAPE + b"4")
        terminal.wait_for("Ctrl-E 4 is no key")

    def test_a_digit_does_not_count_logs_of_wires(self):
        self.mux.add("cable0").set(state="log")
        self.two.set(key="x")
        terminal = self.connected()
        terminal.send(ESCAPE + b"3")
        terminal.wait_for("Ctrl-E 3 is no key")
        terminal.send(ESCAPE + b"2")
        terminal.wait_for("Connecting to 'vm2'")
        self.assertNotIn("cable0: log", terminal.text())

    def test_what_is_pasted_behind_leaving_is_not_run(self):
        terminal = self.connected()
        terminal.send(ESCAPE + b".list bad\rlist bad\r")
        terminal.wait_for(PROMPT)
        terminal.send("list good\r")
        self.mux.wait_commands(["list", "good"])
        self.assertEqual(self.mux.commands, [["list", "good"]])
        self.assertEqual(bytes(self.one.typed), b"")

    def test_other_guests_lines_stand_above_the_line_being_written(self):
        terminal = self.connected(NO_COLOR="1")
        self.one.write(b"$ make")
        terminal.wait_for(r"\$ make")
        self.two.write(b"par")
        self.two.write(b"tial")
        self.two.write(b" whole\r\n")
        terminal.wait_for(r"\r\x1b\[Kvm2     \| partial whole\r\n\$ make")

    def test_the_alternate_screen_is_not_disturbed(self):
        terminal = self.connected(NO_COLOR="1")
        self.one.write(b"\x1b[?1049h\x1b[Heditor")
        terminal.wait_for("editor")
        self.two.write(b"later\r\n")
        self.one.write(b"more")
        terminal.wait_for("more")
        self.assertNotIn("later", terminal.text())
        self.one.write(b"\x1b[?1049l")
        terminal.wait_for(r"vm2     \| later")

    def test_lines_that_could_not_be_held_are_counted(self):
        terminal = self.connected(NO_COLOR="1")
        self.one.write(b"\x1b[?1049h")
        terminal.wait_for(r"1049h")
        self.two.write(b"".join(b"line %d\r\n" % number for number in range(10000)))
        self.mux.wait_sent(self.two)
        self.one.write(b"mark")
        terminal.wait_for("mark")
        terminal.send(ESCAPE + b".")
        lost = int(terminal.wait_for(r"(\d+) lines of other guests not shown\r\n")[1])
        terminal.wait_for("line 9999\r\n")
        shown = len(re.findall(r"vm2     \| line", terminal.text()))
        self.assertEqual(lost + shown, 10000)

    def test_the_hint_comes_and_goes(self):
        terminal = self.connected()
        self.one.write(b"$ ")
        terminal.wait_for(r"\$ ")
        terminal.send(ESCAPE)
        terminal.wait_for(r"\[Ctrl-E\]")
        terminal.send(b"e")
        terminal.wait_for(r"\r\x1b\[K\$ ")
        self.one.wait_typed(ESCAPE)

    def test_connecting_shows_the_last_ten_lines(self):
        self.one.write(b"".join(b"line %d\r\n" % number for number in range(3000)) + b"login: ")
        terminal = self.connected()
        terminal.wait_for("login: ")
        lines = re.findall(r"line (\d+)\r\n", terminal.text())
        self.assertEqual(lines, [str(number) for number in range(2990, 3000)])

    def test_connecting_shows_ten_long_lines(self):
        self.one.write(b"".join(b"%d%s\r\n" % (number, b"x" * 4000) for number in range(100)))
        terminal = self.connected()
        terminal.wait_for("99x+\r\n")
        lines = re.findall(r"(\d+)x{4000}\r\n", terminal.text())
        self.assertEqual(lines, [str(number) for number in range(90, 100)])

    def test_a_line_whose_beginning_is_gone_is_not_shown_on_connecting(self):
        self.one.write(b"beginning of a line\r\nsecond\r\nthird\r\n")
        self.one.forget(5)
        terminal = self.connected()
        terminal.wait_for("second\r\nthird\r\n")
        self.assertNotIn("of a line", terminal.text())

    def test_no_times_while_connected_but_of_others(self):
        for guest in (self.one, self.two):
            guest.time = 3500
            guest.set(timestamps="relative")
        terminal = self.connected(NO_COLOR="1")
        self.one.write(b"mine\r\n")
        terminal.wait_for("mine\r\n")
        self.assertNotIn("[+", terminal.text())
        self.two.write(b"other\r\n")
        terminal.wait_for(r"vm2     \| \[\+00002\.500\] other\r\n")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(PROMPT)
        self.one.write(b"later\r\n")
        terminal.wait_for(r"vm1     \| \[\+00002\.500\] later\r\n")

    def test_questions_in_the_history_are_not_asked_again(self):
        self.one.write(b"\x1b[6n\x1b[cold\r\n")
        terminal = self.connected()
        terminal.wait_for("old\r\n")
        self.assertNotIn("\x1b[6n", terminal.text())

    def test_a_large_paste_arrives_whole(self):
        paste = b"".join(b"%07d\n" % number for number in range(131072))
        terminal = self.connected()
        self.one.room = 16
        terminal.send(paste[:4096])
        self.one.wait_typed(paste[:4096])
        self.one.room = 1000
        terminal.send(paste[4096:])
        self.one.wait(lambda: len(self.one.typed) >= len(paste), "the whole paste")
        self.assertEqual(hashlib.sha256(self.one.typed).hexdigest(),
                         hashlib.sha256(paste).hexdigest())

    def test_a_guest_that_takes_nothing_can_be_left(self):
        self.one.room = 0
        terminal = self.connected()
        terminal.send(b"x" * 10000 + ESCAPE + b".")
        terminal.wait_for(PROMPT)
        self.one.room = 20000
        self.one.write(b"!")
        self.one.wait(lambda: len(self.one.typed) == 10000, "what was typed")

    def test_the_guest_learns_the_size_of_the_window(self):
        terminal = self.connected(rows=30, columns=100)
        self.one.wait(lambda: (100, 30) in self.one.sizes, "first size")
        terminal.resize(50, 132)
        self.one.wait(lambda: (132, 50) in self.one.sizes, "second size")

    def test_read_only_sends_nothing(self):
        terminal = self.attach("vm1", "--read-only")
        terminal.wait_for("Connecting")
        terminal.send(b"abc")
        terminal.wait_for(r"\*\*\* vm1: attached read-only")
        terminal.send(ESCAPE + b".")
        terminal.wait_for(PROMPT)
        self.assertEqual(bytes(self.one.typed), b"")
        self.assertEqual(self.one.sizes, [])

    def test_the_end_of_the_guest_brings_back_the_prompt(self):
        terminal = self.connected()
        self.one.write(b"--- vm1: powered off ---\r\n")
        self.one.set(state="powered-off")
        terminal.wait_for("powered off ---\r\n.*" + PROMPT)

    def test_what_an_ended_guest_did_not_take_is_told(self):
        self.one.most = 4
        terminal = self.connected()
        terminal.send("poweroff\r")
        self.one.wait_typed(b"powe")
        self.one.set(state="crashed", reason="panic")
        terminal.wait_for(r"\*\*\* vm1: 5 bytes that were typed were not sent")
        terminal.wait_for(PROMPT)

    def test_a_pipe_gets_a_guests_bytes_until_it_ends(self):
        with subprocess.Popen([MUXD, "attach", "vm1", "--read-only"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              env={**os.environ, **self.environment()}) as viewer:
            self.one.wait(lambda: self.one.live, "viewer")
            self.one.write(b"\x1b[1mbytes\x00")
            text = b""
            while not text.endswith(b"\x1b[1mbytes\x00"):
                text += viewer.stdout.read1()
            self.one.set(state="powered-off")
            self.assertEqual(viewer.wait(TIMEOUT), 0)

    def test_waits_for_a_guest_that_is_not_there(self):
        terminal = self.attach("later")
        terminal.wait_for("later: no such guest yet")
        self.mux.add("later").write(b"hello\r\n")
        terminal.wait_for(r"Connecting to 'later' -+\r\n\*\*\* Ctrl-E \. leaves.*\r\nhello\r\n")

    def test_without_a_terminal_it_cannot_type(self):
        result = subprocess.run([MUXD, "attach", "vm1"], stdin=subprocess.DEVNULL, check=False,
                                capture_output=True, env={**os.environ, **self.environment()},
                                timeout=TIMEOUT)
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, rb"needs a terminal")


class Away(ViewerTest):
    def test_waits_for_a_muxd_that_is_not_there_yet(self):
        self.mux.kill()
        terminal = self.attach()
        terminal.wait_for(r"\*\*\* muxd is not there yet; waiting for it")
        self.mux.restart()
        terminal.wait_for(r"\*\*\* muxd is back")
        terminal.wait_for("vm2: running|vm2 .*: running")

    def kill_often(self, terminal, pattern):
        """Numbered lines, and a muxd that dies in between."""
        for number in range(2000):
            self.one.write(b"<%d>\r\n" % number)
            if number % 200 == 100:
                self.mux.kill()
            if number % 200 == 120:
                self.mux.restart()
        terminal.wait_for("<1999>")
        self.assertEqual(re.findall(pattern, terminal.text()),
                         [str(number) for number in range(2000)])

    def test_each_line_is_shown_once_however_often_muxd_dies(self):
        self.kill_often(self.console(NO_COLOR="1"), r"vm1     \| <(\d+)>\r\n")

    def test_and_so_while_connected(self):
        self.kill_often(self.connected(), r"<(\d+)>\r\n")

    def test_what_is_typed_meanwhile_arrives(self):
        terminal = self.connected()
        self.mux.kill()
        terminal.wait_for("muxd is gone")
        terminal.send("typed meanwhile\r")
        self.mux.restart()
        self.one.wait_typed(b"typed meanwhile\r")
        self.assertEqual(bytes(self.one.typed), b"typed meanwhile\r")

    def test_a_history_that_begins_anew_is_shown_from_there(self):
        self.one.write(b"old\r\n" * 100)
        terminal = self.console(NO_COLOR="1")
        self.mux.kill()
        self.one.history[:] = b"new world\r\n"
        self.mux.restart()
        terminal.wait_for(r"vm1     \| new world")


class Terminals(ViewerTest):
    def test_is_raw_while_it_runs_and_restored_by_quit(self):
        terminal = self.console()
        self.assertTrue(terminal.is_raw())
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assert_restored(terminal)

    def test_is_restored_after_sigterm(self):
        terminal = self.connected()
        terminal.signal(signal.SIGTERM)
        self.assertEqual(terminal.wait_exit(), 128 + signal.SIGTERM)
        self.assert_restored(terminal)

    def test_is_restored_after_the_viewer_was_killed(self):
        terminal = self.connected()
        self.one.write(b"\x1b[?25l\x1b[31mred")
        terminal.wait_for("red")
        os.kill(child_of(terminal.pid), signal.SIGKILL)
        self.assertEqual(terminal.wait_exit(), 1)
        self.assert_restored(terminal)
        terminal.wait_for(r"\x1b\[\?25h\x1b\[0m")
        terminal.wait_for("killed by SIGKILL")

    def test_is_restored_after_the_guardian_was_killed(self):
        terminal = self.connected()
        viewer = os.pidfd_open(child_of(terminal.pid))
        terminal.signal(signal.SIGKILL)
        self.assertEqual(terminal.wait_exit(), -signal.SIGKILL)
        self.wait_end(viewer)
        self.assert_restored(terminal)

    def wait_end(self, descriptor):
        import select
        readable, _, _ = select.select([descriptor], [], [], TIMEOUT)
        os.close(descriptor)
        self.assertTrue(readable, "the process still runs")

    def test_modes_of_the_guest_are_undone_by_leaving(self):
        terminal = self.connected()
        self.one.write(b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[1mbold")
        terminal.wait_for("bold")
        terminal.send(ESCAPE + b".")
        text = terminal.wait_for("(.*)" + PROMPT)[1]
        for undo in ("\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l", "\x1b[0m"):
            self.assertIn(undo, text)

    def test_suspend_gives_the_terminal_back_and_resume_takes_it_again(self):
        with Terminal(["dash", "-i"], env=self.environment(PS1="shell> ")) as terminal:
            terminal.wait_for("shell> ")
            before = terminal.attributes()
            terminal.send(f"{MUXD} attach console\r")
            terminal.wait_for(PROMPT)
            self.assertTrue(terminal.is_raw())
            terminal.send("list ab\x1a")
            terminal.wait_for("shell> ")
            self.assertEqual(terminal.attributes(), before)
            terminal.send("fg\r")
            terminal.wait_for("cons> list ab")
            self.assertTrue(terminal.is_raw())
            terminal.send("c\r")
            self.mux.wait_commands(["list", "abc"])
            terminal.wait_for("done.*" + PROMPT)
            terminal.send("quit\r")
            terminal.wait_for("shell> ")
            self.assertEqual(terminal.attributes(), before)

    def test_a_viewer_that_somebody_stops_gives_the_terminal_back(self):
        with Terminal(["dash", "-i"], env=self.environment(PS1="shell> ")) as terminal:
            terminal.wait_for("shell> ")
            before = terminal.attributes()
            terminal.send(f"{MUXD} attach vm1\r")
            terminal.wait_for("Connecting to 'vm1' -+\r\n")
            viewer = child_of(child_of(terminal.pid))
            os.kill(viewer, signal.SIGSTOP)
            terminal.wait_for("shell> ")
            self.assertEqual(terminal.attributes(), before)
            terminal.send("fg\r")
            self.one.write(b"still here\r\n")
            terminal.wait_for("still here")
            self.assertTrue(terminal.is_raw())

    def test_a_terminal_that_never_reads_does_not_stop_the_keys(self):
        terminal = self.connected()
        terminal.pause_reading()
        self.one.write(b"y" * 3000000)
        terminal.send(b"typed")
        self.one.wait_typed(b"typed")
        terminal.send(ESCAPE + b"2more")
        terminal.resume_reading()
        terminal.wait_for("Connecting to 'vm2'")
        self.two.wait_typed(b"more")
        self.assertEqual(bytes(self.one.typed), b"typed")

    def test_ends_with_its_terminal(self):
        terminal = self.console()
        viewer = os.pidfd_open(child_of(terminal.pid))
        os.kill(terminal.pid, signal.SIGHUP)
        self.wait_end(viewer)
        terminal.wait_exit()
        self.assert_restored(terminal)


if __name__ == "__main__":
    unittest.main()
