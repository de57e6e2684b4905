#!/usr/bin/env python3
"""Triggers: what is said and run when guests print what somebody waits for."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import Guest  # noqa: E402
from mux import Mux  # noqa: E402
from test_mux_logs import follower, kill_follower, wait  # noqa: E402


class TriggerMux(Mux):
    """With a muxd.toml of its own, and a program to be run that says how it was."""

    def __init__(self, text, script="", **options):
        super().__init__("--config", "muxd.toml", start=False, **options)
        config = os.path.join(self.directory, "muxd.toml")
        self.options = ("--config", config)
        self.script = os.path.join(self.directory, "script")
        self.told = os.path.join(self.directory, "told")
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(self.script, 0o755)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.replace("SCRIPT", self.script).replace("TOLD", self.told))
        self.start()

    def read_told(self):
        try:
            with open(self.told, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""


class TriggerTest(unittest.TestCase):
    def test_all_viewers_and_the_log_are_told_of_a_panic(self):
        with TriggerMux('[[trigger]]\nfor = "Kernel panic"\nmessage = "has died"\n') as mux:
            wait(lambda: follower(mux, "triggers"))
            viewers = [mux.attach(), mux.attach(read_only=True)]
            guest = Guest(mux.directory, "guest1")
            guest.write(b"[    1.0] \033[31mKernel\033[m panic - not syncing\r\n")
            for viewer in viewers:
                viewer.until(lambda: "guest1: has died" in viewer.notices, [guest, *viewers])
            wait(lambda: "guest1: has died: [    1.0] Kernel panic - not syncing"
                 in mux.log_text())

    def test_a_guest_cannot_fill_the_log(self):
        with TriggerMux('[[trigger]]\nfor = "x"\npause = "0s"\nmessage = "says x"\n') as mux:
            guest = Guest(mux.directory, "guest1")

            def is_limited():
                guest.write(b"x\r\n" * 100)
                return "similar lines left out" in mux.log_text()

            wait(is_limited, [guest])

    def test_a_prompt_without_an_end_is_taken_once(self):
        config = ('[[trigger]]\nfor = "login: $"\npause = "0s"\nmessage = "is up"\n'
                  '[[trigger]]\nfor = "last words"\nmessage = "ends"\n')
        with TriggerMux(config) as mux:
            wait(lambda: follower(mux, "triggers"))
            viewer = mux.attach()
            guest = Guest(mux.directory, "guest1")
            guest.write(b"guest1 login: ")
            viewer.until(lambda: "guest1: is up" in viewer.notices, [guest])
            guest.write(b"root\r\nlast words\r\n")
            viewer.until(lambda: "guest1: ends" in viewer.notices, [guest])
            self.assertEqual(viewer.notices.count("guest1: is up"), 1)

    def test_a_program_is_run_and_told_why(self):
        config = ('[[trigger]]\nchannels = ["web*"]\nfor = "^(a|b) line"\n'
                  'command = ["SCRIPT", "one word", "$HOME"]\n')
        script = ('printf "%s|" "$#" "$1" "$2" "$GUEST" "$LINE" >"$(dirname "$0")/new"\n'
                  'echo "$TIME" >>"$(dirname "$0")/new"\nmv "$(dirname "$0")/new" '
                  '"$(dirname "$0")/told"\necho written by the script')
        with TriggerMux(config, script) as mux:
            wait(lambda: follower(mux, "triggers"))
            other, web = Guest(mux.directory, "other"), Guest(mux.directory, "web1")
            other.write(b"a line of another\r\n")
            web.write(b"not a line\r\na line; `rm` \x07\r\n")
            wait(mux.read_told, [other, web])
            self.assertRegex(mux.read_told().decode(),
                             r"^2\|one word\|\$HOME\|web1\|a line; `rm` \^G\|"
                             r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$")
            wait(lambda: "written by the script" in mux.log_text())

    def test_what_the_program_does_wrong_is_in_the_log(self):
        config = ('[[trigger]]\nfor = "one"\ncommand = ["SCRIPT"]\n'
                  '[[trigger]]\nfor = "two"\ncommand = ["/does/not/exist"]\n')
        with TriggerMux(config, "exit 7") as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(b"one\r\ntwo\r\n")
            wait(lambda: "exit status 7" in mux.log_text(), [guest])
            wait(lambda: "/does/not/exist: No such file or directory" in mux.log_text(), [guest])

    def test_a_program_runs_once_at_a_time_and_ends_with_muxd(self):
        config = '[[trigger]]\nfor = "now"\npause = "0s"\ncommand = ["SCRIPT"]\n'
        script = 'echo $$ >>"$(dirname "$0")/told"\nsleep 1000 &\nwait'
        with TriggerMux(config, script) as mux:
            guest = Guest(mux.directory, "guest1")
            guest.write(b"now\r\n")
            wait(lambda: mux.read_told().endswith(b"\n"), [guest])
            guest.write(b"now\r\n")
            wait(lambda: "it runs already" in mux.log_text(), [guest])
            self.assertEqual(mux.read_told().count(b"\n"), 1)
            group = int(mux.read_told())
            self.assertEqual(mux.stop(), 0)
            alive = ["pgrep", "--runstates", "D,R,S", "-g", str(group)]
            wait(lambda: not subprocess.run(alive, capture_output=True, check=False).stdout)

    def test_a_follower_that_was_killed_is_there_again(self):
        with TriggerMux('[[trigger]]\nfor = "now"\nmessage = "it is"\n') as mux:
            viewer = mux.attach()
            guest = Guest(mux.directory, "guest1")
            wait(lambda: "guest1" in mux.channels(), [guest])
            kill_follower(mux, "triggers")
            wait(lambda: "muxd: triggers: ended: signal 9" in mux.log_text())

            def told():
                guest.write(b"now\r\n")
                viewer.turn()
                return "guest1: it is" in viewer.notices

            wait(told, [guest])

    def test_a_pattern_that_costs_too_much_costs_only_its_line(self):
        config = ('[[trigger]]\nfor = "(x+x+)+[0-9]"\nmessage = "never"\n'
                  '[[trigger]]\nfor = "z"\nmessage = "seen"\n')
        with TriggerMux(config) as mux:
            viewer = mux.attach()
            guest = Guest(mux.directory, "guest1")
            guest.write(b"x" * 3000 + b"\r\nz\r\n")
            viewer.until(lambda: "guest1: seen" in viewer.notices, [guest])
            self.assertIn("a line takes too long to look at", mux.log_text())

    def test_a_wrong_pattern_is_an_error_of_the_file(self):
        with Mux(start=False) as mux:
            config = os.path.join(mux.directory, "muxd.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write('[[trigger]]\nmessage = "x"\nfor = "(a"\n')
            done = mux.call("--config", config)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"muxd.toml:3:7: trigger.for is no regular expression: missing closing "
                          b"parenthesis at 2", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
