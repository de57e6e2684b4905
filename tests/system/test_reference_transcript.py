#!/usr/bin/env python3
"""The bytes that cons, the console multiplexer of L4Re, once wrote, and those that muxd writes.

Each step has the bytes recorded there. What muxd does otherwise is a difference with a name: a
function that makes of the recorded bytes those that muxd must write, to the last one. A name that
COMPATIBILITY in muxd(8) does not explain is a fault, and so is a difference that makes none.
"""

import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT, Guest  # noqa: E402
from mux import Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

ERASE = b"\r\x1b[J"
PROMPT = b"cons> "
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "man", "muxd.8")


def no_reset(recorded):
    """Colours end where they end: none has to be reset later."""
    return recorded.removeprefix(b"\x1b[0m")


def prompt_below(recorded):
    """The prompt is erased and drawn again below, instead of being broken off."""
    return ERASE + recorded + PROMPT


def closed(recorded):
    """A row that is not whole stands above the prompt."""
    return recorded + b"\x1b[0m\r\n"


def whole_rows(recorded):
    """As every row ends, nothing has to be broken off, neither the prompt nor a guest's row."""
    return recorded.removeprefix(b"\x1b[0m").replace(b"\r\n", b"", 1)


def colours(recorded):
    """Tag and text have their colour each, so that a row can be gone on with."""
    return re.sub(rb"^(\x1b\[[0-9;]+m)([^|:]*[|:] )",
                  lambda row: row[1] + row[2] + b"\x1b[0m" + row[1], recorded)


def bright(recorded):
    """A bright colour is 1, not 01."""
    return recorded.replace(b"\x1b[01;", b"\x1b[1;")


def line_ends(recorded):
    """The terminal is raw: a line ends in CR LF."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", recorded)


def whole_names(recorded):
    """averylong is not averylon, and all tags are as wide."""
    return re.sub(rb"(averylon|vm[12]     )([|:])",
                  lambda tag: (b"averylong" if tag[1] == b"averylon" else tag[1] + b" ") + tag[2],
                  recorded)


def states(recorded):
    """A line of list ends with the state."""
    return re.sub(rb"(in: +\d+/ +\d+)( \[X\])?$",
                  lambda line: line[1] + (b" gone [X]" if line[2] else b" running"), recorded)


def long_list(recorded):
    """list -l has other things to tell."""
    return recorded.replace(b"pend=0 attr:o=0,i=0,l=0", b"since TIME pid:PID pending:0 watchers:0")


def erased_hint(recorded):
    """[Ctrl-E] is taken away by drawing the line again."""
    return recorded.replace(b"\b \b" * 8, b"\r\x1b[K")


def plain_hint(recorded):
    """Or, on a terminal that cannot move its cursor, by writing over it at once."""
    return recorded.replace(b"\b \b" * 8, b"\b" * 8 + b" " * 8 + b"\b" * 8)


def left_line(recorded):
    """The row of a guest that is left is ended only if something stands in it."""
    return recorded.replace(b"\x1b[0m\r\n", b"", 1)


def leaving(recorded):
    """Leaving takes the hint away."""
    return recorded.replace(b"[Ctrl-E]\x1b[0m\r\n", b"[Ctrl-E]\r\x1b[K")


def announcements(recorded):
    """Messages are whole lines of their own behind ***, not the text of a guest named CONS."""
    return re.sub(rb"^\x1b\[0mCONS    : \r\n\x1b\[0mCONS    \| Created vcon channel: (\S+) \[.*\]",
                  rb"*** \1: running", recorded)


class Transcript(unittest.TestCase):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.guests = {}

    def guest(self, name, **options):
        guest = self.guests[name] = Guest(self.mux.directory, name, **options)
        guest.until(lambda: guest.stream and guest.welcomed)
        return guest

    def attach(self, **environment):
        self.terminal = Terminal(self.mux.command("attach", "console"), env=environment)
        self.addCleanup(self.terminal.close)
        self.at = 0

    def expect(self, recorded, *differences):
        """The next bytes of the terminal, exactly."""
        expected = recorded
        for difference in differences:
            changed = difference(expected)
            self.assertNotEqual(changed, expected, f"{difference.__name__} makes no difference")
            expected = changed
        deadline = time.monotonic() + TIMEOUT
        while (len(written := self.written()) < len(expected) and expected.startswith(written)
               and time.monotonic() < deadline):
            pass
        self.assertEqual(self.written()[:len(expected)], expected)
        self.at += len(expected)

    def written(self):
        with self.terminal._changed:
            return bytes(self.terminal.bytes[self.at:])

    def skip_to(self, end):
        self.terminal.wait_for(re.escape(end))
        self.at = self.terminal.position

    def prints(self, name, text):
        self.guests[name].write(text)
        self.guests[name].flush()

    def three_guests(self):
        for name, told, options in (("vm1", "vm1 (key 1)", {"key": b"1", "color": b"w"}),
                                    ("vm2", "vm2 (key 2)", {"key": b"2", "color": b"w"}),
                                    ("switch", "switch", {"color": b"B"})):
            self.guest(name, **options)
            self.skip_to(b"*** %s: running\r\n" % told.encode() + PROMPT)

    def test_tagged_lines(self):
        self.attach()
        self.expect(b"\x1b[0mcons> ", no_reset)
        self.three_guests()
        self.prints("vm1", b"hello from 1\r\n")
        self.expect(b"\x1b[37m\r\nvm1     | hello from 1\x1b[0m\n", whole_rows, colours,
                    line_ends, prompt_below)
        self.prints("vm2", b"hello from 2\r\n")
        self.expect(b"\x1b[37mvm2     | hello from 2\x1b[0m\n", colours, line_ends, prompt_below)
        self.prints("switch", b"sw\r\n")
        self.expect(b"\x1b[01;34mswitch  | sw\x1b[0m\n", colours, bright, line_ends, prompt_below)
        self.guest("averylong", color=b"r")
        self.skip_to(b"*** averylong: running\r\n" + PROMPT)
        self.prints("averylong", b"long\r\n")
        self.expect(b"\x1b[31maverylon| long\x1b[0m\n", colours, whole_names, line_ends,
                    prompt_below)
        self.prints("vm1", b"login: ")
        self.expect(b"\x1b[37mvm1     | login: ", colours, whole_names, closed, prompt_below)
        self.prints("vm2", b"noise\r\n")
        self.expect(b"\x1b[0m\x1b[37m\r\nvm2     | noise\x1b[0m\n", whole_rows, colours,
                    whole_names, line_ends, prompt_below)
        self.prints("vm1", b"root\r\n")
        self.expect(b"\x1b[37mvm1     : root\x1b[0m\n", colours, whole_names, line_ends,
                    prompt_below)

    def listed(self, *words):
        return self.mux.run("list", *words).rstrip(b"\n")

    def same(self, ours, recorded, *differences):
        expected = recorded
        for difference in differences:
            expected = difference(expected)
        self.assertEqual(ours, expected)

    def test_list(self):
        self.attach()
        self.three_guests()
        self.prints("vm1", b"hello from 1\r\nlogin: root\r\n\r\n")
        self.same(self.listed("vm1"),
                  b"           vm1 (1) [    cons] out:    3/    29 in:    0/    0", states)
        self.guests["vm2"].close()
        self.guests["switch"].until(lambda: b"gone" in self.listed("vm2"))
        self.same(self.listed("vm2"),
                  b"           vm2 (2) [    cons] out:    0/     0 in:    0/    0 [X]", states)

    def test_list_of_a_hidden_guest_that_was_typed_at(self):
        guest = self.guest("vm1", key=b"1")
        self.attach()
        self.skip_to(b"running\r\n" + PROMPT)
        self.terminal.send(b"\x051" + b"x" * 603)
        guest.until(lambda: len(guest.input) == 603)  # the original kept the last 511
        self.mux.run("hide", "vm1")
        recorded = b"           vm1 (1) [        ] out:    0/     0 in:    0/  603"
        self.same(self.listed("vm1"), recorded, states)
        self.terminal.send(b"\x05.")
        self.terminal.wait_for(PROMPT)
        ours = re.sub(rb"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \([^)]*\) pid:\d+",
                      b"since TIME pid:PID", self.listed("-l", "vm1"))
        self.same(ours.replace(b" running", b""), recorded + b" pend=0 attr:o=0,i=0,l=0", long_list)

    def switch(self, hint, **environment):
        self.attach(**environment)
        self.three_guests()
        self.prints("vm2", b"hello from 2\r\n")
        self.skip_to(PROMPT)
        self.terminal.send(b"\x051")
        self.skip_to(b"Ctrl-E ? tells all keys\r\n")  # said at the first guest only
        self.prints("vm1", b"x\r\n")
        self.expect(b"x\r\n")
        self.terminal.send(b"\x05")
        self.expect(b"[Ctrl-E]")
        self.terminal.send(b"2")
        self.expect(b"\b \b" * 8
                    + b"\x1b[0m\r\n------------- Connecting to 'vm2' -------------\r\n"
                    + b"hello from 2\r\n", hint, left_line)

    def test_switching_and_leaving(self):
        self.switch(erased_hint)
        self.terminal.send(b"\x05.")
        self.expect(b"[Ctrl-E]\x1b[0m\r\ncons> ", leaving)

    def test_switching_on_a_terminal_that_cannot_move_its_cursor(self):
        self.switch(plain_hint, TERM="dumb")

    def test_a_guest_that_comes_while_one_is_connected(self):
        self.attach()
        self.three_guests()
        self.terminal.send(b"\x051")
        self.skip_to(b"Ctrl-E ? tells all keys\r\n")  # said at the first guest only
        self.prints("vm1", b"x\r\n")
        self.expect(b"x\r\n")
        self.guest("vm3")
        self.expect(b"\x1b[0mCONS    : \r\n\x1b[0mCONS    | Created vcon channel: vm3 [41f000]\r\n",
                    announcements)


DIFFERENCES = (no_reset, prompt_below, closed, whole_rows, colours, bright, line_ends,
               whole_names, states, long_list, erased_hint, plain_hint, left_line, leaving,
               announcements)


class Documented(unittest.TestCase):
    def test_each_difference_is_in_the_manual(self):
        with open(MANUAL, encoding="utf-8") as manual:
            section = manual.read().split(".Sh COMPATIBILITY")[1].split("\n.Sh ")[0]
        entries = re.findall(r"^\.It (.*)$", section, re.MULTILINE)
        names = {name.replace("_", " ") for name in EXPLAINED.values()}
        self.assertEqual(set(EXPLAINED), {difference.__name__ for difference in DIFFERENCES})
        for name in sorted(names):
            with self.subTest(name=name):
                self.assertIn(name, entries)


# Under which entry of COMPATIBILITY a difference is explained.
EXPLAINED = {
    "no_reset": "colours",
    "prompt_below": "prompt",
    "closed": "prompt",
    "whole_rows": "prompt",
    "colours": "colours",
    "bright": "colours",
    "line_ends": "line ends",
    "whole_names": "tags",
    "states": "list",
    "long_list": "list",
    "erased_hint": "hint",
    "plain_hint": "hint",
    "left_line": "hint",
    "leaving": "hint",
    "announcements": "messages",
}


if __name__ == "__main__":
    unittest.main(verbosity=2)
