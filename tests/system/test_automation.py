#!/usr/bin/env python3
"""Scripts and muxd: send and wait, keys, keep and drop, and what else commands do to channels."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import (  # noqa: E402
    CRASHED, KEEP, KICKS, PAUSED, POWERED_OFF, RUNNING, TIMEOUT, Guest,
)
from limited import LimitedTest  # noqa: E402
from mux import Mux, muxd_program  # noqa: E402


class AutomationTest(LimitedTest):
    options = ()

    def setUp(self):
        self.mux = self.enterContext(Mux(*self.options))
        self.guests = []

    def guest(self, name="one", **options):
        guest = Guest(self.mux.directory, name, **options)
        self.guests.append(guest)
        guest.until(lambda: guest.stream and guest.welcomed)
        return guest

    def begin(self, *words):
        """A command in the background."""
        process = subprocess.Popen(self.mux.command(*words), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process):
        """Its exit status, what it printed, and what it said."""
        if self.guests:
            self.guests[0].until(lambda: process.poll() is not None, self.guests[1:])
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out, err

    def command(self, *words):
        return self.end(self.begin(*words))

    def run_text(self, *words):
        return self.mux.run(*words).decode()

    def until_waiting(self, count=1):
        """Until so many commands are running besides the one that asks."""
        while json.loads(self.mux.run("info", "--json"))["commands"] != count + 1:
            if self.guests:
                self.guests[0].turn()

    def assert_fails(self, status, message, *words):
        self.assertEqual(self.command(*words), (status, "", f"muxd: {message}\n"))


class WaitTest(AutomationTest):
    def test_what_was_printed_before_is_found_once(self):
        guest = self.guest()
        guest.write(b"Debian\r\none login: ")
        guest.flush()
        found = (0, "one login: \n", "")
        self.assertEqual(self.command("wait", "one", "--for", "log[io]+n:"), found)
        self.assert_fails(1, 'wait: one: no "login:" in time',
                          "wait", "one", "--for", "login:", "--timeout", "0")

    def test_what_comes_later_is_waited_for(self):
        guest = self.guest()
        waiting = self.begin("wait", "one", "--for", "^ready")
        guest.write(b"not ready\r\n")
        guest.flush()
        self.assertIsNone(waiting.poll())
        guest.write(b"rea")
        guest.flush()
        guest.write(b"dy\r\n")
        self.assertEqual(self.end(waiting), (0, "ready\n", ""))

    def test_a_guest_that_is_not_there_yet_is_waited_for(self):
        waiting = self.begin("wait", "one", "--for", "hello")
        self.guest("other").write(b"hello from another\r\n")
        self.assertIsNone(waiting.poll())
        self.guest().write(b"hello\r\n")
        self.assertEqual(self.end(waiting), (0, "hello\n", ""))

    def test_the_next_one_goes_on_behind_the_match(self):
        self.guest().write(b"one two one two\r\none three\r\n")
        for pattern, line in (("one", "one two one two"), ("one", "one two one two"),
                              ("t..", "one two one two"), ("one", "one three"), ("$", "one three")):
            self.assertEqual(self.command("wait", "one", "--for", pattern), (0, line + "\n", ""))
        self.assertEqual(self.command("wait", "one", "--for", "one", "--timeout=0ms")[0], 1)

    def test_only_what_comes_behind_what_was_sent_counts(self):
        guest = self.guest()
        guest.write(b"# ")
        guest.flush()
        self.assertEqual(self.command("send", "one", "ls"), (0, "", ""))
        waiting = self.begin("wait", "one", "--for", "# $")
        guest.until(lambda: guest.input == b"ls")
        guest.write(b"ls\r\nfile\r\n# ")
        self.assertEqual(self.end(waiting), (0, "# \n", ""))

    def test_patterns_look_at_text_without_control_sequences(self):
        self.guest().write("\033[1mgr\033[32mün\033[0m\tja\r\n".encode())
        self.assertEqual(self.command("wait", "one", "--for", "^gr.n ja$"), (0, "grün ja\n", ""))

    def test_it_is_found_in_much_output_and_in_what_is_left_of_lost_output(self):
        guest = self.guest()
        waiting = self.begin("wait", "one", "--for", "needle")
        for i in range(40):
            guest.write(b"".join(b"%d: hay\r\n" % n for n in range(i * 1000, i * 1000 + 1000)))
            guest.flush()
        guest.write(b"the needle\r\n")
        self.assertEqual(self.end(waiting), (0, "the needle\n", ""))

    def test_a_guest_that_ends_ends_it(self):
        for state, reason, text in ((POWERED_OFF, "", "powered-off"),
                                    (CRASHED, "panic", "crashed: panic")):
            guest = self.guest(f"vm{state}")
            waiting = self.begin("wait", guest.name, "--for", "login:")
            self.until_waiting()
            guest.write(b"no log\r\n")
            guest.set_state(state, reason)
            guest.flush()
            guest.close()
            self.guests.remove(guest)
            waiting.wait(TIMEOUT)
            self.assertEqual(self.end(waiting),
                             (1, "", f'muxd: wait: {guest.name}: {text}, without "login:"\n'))

    def test_the_end_of_a_life_that_a_script_had_to_do_with_is_still_seen(self):
        guest = self.guest()
        self.assertEqual(self.command("send", "--enter", "one", "poweroff"), (0, "", ""))
        guest.write(b"Power down\r\n")
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        self.guests.clear()
        self.assertEqual(self.command("wait", "one", "--for", "Power down")[0], 0)
        self.assertEqual(self.command("wait", "one", "--state", "powered-off"), (0, "", ""))

    def test_a_former_life_of_a_guest_does_not_count(self):
        guest = self.guest()
        guest.write(b"old login: ")
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        self.guests.clear()
        self.assertEqual(self.command("wait", "one", "--for", "login:", "--timeout=0")[0], 1)
        waiting = self.begin("wait", "one", "--for", "login:")
        self.guest().write(b"new login: ")
        self.assertEqual(self.end(waiting), (0, "new login: \n", ""))

    def test_a_state_is_waited_for(self):
        guest = self.guest()
        self.assertEqual(self.command("wait", "one", "--state", "running"), (0, "", ""))
        waiting = self.begin("wait", "one", "--state", "paused")
        guest.set_state(PAUSED)
        self.assertEqual(self.end(waiting), (0, "", ""))
        guest.set_state(RUNNING)
        guest.flush()
        waiting = self.begin("wait", "one", "--state", "crashed")
        self.until_waiting()
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        self.guests.clear()
        self.assertEqual(self.end(waiting)[0], 1)

    def test_without_more_it_waits_for_the_guest(self):
        waiting = self.begin("wait", "one")
        self.guest()
        self.assertEqual(self.end(waiting), (0, "", ""))
        self.assert_fails(1, 'wait: no channel named "two" in time',
                          "wait", "two", "--timeout", "10ms")

    def test_dropped_and_a_muxd_that_goes_away_are_told(self):
        guest = self.guest()
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        self.guests.clear()
        waiting = self.begin("wait", "one", "--for", "x")
        self.until_waiting()
        self.mux.run("drop", "one")
        self.assertEqual(self.end(waiting), (1, "", "muxd: wait: one was dropped\n"))
        waiting = self.begin("wait", "one", "--for", "x")
        self.until_waiting()
        self.mux.kill()
        self.assertEqual(self.end(waiting)[0], 1)

    def test_wrong_words_are_status_2(self):
        for words, message in (
            (["one", "--for", "a(b"], 'wait: "a(b": missing closing parenthesis at 3'),
            (["one", "--state", "happy"],
             'wait: "happy" is no state: see the states of muxd(8)'),
            (["one", "--timeout", "soon"],
             'wait: "soon" is no time, such as 5, 5s or 500ms'),
            (["one", "--for", "a", "--state", "paused"], "wait: either --for or --state"),
            (["one", "--fro", "a"], "wait: unknown option --fro: did you mean --for?"),
            (["x" * 64], "wait: no channel has so long a name"),
        ):
            self.assert_fails(2, message, "wait", *words)

    def test_a_pattern_that_takes_too_long_ends_it(self):
        self.guest().write(b"a" * 4000 + b"\r\n")
        self.assert_fails(1, 'wait: it takes too long to find "(a|a)*[bc]"',
                          "wait", "one", "--for", "(a|a)*[bc]")

    def test_who_goes_away_leaves_nothing(self):
        guest = self.guest()
        for _ in range(50):
            waiting = self.begin("wait", "one", "--for", "x")
            self.until_waiting()
            waiting.kill()
            waiting.wait(TIMEOUT)
        guest.write(b"x\r\n")
        guest.flush()
        self.assertEqual(self.command("wait", "one", "--for", "x")[0], 0)


class SendTest(AutomationTest):
    def test_words_escapes_and_enter_reach_the_guest(self):
        guest = self.guest()
        typed = b""
        for words, bytes_ in ((["echo", "a  b"], b"echo a  b"), (["-n", "--", "x"], b"-n -- x"),
                              (["\\x1b[A\\t\\\\"], b"\x1b[A\t\\"),
                              (["\\0\\xff"], b"\0\xff"), (["ü"], "ü".encode())):
            typed += bytes_
            self.assertEqual(self.command("send", "one", *words), (0, "", ""))
            guest.until(lambda typed=typed: guest.input == typed)
        self.assertEqual(self.command("send", "--enter", "one"), (0, "", ""))
        guest.until(lambda: guest.input.endswith(b"\r"))

    def test_what_is_no_escape_is_refused(self):
        guest = self.guest()
        for text in ("\\c", "\\xg0", "\\x", "x\\"):
            status, _, error = self.command("send", "one", text)
            self.assertEqual(status, 2)
            self.assertIn("is no escape", error)
        self.assertEqual(guest.input, b"")

    def test_nothing_is_typed_where_nobody_reads(self):
        guest = self.guest()
        self.assert_fails(1, 'send: no channel named "two"', "send", "two", "x")
        guest.set_state(POWERED_OFF)
        guest.flush()
        self.assert_fails(1, "send: one has ended", "send", "one", "x")
        self.mux.run("link", "cable0/one", "down")  # its log begins
        self.mux.run("link", "cable0/one", "up")
        self.assert_fails(1, "send: cable0 is a log, which nobody reads", "send", "cable0", "x")

    def test_a_guest_that_takes_nothing_is_not_sent_without_bound(self):
        guest = self.guest()
        guest.takes_input = False
        for _ in range(64):
            status, _, error = self.command("send", "one", "x" * 4000)
            if status:
                break
        self.assertEqual((status, error),
                         (1, "muxd: send: one has not taken yet what was typed before\n"))
        self.assert_fails(2, "send: a text has 4096 bytes at most", "send", "one", "x" * 5000)

    def test_a_break_is_sent(self):
        guest = self.guest()
        self.assertEqual(self.command("break", "one"), (0, "", ""))
        guest.until(lambda: guest.breaks == 1)
        guest.close()
        self.guests.clear()
        waiting = self.begin("wait", "one", "--state", "gone")
        self.assertEqual(self.end(waiting)[0], 0)
        self.assert_fails(1, "break: one is not connected (gone)", "break", "one")

    def test_a_kick_goes_to_who_knows_it(self):
        guest = self.guest(flags=KICKS)
        self.assertEqual(self.command("kick", "one"), (0, "", ""))
        guest.until(lambda: guest.kicks == 1)
        self.guest("old")
        self.assert_fails(1, "kick: the vmm of old does not know that", "kick", "old")
        self.assertNotIn("kick", self.mux.run("help").decode())

    def test_all_viewers_are_told_what_is_said(self):
        viewers = [self.mux.attach(), self.mux.attach(read_only=True)]
        for viewer in viewers:
            viewer.until(lambda viewer=viewer: viewer.ready)
        self.assertEqual(self.command("say", "test 3", "begins"), (0, "", ""))
        for viewer in viewers:
            viewer.until(lambda viewer=viewer: viewer.notices == ["test 3 begins"])


class LifeTest(AutomationTest):
    def test_keys_are_set_told_and_taken_away(self):
        self.guest(key=b"1")
        self.assertEqual(self.run_text("key", "one"), "one: 1\n")
        self.run_text("key", "one", "x")
        self.assertEqual(self.run_text("key", "one"), "one: x\n")
        self.assertIn("Ctrl-E x - connect to one", self.run_text("help"))
        self.run_text("key", "one", "none")
        self.assertEqual(self.run_text("key", "one"), "one: none\n")

    def test_a_key_means_one_living_channel(self):
        one, _ = self.guest(key=b"1"), self.guest("two")
        self.assert_fails(1, "key: 1 belongs to one", "key", "two", "1")
        one.close()
        self.guests.remove(one)
        self.assertEqual(self.command("wait", "one", "--state", "gone")[0], 0)
        self.assertEqual(self.command("key", "two", "1"), (0, "", ""))
        self.assertEqual(self.run_text("key", "one"), "one: none\n")

    def test_keys_of_muxd_and_what_is_no_key_are_refused(self):
        self.guest()
        for key in ".eczqlhsnpdty:?":
            self.assert_fails(2, f'key: "{key}" is a key of muxd\'s own', "key", "one", key)
        self.assert_fails(2, 'key: "ab" is not one character', "key", "one", "ab")
        self.assert_fails(2, 'key: " " is no visible character of ASCII', "key", "one", " ")
        self.assert_fails(2, 'key: "" is no visible character of ASCII', "key", "one", "")
        self.guest("two", key=b"e")
        self.assertEqual(self.run_text("key", "two"), "two: none\n")

    def test_a_guest_may_wish_for_the_size_of_its_history(self):
        for wish, size in ((1 << 20, 1 << 20), (1 << 40, 16 << 20), (0, 256 << 10)):
            name = f"vm{wish}"
            before = self.mux.json("info")["historySize"]
            self.guest(name, history=wish)
            grown = self.mux.json("info")["historySize"] - before
            self.assertTrue(size <= grown < 2 * size, (wish, grown))

    def test_keep_and_drop(self):
        for name in ("one", "two", "three"):
            guest = self.guest(name, flags=KEEP)
            if name != "three":
                guest.set_state(POWERED_OFF)
                guest.flush()
                guest.close()
                self.guests.remove(guest)
                while not self.mux.channels()[name]["dead"]:
                    pass
        self.mux.run("drop", "*")
        channels = self.mux.channels()
        self.assertEqual([(c["name"], c["keep"]) for c in channels.values()], [("three", False)])
        self.mux.run("keep", "three")
        self.assertTrue(self.mux.channels()["three"]["keep"])
        self.assert_fails(1, 'keep: no channel named "x*"', "keep", "x*")


class ExampleTest(LimitedTest):
    """examples/test-script, with a guest that is no machine."""

    def script(self, **environment):
        here = os.path.dirname(os.path.abspath(__file__))
        build = self.enterContext(tempfile.TemporaryDirectory(prefix="test-script-"))
        os.symlink(muxd_program(), os.path.join(build, "muxd"))
        os.symlink(os.path.join(here, "fake_vmm.py"), os.path.join(build, "vmm"))
        return subprocess.run([os.path.join(here, "../../examples/test-script"), "kernel", "initrd"],
                              env={**os.environ, "BUILD": build, **environment},
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def test_the_example_of_a_test_script_runs(self):
        done = self.script()
        self.assertEqual((done.returncode, done.stdout), (0, "guest1:~# \n42\n"), done.stderr)

    def test_it_fails_when_the_guest_crashes(self):
        done = self.script(FAKE_CRASH="yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn('wait: guest1: crashed: by itself, without "^42$"', done.stderr)


class HelpTest(AutomationTest):
    def test_a_command_is_explained_with_its_options_also_without_a_muxd(self):
        self.mux.stop()
        text = self.run_text("help", "wait")
        self.assertTrue(text.startswith("wait CHANNEL [--for REGEX | --state STATE]"))
        self.assertRegex(text, r"\n  --timeout TIME +no longer than this")
        self.assertIn("ls is short for it", self.run_text("help", "list"))
        self.assert_fails(1, 'help: no command named "lst"', "help", "lst")


class InfoTest(AutomationTest):
    def test_it_informs(self):
        self.guest(flags=KEEP).write(b"x" * 1000)
        other = self.guest("two")
        other.set_state(PAUSED)
        for guest in self.guests:
            guest.flush()
        viewer = self.mux.attach()
        viewer.until(lambda: viewer.ready)
        text = self.run_text("info")
        for pattern in (rf"^muxd \S+, process {self.mux.process.pid}, up 0m\d\ds\n",
                        rf"\nin {self.mux.directory}: control.sock, device.sock, net/\n",
                        r"\n2 channels: 1 running, 1 paused\n",
                        r"\n2 guests connected, 1 viewers, 1 commands running\n",
                        r"\nhistories hold 1000 bytes, in \d+ bytes of files; 268435456 are allowed\n",
                        r"\n1 wires: cable0; 0 ports connected\n$"):
            self.assertRegex(text, pattern)
        info = json.loads(self.mux.run("info", "--json"))
        self.assertEqual(info["pid"], self.mux.process.pid)
        self.assertEqual((info["states"]["running"], info["states"]["paused"]), (1, 1))
        self.assertEqual((info["channels"], info["viewers"], info["historyBytes"]), (2, 1, 1000))

    def test_the_long_list_tells_for_how_long(self):
        self.guest()
        self.assertRegex(self.run_text("list", "-l"),
                         r"running since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(0m\d\ds\) pid:\d+ ")


if __name__ == "__main__":
    unittest.main()
