#!/usr/bin/env python3
"""Recordings: made at the prompt, connected and from a shell, played again here and elsewhere."""

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT, Guest  # noqa: E402
from mux import Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

SMALL = '{"version":2,"width":80,"height":24}\n'
PROMPT = "cons> "


class RecordTest(unittest.TestCase):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="record-"))
        self.guest = Guest(self.mux.directory, "guest1", key=b"1")
        self.guest.write(b"from before\r\n")
        self.guest.flush()

    def path(self, name="file.cast"):
        return os.path.join(self.directory, name)

    def terminal(self, *words, **settings):
        terminal = Terminal(self.mux.command(*words), cwd=self.directory, **settings)
        self.addCleanup(terminal.close)
        return terminal

    def prompt(self, **settings):
        terminal = self.terminal("attach", "console", **settings)
        terminal.wait_for(PROMPT)
        return terminal

    def file(self, text, name="file.cast"):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def recorded(self, name="file.cast"):
        """Header, events, as JSON has them."""
        with open(self.path(name), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return lines[0], lines[1:]

    def text_of(self, code="o", name="file.cast"):
        return "".join(event[2] for event in self.recorded(name)[1] if event[1] == code)

    def until_recorded(self, text, name="file.cast"):
        deadline = time.monotonic() + TIMEOUT
        while text not in self.text_of(name=name):
            self.assertLess(time.monotonic(), deadline, self.text_of(name=name))
            self.guest.turn(0.01)

    def shell_recording(self, *words, **settings):
        """A muxd record that has begun."""
        recording = subprocess.Popen(self.mux.command("record", *words), cwd=self.directory,
                                     stderr=subprocess.PIPE, **settings)
        self.addCleanup(recording.stderr.close)
        self.addCleanup(recording.wait)
        self.addCleanup(recording.terminate)
        deadline = time.monotonic() + TIMEOUT
        while words[-1] != "-" and not (os.path.exists(self.path(words[-1]))
                                        and os.path.getsize(self.path(words[-1]))):
            self.assertIsNone(recording.poll())
            self.assertLess(time.monotonic(), deadline)
        return recording


class AtThePrompt(RecordTest):
    def test_what_comes_from_now_on_is_recorded(self):
        terminal = self.prompt(rows=30, columns=100)
        terminal.send("record guest1 file.cast\r")
        terminal.wait_for(r"\*\*\* guest1: recording to file\.cast")
        before = time.time()
        self.guest.write(b"\x1b[1mbold\x1b[0m\r\n")
        self.guest.flush()
        self.until_recorded("bold")
        terminal.send("record guest1 off\r")
        terminal.wait_for(r"\*\*\* guest1: recording to file\.cast ended\r\n")
        self.guest.write(b"unheard\r\n")
        self.guest.flush()
        terminal.wait_for("unheard")

        header, _ = self.recorded()
        self.assertEqual((header["version"], header["width"], header["height"]), (2, 100, 30))
        self.assertEqual((header["title"], header["env"]), ("guest1", {"TERM": "xterm"}))
        self.assertLess(abs(header["timestamp"] - before), TIMEOUT)
        self.assertEqual(self.text_of(), "\x1b[1mbold\x1b[0m\r\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path()).st_mode), 0o600)

    def test_hidden_channels_are_recorded_too(self):
        self.mux.run("hide", "guest1")
        terminal = self.prompt()
        terminal.send("record guest1 file.cast\r")
        terminal.wait_for("recording to")
        self.guest.write(b"secret\r\n")
        self.guest.flush()
        self.until_recorded("secret")
        self.assertNotIn("secret", terminal.text())

    def test_connected_it_goes_on_with_what_is_typed_and_the_windows_size(self):
        terminal = self.prompt()
        terminal.send("record -i guest1 file.cast\r")
        terminal.wait_for("recording to")
        terminal.send("\x051")
        terminal.wait_for("from before")
        terminal.send("typed\r")
        self.guest.until(lambda: b"typed\r" in self.guest.input)
        terminal.resize(50, 132)
        self.guest.until(lambda: self.guest.size == (132, 50))
        self.guest.write(b"printed\r\n")
        self.guest.flush()
        self.until_recorded("printed")
        terminal.send("\x05.")
        terminal.wait_for(PROMPT)
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(self.text_of("i"), "typed\r")
        self.assertEqual(self.text_of("r"), "132x50")
        self.assertEqual(self.text_of(), "printed\r\n")

    def test_a_command_line_while_connected_begins_and_ends_it(self):
        terminal = self.terminal("attach", "guest1", env={"NO_COLOR": "1"})
        terminal.wait_for("from before")
        self.guest.write(b"$ ")
        self.guest.flush()
        terminal.wait_for(r"\$ ")
        terminal.send("\x05:record guest1 file.cast\r")
        terminal.wait_for("guest1: recording to file.cast")
        terminal.send("\x05:\r")  # the first one has been begun and its line is over
        self.guest.write(b"within\r\n$ ")
        self.guest.flush()
        self.until_recorded("within")
        terminal.wait_for(r"within\r\n\$ ")
        terminal.send("\x05:record guest1 off\r")
        terminal.wait_for("guest1: recording to file.cast ended")
        terminal.send("typed")
        self.guest.until(lambda: self.guest.input == b"typed")

    def test_nothing_is_lost_or_doubled_when_muxd_is_killed(self):
        terminal = self.prompt()
        terminal.send("record guest1 file.cast\r")
        terminal.wait_for("recording to")
        for number in range(300):
            self.guest.write(b"<%d>" % number)
            self.guest.turn()
            if number % 100 == 50:
                self.mux.kill()
            if number % 100 == 60:
                self.mux.start()
        self.guest.flush()
        self.until_recorded("<299>")
        self.assertEqual(self.text_of(), "".join(f"<{number}>" for number in range(300)))

    def test_what_cannot_be_is_told(self):
        self.file("precious")
        terminal = self.prompt()
        for words, message in (
                ("nobody other", r"nobody: recording to other ended: there is no such channel"),
                ("guest1 file.cast", r"recording to file\.cast ended: File exists"),
                ("guest1 none/here", r"ended: No such file or directory"),
                ("guest1 off", r"record: guest1: it is not being recorded"),
                ("guest1 -", r"- is for a shell"),
                ("--timeout x guest1 f", r"--timeout takes a time"),
                ("guest1", r"too few words")):
            terminal.send(f"record {words}\r")
            terminal.wait_for(message)
        terminal.send("record guest1 one\r")
        terminal.wait_for("recording to one")
        terminal.send("record guest1 two\r")
        terminal.wait_for("it is being recorded already")
        with open(self.path(), encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious")
        self.assertEqual(sorted(os.listdir(self.directory)), ["file.cast", "one"])

    def test_a_full_disk_costs_only_the_recording(self):
        terminal = Terminal(
            ["prlimit", "--fsize=2000", *self.mux.command("attach", "console")],
            cwd=self.directory)
        self.addCleanup(terminal.close)
        terminal.wait_for(PROMPT)
        terminal.send("record guest1 file.cast\r")
        terminal.wait_for("recording to")
        self.guest.write(b"x" * 4000 + b"\r\n")
        self.guest.flush()
        terminal.wait_for(r"guest1: recording to file\.cast ended: File too large")
        self.recorded()
        terminal.send("list\r")
        terminal.wait_for("guest1 .*running")


class FromAShell(RecordTest):
    def test_until_it_is_interrupted(self):
        recording = self.shell_recording("guest1", "file.cast")
        self.guest.write(b"caf\xc3")
        self.guest.flush()
        self.until_recorded("caf")
        self.guest.write(b"\xa9 \xff\xfe\r\n")
        self.guest.flush()
        self.until_recorded("\r\n")
        recording.send_signal(signal.SIGINT)
        self.assertEqual(recording.wait(TIMEOUT), 0)
        self.assertEqual(self.text_of(), "caf\u00e9 \ufffd\ufffd\r\n")
        self.assertEqual(self.text_of("m"), "2 bytes were no UTF-8")

    def test_times_are_those_when_it_was_printed(self):
        recording = self.shell_recording("guest1", "file.cast")
        recording.send_signal(signal.SIGSTOP)
        self.guest.write(b"first")
        self.guest.flush()
        begin = time.monotonic()
        while time.monotonic() < begin + 0.1:  # of what is measured, not of waiting
            self.guest.turn(0.01)
        self.guest.write(b"second")
        self.guest.flush()
        recording.send_signal(signal.SIGCONT)
        self.until_recorded("second")
        events = self.recorded()[1]
        self.assertEqual([event[2] for event in events], ["first", "second"])
        self.assertGreaterEqual(events[1][0] - events[0][0], 0.05)

    def test_for_a_time_to_standard_output(self):
        done = self.mux.call("record", "--timeout", "50ms", "guest1", "-")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(json.loads(done.stdout)["title"], "guest1")

    def test_errors_have_a_status(self):
        self.assertEqual(self.mux.call("record", "nobody", self.path()).returncode, 1)
        self.assertFalse(os.path.exists(self.path()))
        self.assertEqual(self.mux.call("record", "-i", "guest1", self.path()).returncode, 2)
        self.assertEqual(self.mux.call("record", "guest1", "off").returncode, 2)
        self.assertEqual(self.mux.call("record", "guest1").returncode, 2)
        self.file("precious")
        done = self.mux.call("record", "guest1", self.path())
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"File exists", done.stderr)
        self.mux.kill()
        done = self.mux.call("record", "guest1", self.path("other"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"muxd is not there", done.stderr)

    def test_a_full_disk_is_told(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

        recording = self.shell_recording("guest1", "file.cast", preexec_fn=limit)
        self.guest.write(b"first")
        self.guest.flush()
        self.until_recorded("first")
        self.guest.write(b"x" * 4000)
        self.guest.flush()
        self.assertEqual(recording.wait(TIMEOUT), 1)
        self.assertIn(b"File too large", recording.stderr.read())
        self.assertEqual(self.text_of(), "first")

    def test_a_full_standard_output_is_told(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.mux.command("record", "guest1", "-"), stdout=full,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left on device", done.stderr)

    @unittest.skipUnless(shutil.which("asciinema"), "asciinema is not installed")
    def test_asciinema_understands_it(self):
        recording = self.shell_recording("guest1", "file.cast")
        self.guest.write(b"\x1b[32mgreen\x1b[0m \xe5\xae\xbd\r\n\x00\xffend\r\n")
        self.guest.flush()
        self.until_recorded("end")
        recording.send_signal(signal.SIGTERM)
        self.assertEqual(recording.wait(TIMEOUT), 0)
        with Terminal(["sh", "-c", 'exec asciinema cat "$0" > "$0.out"', self.path()],
                      env={"LC_ALL": "C.UTF-8"}) as cat:  # it wants a terminal all the same
            self.assertEqual(cat.wait_exit(), 0, cat.text())
        with open(self.path("file.cast.out"), encoding="utf-8", newline="") as out:
            self.assertEqual(out.read(), "\x1b[32mgreen\x1b[0m \u5bbd\r\n\0\ufffdend\r\n")
        with Terminal(["asciinema", "play", self.path()],
                      env={"LC_ALL": "C.UTF-8"}) as player:
            player.wait_for("green.*end")
            self.assertEqual(player.wait_exit(), 0)


class Replay(RecordTest):
    def test_a_recording_is_played_on_this_terminal(self):
        path = self.file(SMALL + '[0.1,"o","\\u001b[31mred\\u001b[0m\\r\\n"]\n'
                         '[9999,"o","later\\r\\n"]\n')
        terminal = self.terminal("replay", "--idle", "0.01", path, "2")
        terminal.wait_for(r"\x1b\[31mred\x1b\[0m\r\nlater\r\n")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)

    def endless(self):
        return self.file(SMALL + '[0,"o","\\u001b[?25lbegun\\r\\n"]\n[9999,"o","never"]\n')

    def test_a_key_ends_it_and_the_terminal_is_as_before(self):
        for key in "q\x03":
            with self.subTest(key=key):
                terminal = self.terminal("replay", "--idle", "10000", self.endless())
                terminal.wait_for("begun")
                self.assertTrue(terminal.is_raw())
                terminal.send(key)
                self.assertEqual(terminal.wait_exit(), 0)
                terminal.wait_for(r"\x1b\[\?25h")
                self.assertEqual(terminal.attributes(), terminal.attributes_at_start)
                self.assertNotIn("never", terminal.text())

    def test_a_signal_restores_the_terminal(self):
        for number, status in ((signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -9)):
            with self.subTest(number=number):
                terminal = self.terminal("replay", "--idle", "10000", self.endless())
                terminal.wait_for("begun")
                terminal.signal(number)
                self.assertEqual(terminal.wait_exit(), status)
                terminal.wait_for(r"\x1b\[\?25h")
                self.wait_restored(terminal)

    def wait_restored(self, terminal):
        """By a child that outlives its killed parent for a moment."""
        deadline = time.monotonic() + TIMEOUT
        while terminal.attributes() != terminal.attributes_at_start:
            self.assertLess(time.monotonic(), deadline)

    def test_a_wrong_file_is_told_by_its_line(self):
        path = self.file(SMALL + '[0,"o","fine\\r\\n"]\n[1,"o"]\n')
        terminal = self.terminal("replay", path)
        terminal.wait_for(r"fine\r\n.*replay: .*file\.cast:3: not an event")
        self.assertEqual(terminal.wait_exit(), 1)
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)
        for words in ((path, "fast"), ("--idle", "0", path), (path, "1", "2")):
            terminal = self.terminal("replay", *words)
            self.assertEqual(terminal.wait_exit(), 2)
        self.assertEqual(self.mux.call("replay", path).returncode, 2)  # no terminal

    def test_at_the_prompt_others_wait_until_it_has_ended(self):
        path = self.file(SMALL + '[0,"o","begun"]\n[9999,"o","never"]\n')
        terminal = self.prompt(env={"NO_COLOR": "1"})
        terminal.send(f"replay --idle 10000 {path}\r")
        terminal.wait_for("begun")
        self.guest.write(b"noise\r\n")
        self.guest.flush()
        terminal.send("list\r q")
        terminal.wait_for(r"\*\*\* the recording has ended\r\n.*guest1  \| noise")
        terminal.send("list\r")
        terminal.wait_for(r"guest1 +\(1\)")
        self.assertNotIn("never", terminal.text())

    def test_while_connected_the_guest_is_back_afterwards(self):
        path = self.file(SMALL + '[0,"o","\\u001b[?25lbegun"]\n[9999,"o","never"]\n')
        terminal = self.terminal("attach", "guest1", env={"NO_COLOR": "1"})
        terminal.wait_for("from before")
        terminal.send(f"\x05:replay --idle 10000 {path}\r")
        terminal.wait_for("begun")
        self.guest.write(b"meanwhile\r\n$ ")
        self.guest.flush()
        terminal.send("this is nobody's q")
        terminal.wait_for(r"\x1b\[\?25h.*\*\*\* the recording has ended\r\n.*meanwhile\r\n\$ ")
        terminal.send("typed")
        self.guest.until(lambda: b"typed" in self.guest.input)
        self.assertEqual(bytes(self.guest.input), b"typed")

    def test_at_the_prompt_its_end_brings_the_prompt_back(self):
        path = self.file(SMALL + '[0,"o","only this\\r\\n"]\n')
        terminal = self.prompt()
        terminal.send(f"replay {path}\r")
        terminal.wait_for(r"only this\r\n.*\*\*\* the recording has ended\r\n.*" + PROMPT)
        terminal.send("replay /none\r")
        terminal.wait_for(r"\*\*\* replay: /none: No such file or directory\r\n.*" + PROMPT)
        terminal.send("quit\r")
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertEqual(terminal.attributes(), terminal.attributes_at_start)


if __name__ == "__main__":
    unittest.main(verbosity=2)
