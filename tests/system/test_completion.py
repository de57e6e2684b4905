#!/usr/bin/env python3
"""Completion of muxd's words in a real bash, as its readline would ask for it."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT, Guest  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux, muxd_program  # noqa: E402
from terminal import Terminal  # noqa: E402

ASK = """
source <(muxd completion bash)
[[ $(complete -p muxd) == *_muxd* ]] || exit 9
COMP_LINE=$1 COMP_POINT=${#1}
compopt() { echo "($*)"; }
_muxd muxd
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.guests = []

    def environment(self):
        path = os.path.dirname(muxd_program()) + ":" + os.environ["PATH"]
        return {**os.environ, "PATH": path, "MUXD_RUNTIME_DIR": self.mux.directory}

    def guest(self, name):
        guest = Guest(self.mux.directory, name)
        guest.until(lambda: guest.stream and guest.welcomed)
        self.guests.append(guest)

    def completed(self, line, **environment):
        done = subprocess.run(["bash", "-c", ASK, "bash", line], capture_output=True, text=True,
                              env={**self.environment(), **environment}, timeout=TIMEOUT,
                              check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_commands_are_completed_but_not_those_of_the_prompt(self):
        self.assertEqual(self.completed("muxd sho"), ["show", "showall"])
        self.assertEqual(self.completed("muxd cle"), [])
        self.assertIn("attach", self.completed("muxd "))
        self.assertNotIn("complete", self.completed("muxd comp"))

    def test_options_of_muxd_and_of_commands_are_completed(self):
        self.assertEqual(self.completed("muxd --runt"), ["--runtime-dir"])
        self.assertEqual(self.completed("muxd list --j"), ["--json"])
        self.assertEqual(self.completed("muxd wait x --state p"), ["paused", "powered-off"])
        self.assertEqual(self.completed("muxd -q --log-level debug -v lis"), ["list"])
        self.assertEqual(self.completed("muxd --log-level "), [])
        self.assertEqual(self.completed("muxd --no-such-option "), [])

    def test_names_come_from_the_running_muxd(self):
        self.guest("one")
        self.guest("two")
        self.mux.run("link", "cable0/left", "down")
        self.assertEqual(self.completed("muxd cat o"), ["one"])
        self.assertEqual(self.completed("muxd show one t"), ["two"])
        self.assertEqual(self.completed("muxd attach "), ["console", "cable0", "one", "two"])
        self.assertEqual(self.completed("muxd link "), ["left"])
        self.assertEqual(self.completed("muxd poll "), ["cable0"])
        self.assertEqual(self.completed("muxd link left d"), ["down"])

    def test_a_runtime_directory_in_the_line_counts(self):
        self.guest("one")
        for option in ("-r %s", "-r%s", "--runtime-dir %s", "--runtime-dir=%s"):
            line = f"muxd {option % self.mux.directory} cat "
            self.assertEqual(self.completed(line, MUXD_RUNTIME_DIR="/nowhere"), ["one"])
        self.assertEqual(self.completed("muxd cat ", MUXD_RUNTIME_DIR="/nowhere"), [])

    def test_names_are_quoted_where_the_shell_needs_it(self):
        for name in ("a$b", "c'd", "e:f", "g;h&", "ü"):
            self.guest(name)
        self.assertEqual(self.completed("muxd cat a"), ["a\\$b"])
        self.assertEqual(self.completed("muxd cat a\\$"), ["a\\$b"])
        self.assertEqual(self.completed("muxd cat 'a"), ["a$b"])
        self.assertEqual(self.completed('muxd cat "a'), ["a\\$b"])
        self.assertEqual(self.completed("muxd cat c"), ["c\\'d"])
        self.assertEqual(self.completed("muxd cat 'c"), ["c'\\''d"])
        self.assertEqual(self.completed("muxd cat e"), ["e:f"])
        self.assertEqual(self.completed("muxd cat e:"), ["f"])
        self.assertEqual(self.completed("muxd cat g"), ["g\\;h\\&"])
        self.assertEqual(self.completed("muxd cat ü"), ["ü"])

    def test_what_goes_on_gets_no_blank(self):
        self.assertEqual(self.completed("muxd impair p de"), ["(-o", "nospace)", "delay="])

    def test_it_works_on_a_terminal(self):
        self.guest("a$b")
        terminal = Terminal(["bash", "--norc", "--noprofile", "-i"],
                            env={**self.environment(), "PS1": "ready> ", "INPUTRC": "/dev/null"})
        self.addCleanup(terminal.close)
        terminal.wait_for("ready> ")
        terminal.send("source <(muxd completion bash); echo done\r")
        terminal.wait_for("done\r\n")
        terminal.send("muxd hel\t key >&-; muxd key a\t; echo end$((1 + 1))\r")
        terminal.wait_for(r"a\$b: none")
        terminal.wait_for("end2")

    def test_another_shell_is_refused(self):
        done = self.mux.call("completion", "fish")
        self.assertEqual((done.returncode, done.stderr), (2, b'muxd: completion: "fish" is not bash\n'))


if __name__ == "__main__":
    unittest.main()
