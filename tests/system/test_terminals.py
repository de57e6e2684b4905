#!/usr/bin/env python3
"""muxd on terminals that people use: tmux, narrow and wide, dumb ones, and under asciinema."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT, Guest  # noqa: E402
from mux import Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

WIDE = "\u5bbd"  # takes two columns
PROMPT = "cons>"
# A tmux of Debian 12 may miss that its program has ended, so the window's program tells of it.
TELL_END = '"$@"; echo "ended with $?"; exec sleep infinity'


class Tmux:
    """A window of a tmux of its own, and what stands in it."""

    def __init__(self, command, columns, rows=24, **environment):
        self.directory = tempfile.mkdtemp(prefix="tmux-")
        self.socket = os.path.join(self.directory, "socket")
        words = [f"{name}={value}" for name, value in environment.items()]
        self.call("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  shlex.join(["env", "LC_ALL=C.UTF-8", *words, "sh", "-c", TELL_END, "sh",
                              *command]), ";", "set", "status", "off")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("kill-server", check=False)
        shutil.rmtree(self.directory)

    def call(self, *words, check=True):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *words], check=check,
                              capture_output=True, timeout=TIMEOUT,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()

    def type(self, *keys):
        """Keys by their names in tmux."""
        self.call("send-keys", *keys)

    def rows(self, *options):
        return [row.rstrip() for row in self.call("capture-pane", "-p", *options).split("\n")]

    def until(self, condition):
        """Until the rows are as the condition wants them; these."""
        deadline = time.monotonic() + TIMEOUT
        while not condition(rows := [row for row in self.rows() if row]):
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(rows))
        return rows

    def until_row(self, text):
        return self.until(lambda rows: any(text in row for row in rows))


class TerminalsTest(unittest.TestCase):
    def setUp(self):
        self.mux = self.enterContext(Mux())

    def guest(self, name, **options):
        guest = Guest(self.mux.directory, name, **options)
        guest.until(lambda: guest.stream and guest.welcomed)
        return guest

    def prints(self, guest, text):
        guest.write(text.encode())
        guest.flush()


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
class InTmux(TerminalsTest):
    columns = 40

    def console(self, *words, **environment):
        tmux = self.enterContext(Tmux(self.mux.command(*(words or ("attach", "console"))),
                                      self.columns, **environment))
        tmux.until_row(PROMPT)
        return tmux

    def announced(self, tmux, name):
        """A guest that this terminal knows: it shows all that comes from now on."""
        guest = self.guest(name)
        tmux.until_row(f"*** {name}: running")
        return guest

    def test_a_session_looks_as_it_should(self):
        tmux = self.console()
        one, two = self.guest("vm1", key=b"1"), self.guest("vm2", key=b"2")
        tmux.until_row("*** vm2 (key 2): running")
        self.prints(one, "login: ")
        tmux.until_row("vm1     | login:")
        self.prints(two, f"\x1b[2J\x1b[Hcaf\u00e9 {WIDE}\r\n")
        tmux.until_row(f"vm2     | ^[[2J^[[Hcaf\u00e9 {WIDE}")
        self.prints(one, "root\r\n")
        tmux.until(lambda rows: rows[-4:] == [
            "vm1     | login:", f"vm2     | ^[[2J^[[Hcaf\u00e9 {WIDE}", "vm1     : root", PROMPT])
        tmux.type("list v", "Tab", "1", "Enter")
        tmux.until_row("vm1 (1) [    cons]")
        tmux.type("C-e", "1")
        tmux.until_row("Connecting to 'vm1'")
        tmux.type("whoami", "Enter")
        one.until(lambda: one.input == b"whoami\r")
        tmux.type("C-e", ".")
        tmux.until(lambda rows: rows[-1] == PROMPT)
        tmux.type("quit", "Enter")
        tmux.until_row("ended with 0")

    def test_a_row_that_grows_is_drawn_anew_as_long_as_it_is_one(self):
        tmux = self.console()
        guest = self.announced(tmux, "vm1")
        room = self.columns - len("vm1     | ")
        self.prints(guest, WIDE * (room // 2 - 1))
        tmux.until_row("vm1     | " + WIDE * (room // 2 - 1))
        self.prints(guest, ".")
        tmux.until_row("vm1     | " + WIDE * (room // 2 - 1) + ".")
        self.prints(guest, WIDE)  # wraps
        tmux.until(lambda rows: rows[-2] == WIDE)
        self.prints(guest, "more\r\n")
        tmux.until(lambda rows: rows[-4:] == [
            "vm1     | " + WIDE * (room // 2 - 1) + ".", WIDE, "vm1     : more", PROMPT])

    def test_a_line_longer_than_the_window_wraps_and_the_prompt_stands_below(self):
        tmux = self.console()
        guest = self.announced(tmux, "vm1")
        line = "vm1     | " + "x" * (2 * self.columns) + "end"
        self.prints(guest, line[10:] + "\r\n")
        tmux.until(lambda rows: "".join(rows[-4:]) == line + PROMPT)

    def test_lines_above_the_guests_line_leave_it_whole(self):
        one, two = self.guest("vm1"), self.guest("vm2")
        tmux = self.enterContext(Tmux(self.mux.command("attach", "vm1"), self.columns))
        tmux.until_row("Connecting to 'vm1'")
        line = "$ " + WIDE * (self.columns // 2 - 1)  # as wide as the window, exactly
        self.prints(one, line)
        tmux.until_row(line)
        self.prints(two, "noise\r\n")
        rows = tmux.until(lambda rows: rows[-2:] == ["vm2     | noise", line])
        self.assertEqual(rows.count(line), 1)

    def test_what_is_typed_longer_than_the_window_stays_whole(self):
        tmux = self.console()
        guest = self.announced(tmux, "vm1")
        words = "list " + "abcdefghi " * (self.columns // 8)
        tmux.type("-l", words)
        tmux.until(lambda rows: "".join(rows).replace(" ", "").endswith(words.replace(" ", "")))
        self.prints(guest, "noise\r\n")
        tmux.until(lambda rows: "".join(rows).replace(" ", "").endswith(
            ("vm1     | noise" + PROMPT + words).replace(" ", "")))

    def test_a_smaller_window_is_used(self):
        tmux = self.console()
        guest = self.guest("vm1", key=b"1")
        tmux.until_row("vm1 (key 1): running")
        tmux.type("C-e", "1")
        tmux.until_row("Connecting")
        guest.until(lambda: guest.size == (self.columns, 24))
        tmux.call("resize-window", "-x", "31", "-y", "12")
        guest.until(lambda: guest.size == (31, 12))

    def test_an_editor_comes_and_goes(self):
        tmux = self.console()
        one, two = self.guest("vm1", key=b"1"), self.guest("vm2")
        tmux.until_row("vm1 (key 1): running")
        tmux.type("C-e", "1")
        tmux.until_row("Connecting")
        self.prints(one, "$ vi\r\n\x1b[?1049h\x1b[2J\x1b[5;10Hediting")
        tmux.until(lambda rows: rows == [" " * 9 + "editing"])
        self.prints(two, "noise\r\n")
        tmux.type("C-e", ".")
        rows = tmux.until(lambda rows: rows[-1] == PROMPT and "vm2     | noise" in rows)
        self.assertIn("$ vi", rows)
        self.assertNotIn("editing", "".join(rows))


class InWideTmux(InTmux):
    columns = 250


class OldTerminals(TerminalsTest):
    """Those that know little, or nothing: a line comes whole, in order, and nothing else does."""

    def session(self, kind, columns=80):
        guest = self.guest("vm1", key=b"1")
        terminal = Terminal(self.mux.command("attach", "console"), columns=columns,
                            env={"TERM": kind})
        self.addCleanup(terminal.close)
        terminal.wait_for(r"\*\*\* vm1 \(key 1\): running")
        self.prints(guest, "part")
        terminal.wait_for(r"vm1     \| .*part")
        self.prints(guest, "ial\r\n\x1b[31mred\x1b[0m\r\n")
        terminal.wait_for("red")
        terminal.send("list\r")
        terminal.wait_for(r"vm1 \(1\) \[ +cons\]")
        terminal.send("\x051")
        terminal.wait_for("Connecting to 'vm1'")
        terminal.wait_for("red")
        terminal.send("typed\r")
        guest.until(lambda: guest.input == b"typed\r")
        terminal.send("\x05")
        terminal.wait_for(r"\[Ctrl-E\]")
        terminal.send(".")
        terminal.wait_for("cons> ")
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)
        return terminal.text()

    def test_a_dumb_terminal_gets_no_sequences(self):
        self.assertNotIn("\x1b", self.session("dumb"))

    def test_so_does_one_that_says_nothing(self):
        self.assertNotIn("\x1b", self.session(""))

    def test_a_dumb_terminal_of_40_columns(self):
        self.assertNotIn("\x1b", self.session("dumb", columns=40))

    def test_a_vt100_gets_only_what_it_knows(self):
        text = self.session("vt100")
        sequences = set(part.split("m")[0][:1] for part in text.split("\x1b[")[1:])
        self.assertTrue(sequences <= set("013JKAC"), sequences)
        for part in text.split("\x1b")[1:]:
            self.assertRegex(part, r"\A\[(\d;)?\d*[mJKACD]")

    def test_a_kind_of_terminal_that_nobody_knows(self):
        self.session("no-such-terminal")


@unittest.skipUnless(shutil.which("asciinema"), "asciinema is not installed")
class UnderAsciinema(TerminalsTest):
    def test_a_session_is_recorded_from_outside(self):
        guest = self.guest("vm1", key=b"1")
        path = os.path.join(self.mux.directory, "session.cast")
        command = shlex.join(self.mux.command("attach", "console"))
        with Terminal(["asciinema", "rec", "-q", "-c", command, path],
                      env={"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}) as terminal:
            terminal.wait_for(r"vm1 \(key 1\): running")
            self.prints(guest, f"{WIDE} from the guest\r\n")
            terminal.wait_for("from the guest")
            terminal.send("\x051")
            terminal.wait_for("Connecting")
            terminal.send("typed\r")
            guest.until(lambda: guest.input == b"typed\r")
            terminal.send("\x05.")
            terminal.wait_for("cons> ")
            terminal.send("quit\r")
            self.assertEqual(terminal.wait_exit(), 0)
            self.assertEqual(terminal.attributes(), terminal.attributes_at_start)
        with open(path, encoding="utf-8") as file:
            next(file)
            text = "".join(json.loads(line)[2] for line in file)
        self.assertIn(f"vm1     | {WIDE} from the guest\r\n", text)
        with Terminal(self.mux.command("replay", path, "1000"), env={"LC_ALL": "C.UTF-8"}) as again:
            again.wait_for(f"vm1     \\| {WIDE} from the guest\r\n.*Connecting to 'vm1'")
            self.assertEqual(again.wait_exit(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
