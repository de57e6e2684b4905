#!/usr/bin/env python3
"""What went wrong in the consoles that came before, and must not here: each test would fail there.

The numbers are those of the list of faults: cons of L4Re (1 to 10), the serial virtualiser of sDDF
and libvmm (11, 12), the consoles of Bao (13), and reboots of uvmm (15).

What of 12 and 13 is on the guest's side of the link is in tests/unit/test_console.c (a huge request and
a reset in it, what was typed before the driver came), in tests/unit/test_console_link.c (a write larger
than the ring), and, with a machine that waits for nobody, in test_vmm_with_muxd.py
(test_guest_may_come_before_muxd). 14 is about wires: test_switch.py.
"""

import os
import re
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import POWERED_OFF, REBOOTING, RUNNING, TIMEOUT, Guest  # noqa: E402
from mux import Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

ESCAPE = "\x05"
PROMPT = "cons> "


class Faults(unittest.TestCase):
    options = ()

    def setUp(self):
        self.mux = self.enterContext(Mux(*self.options))
        self.guests = []

    def guest(self, name, **options):
        guest = Guest(self.mux.directory, name, **options)
        guest.until(lambda: guest.stream and guest.welcomed)
        self.guests.append(guest)
        return guest

    def two_guests(self):
        return self.guest("vm1", key=b"1"), self.guest("vm2", key=b"2")

    def terminal(self, *words, **settings):
        terminal = Terminal(self.mux.command(*(words or ("attach", "console"))),
                            env={"NO_COLOR": "1"}, **settings)
        self.addCleanup(terminal.close)
        return terminal

    def prompt(self, *words, **settings):
        terminal = self.terminal(*words, **settings)
        for guest in self.guests:
            terminal.wait_for(rf"\*\*\* {guest.name}\b[^\r]*running\r\n")
        return terminal

    def connected(self, name="vm1", **settings):
        terminal = self.terminal("attach", name, **settings)
        terminal.wait_for(f"Connecting to '{name}' -+\r\n")
        return terminal

    def shown(self, name):
        return self.mux.channels()[name]["shown"]


class Keys(Faults):
    def test_1_no_key_leaks_anything_into_the_guest(self):
        one, _ = self.two_guests()
        terminal = self.connected()
        for key in ("h", "s", "1", "%", "\x01", "\x7f", " ", "\t"):
            terminal.send(ESCAPE + key)
        terminal.send("end")
        one.until(lambda: b"end" in one.input)
        self.assertEqual(bytes(one.input), b"end")

    def test_2_what_is_pasted_behind_a_switch_arrives_there(self):
        one, two = self.two_guests()
        terminal = self.connected()
        terminal.send("before" + ESCAPE + "2" + "uname -a\r" * 50)
        two.until(lambda: two.input.count(b"\r") == 50, others=(one,))
        one.until(lambda: b"before" in one.input)
        self.assertEqual(bytes(two.input), b"uname -a\r" * 50)
        self.assertEqual(bytes(one.input), b"before")

    def test_2_what_is_pasted_behind_leaving_does_not_run(self):
        one, _ = self.two_guests()
        terminal = self.connected()
        terminal.send(ESCAPE + ".hide vm2\rhide vm1\r")
        terminal.wait_for(PROMPT)
        terminal.wait_for_quiet(0.3)
        terminal.send("list vm2\r")
        terminal.wait_for(r"vm2 \(2\) \[ +cons\]")
        self.assertTrue(self.shown("vm1") and self.shown("vm2"))
        self.assertEqual(bytes(one.input), b"")


class Output(Faults):
    def test_3_as_many_lines_come_as_were_asked_for(self):
        guest = self.guest("vm1")
        guest.write(b"".join(b"line %d\r\n" % number for number in range(30)))
        guest.flush()
        for count in (1, 2, 20, 30):
            lines = self.mux.run("tail", "vm1", str(count)).splitlines()
            self.assertEqual(lines, [b"line %d" % number for number in range(30 - count, 30)])
        terminal = self.connected()
        terminal.wait_for("line 29\r\n")
        self.assertEqual(re.findall(r"line (\d+)", terminal.text()),
                         [str(number) for number in range(20, 30)])

    def test_4_a_line_that_grows_without_a_pause_is_shown_nevertheless(self):
        guest = self.guest("vm1")
        terminal = self.prompt()
        deadline = time.monotonic() + TIMEOUT
        while "vm1     | ." not in terminal.text():
            self.assertLess(time.monotonic(), deadline)
            guest.write(b".")  # and the next one as soon as muxd has this one
            guest.flush()

    def test_5_a_nul_byte_cuts_nothing_off(self):
        guest = self.guest("vm1")
        terminal = self.prompt()
        guest.write(b"before\0behind\r\n")
        guest.flush()
        terminal.wait_for(r"vm1     \| before\^@behind\r\n")
        terminal.send(ESCAPE + "1")
        terminal.wait_for(r"Connecting.*before\^@behind\r\n")
        guest.write(b"\0\0raw\0\r\n")
        guest.flush()
        terminal.wait_for(r"\x00\x00raw\x00\r\n")

    def test_5_a_paste_loses_neither_its_head_nor_its_tail(self):
        guest = self.guest("vm1")
        guest.takes_input = False
        paste = b"".join(b"%06d\r" % number for number in range(20000))
        terminal = self.connected()
        sender = threading.Thread(target=terminal.send, args=(paste,))
        sender.start()
        guest.until(lambda: len(guest.input) >= 603)
        guest.takes_input = True
        guest.input_taken = len(guest.input)
        guest.until(lambda: len(guest.input) >= len(paste))
        sender.join()
        self.assertEqual(bytes(guest.input), paste)

    def test_6_messages_stand_above_the_connected_guests_line(self):
        guest = self.guest("vm1")
        terminal = self.connected()
        guest.write(b"login: ro")
        guest.flush()
        terminal.wait_for("login: ro")
        self.guest("vm3")
        terminal.wait_for(r"\r\x1b\[K\*\*\* vm3: running\r\nlogin: ro")

    def test_6_messages_wait_while_a_guest_owns_the_screen(self):
        guest = self.guest("vm1")
        terminal = self.connected()
        guest.write(b"\x1b[?1049h\x1b[Hediting")
        guest.flush()
        terminal.wait_for("editing")
        self.guest("vm3")
        guest.write(b"more")
        guest.flush()
        terminal.wait_for("more")
        self.assertNotIn("vm3", terminal.text())
        guest.write(b"\x1b[?1049l")
        guest.flush()
        terminal.wait_for(r"\*\*\* vm3: running\r\n")


class Terminals(Faults):
    def test_7_a_hidden_guest_stays_hidden_when_two_terminals_were_connected(self):
        one, two = self.two_guests()
        self.mux.run("hide", "vm1")
        terminals = [self.prompt(), self.prompt()]
        for terminal in terminals:
            terminal.send(ESCAPE + "1")
            terminal.wait_for("Connecting to 'vm1'")
        for terminal in terminals:
            terminal.send(ESCAPE + ".")
            terminal.wait_for(PROMPT)
        one.write(b"secret\r\n")
        one.flush()
        two.write(b"open\r\n")
        two.flush()
        for terminal in terminals:
            terminal.wait_for(r"vm2     \| open")
            self.assertNotIn("secret", terminal.text())
        self.assertFalse(self.shown("vm1"))

    def test_7_connecting_here_takes_nothing_away_there(self):
        one, _ = self.two_guests()
        watching, typing = self.prompt(), self.prompt()
        typing.send(ESCAPE + "1")
        typing.wait_for("Connecting to 'vm1'")
        one.write(b"for both\r\n")
        one.flush()
        watching.wait_for(r"vm1     \| for both")
        typing.wait_for("for both")


class Sizes(Faults):
    options = ("-B", "2000")

    def test_8_the_size_of_histories_holds_for_every_channel(self):
        for guest in self.two_guests():
            guest.write(b"".join(b"line %d\r\n" % number for number in range(5000)))
            guest.flush()
            text = self.mux.run("cat", guest.name)
            self.assertLess(len(text), 4096 + 100)  # a page, and the line that tells the loss
            self.assertTrue(text.endswith(b"line 4999\r\n") or text.endswith(b"line 4999\n"))


class Names(Faults):
    def test_9_a_key_is_one_channels_and_a_dead_one_does_not_keep_it_from_the_living(self):
        one = self.guest("vm1", key=b"1")
        self.guest("vm2", key=b"1")
        channels = self.mux.channels()
        self.assertEqual([channels[name]["key"] for name in ("vm1", "vm2")], ["1", ""])
        one.close()
        while self.mux.channels()["vm1"]["state"] != "gone":
            pass
        self.guest("vm3", key=b"1")
        self.assertEqual(self.mux.channels()["vm3"]["key"], "1")
        terminal = self.terminal()
        terminal.wait_for(r"vm3 \(key 1\): running\r\n")
        terminal.send(ESCAPE + "1")
        terminal.wait_for("Connecting to 'vm3'")

    def test_10_a_channel_is_listed_once_and_a_dot_is_a_dot(self):
        for name in ("a.b", "axb", "abc"):
            self.guest(name)
        self.assertEqual(self.mux.run("list", "a*", "*b*", "abc").count(b"abc"), 1)
        listed = self.mux.run("list", "a.b")
        self.assertIn(b"a.b", listed)
        self.assertNotIn(b"axb", listed)
        self.assertIn(b"axb", self.mux.run("list", "a?b"))


class Numbers(Faults):
    def test_11_a_wrong_number_is_told_and_nothing_typed_behind_it_is_lost(self):
        one, two = self.two_guests()
        terminal = self.terminal("--keys", "sddf", "attach", "vm1")
        terminal.wait_for("Connecting to 'vm1'")
        terminal.send("\x1c7\rbehind")
        one.until(lambda: b"behind" in one.input)
        terminal.wait_for(r"\*\*\* [^\r]*7")
        self.assertEqual(bytes(one.input), b"behind")
        terminal.send("\x1c1\rthere")
        terminal.wait_for("Connecting to 'vm2'")  # which guest is current is told
        two.until(lambda: b"there" in two.input)
        self.assertEqual(bytes(two.input), b"there")

    def test_12_a_write_of_any_size_arrives(self):
        guest = self.guest("vm1", ring=8 << 20)
        viewer = self.mux.attach()
        self.addCleanup(viewer.close)
        viewer.follow("vm1")
        data = b"".join(b"%07d\n" % number for number in range(1 << 18))
        viewer.until(lambda: "vm1" in viewer.position, others=(guest,))
        guest.write(data)
        viewer.until(lambda: viewer.lost["vm1"] + len(viewer.output("vm1")) >= len(data),
                     others=(guest,))
        self.assertEqual(viewer.lost["vm1"] + len(viewer.output("vm1")), len(data))
        self.assertTrue(data.endswith(bytes(viewer.output("vm1"))[-4096:]))

    def test_12_what_is_typed_before_the_driver_is_ready_waits(self):
        guest = Guest(self.mux.directory, "vm1")
        guest.input_window = 0
        guest.until(lambda: guest.stream and guest.welcomed)
        terminal = self.connected()
        terminal.send("early\r")
        terminal.send(ESCAPE + ".")
        terminal.wait_for(PROMPT)
        guest.input_window = 4096
        guest.write(b"driver\r\n")
        guest.until(lambda: b"early\r" in guest.input)
        self.assertEqual(bytes(guest.input), b"early\r")


class StartOrder(unittest.TestCase):
    def test_13_a_guest_without_a_muxd_goes_on_and_shows_all_of_it_later(self):
        with Mux(start=False) as mux:
            guest = Guest(mux.directory, "vm1")
            for number in range(100):
                guest.write(b"line %d\r\n" % number)  # nothing here waits for anybody
                guest.turn()
            self.assertEqual(guest.connections, 0)
            mux.start()
            guest.flush()
            self.assertEqual(mux.run("cat", "vm1").splitlines(),
                             [b"line %d" % number for number in range(100)])

    def test_13_what_a_guest_prints_is_not_typed_back_at_it(self):
        with Mux() as mux:
            guest = Guest(mux.directory, "vm1")
            guest.until(lambda: guest.stream and guest.welcomed)
            mux.run("pty", "vm1", "on")
            path = os.path.join(mux.directory, "pty", "vm1")
            while not os.path.exists(path):
                guest.turn(0.001)
            guest.write(b"echo me\r\n" * 100)  # while nobody has the pty open
            guest.flush()
            terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
            self.addCleanup(os.close, terminal)
            guest.write(b"and me\r\n")
            guest.flush()
            received = b""
            while b"and me\r\n" not in received:
                received += os.read(terminal, 4096)
            os.write(terminal, b"typed")
            guest.until(lambda: b"typed" in guest.input)
            self.assertEqual(bytes(guest.input), b"typed")


class Reboots(Faults):
    def test_15_a_reboot_is_no_crash_and_the_terminal_stays_connected(self):
        guest = self.guest("vm1")
        terminal = self.connected()
        guest.set_state(REBOOTING)
        guest.set_state(RUNNING)
        guest.write(b"up again\r\n")
        guest.flush()
        terminal.wait_for("--- vm1: rebooted ---\r\n.*up again\r\n")
        self.assertEqual(self.mux.channels()["vm1"]["state"], "running")
        terminal.send("typed")
        guest.until(lambda: guest.input == b"typed")
        guest.set_state(POWERED_OFF)
        guest.flush()
        terminal.wait_for(r"powered off ---\r\n.*" + PROMPT)
        self.assertNotIn("crashed", terminal.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
