#!/usr/bin/env python3
"""What tests/show-failures takes from the logs of tests/run: the reason, wherever it stands."""

import os
import subprocess
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "show-failures")
NOISE = "".join(f"noise {i}\n" for i in range(500))
DICTIONARY = "".join(f'"\\x{i:02x}" # Uses: {i}\n' for i in range(200))


def show(log):
    output = subprocess.run([PROGRAM], input=log, capture_output=True, text=True, check=True)
    return output.stdout


class ShowFailures(unittest.TestCase):
    def test_of_a_fuzzer_its_report_and_its_input(self):
        report = ("fuzz_x: f.c:1: Assertion `y' failed.\n==1== ERROR: libFuzzer: deadly signal\n"
                  "    #0 0x55 in x f.c:1:2\nSUMMARY: libFuzzer: deadly signal\n")
        shown = show(f"== fuzz x\n{NOISE}{report}{NOISE}Base64: AAAA\n{DICTIONARY}"
                     f"not ok - fuzz x (exit status 77)\n== fuzz y\n{DICTIONARY}ok - fuzz y\n")
        for line in report.splitlines():
            self.assertIn("| " + line, shown)
        self.assertIn("of fuzz x:", shown)
        self.assertIn("| Base64: AAAA", shown)
        self.assertIn("| not ok - fuzz x", shown)
        self.assertNotIn("Uses", shown)
        self.assertNotIn("fuzz y", shown)
        self.assertLess(shown.count("\n"), 60)

    def test_of_a_suite_each_failure(self):
        failures = "".join(f"FAIL: test_{name}\nTraceback {name}\n{NOISE}" for name in "ab")
        shown = show(f"== a\nok 1\nsuite ends: a, exit status 0\n"
                     f"== b\n{NOISE}{failures}suite ends: b, exit status 1\n")
        for text in ("of b:", "| Traceback a\n", "| Traceback b\n", "exit status 1"):
            self.assertIn(text, shown)
        self.assertNotIn("of a:", shown)

    def test_of_many_failures_so_many_lines(self):
        shown = show("== a\n" + "ERROR: x\n" * 1000 + "not ok - a\n")
        self.assertLess(shown.count("\n"), 160)

    def test_without_a_sign_the_end(self):
        shown = show(f"== a\n{NOISE}last words\nnot ok - a (exit status 1)\n")
        self.assertIn("| noise 499\n| last words\n| not ok - a", shown)
        self.assertLess(shown.count("\n"), 40)

    def test_without_a_failed_test_the_end_of_the_stage(self):
        self.assertEqual(show("== a\nok - a\none\ntwo\n"), "of a:\n| one\n| two\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
