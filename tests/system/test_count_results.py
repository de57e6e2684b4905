#!/usr/bin/env python3
"""What tests/count-results makes of the logs of tests/run: no failure may be overlooked."""

import os
import subprocess
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "count-results")


def count(log):
    """Passed, failed, skipped."""
    output = subprocess.run([PROGRAM], input=log, capture_output=True, text=True, check=True)
    return tuple(int(word) for word in output.stdout.split())


def suite(body, status=0):
    return f"suite begins: s\n{body}suite ends: s, exit status {status}\n"


class CountResults(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(count(""), (0, 0, 0))

    def test_lines_of_the_test_anything_protocol(self):
        log = "ok 1 a\nnot ok 2 b\nok 3 c # SKIP no reason\nok - d\nnot ok - e (exit status 1)\n"
        self.assertEqual(count(log), (2, 2, 1))

    def test_lines_in_the_middle_of_others_do_not_count(self):
        self.assertEqual(count("it is\n# not ok 1\nprinted ok 1\n"), (0, 0, 0))

    def test_checks(self):
        self.assertEqual(count("94%: Checks: 39, Failures: 1, Errors: 2\n"), (36, 3, 0))

    def test_unittest(self):
        self.assertEqual(count("Ran 9 tests in 1.6s\n\nOK\n"), (9, 0, 0))
        self.assertEqual(count("Ran 1 test in 1.6s\n\nOK (skipped=1)\n"), (0, 0, 1))
        log = "Ran 9 tests in 1.6s\n\nFAILED (failures=2, errors=3, skipped=1)\n"
        self.assertEqual(count(log), (3, 5, 1))

    def test_more_failures_than_tests_leave_none_passed(self):
        log = "Ran 2 tests in 1.6s\n\nFAILED (failures=4)\n"  # parts of a test
        self.assertEqual(count(log), (0, 4, 0))

    def test_programs_of_ctest_count_what_they_say(self):
        log = ("12: 100%: Checks: 7, Failures: 0, Errors: 0\n"
               " 1/30 Test #12: unit/test_x ......   Passed    0.02 sec\n")
        self.assertEqual(count(suite(log)), (7, 0, 0))

    def test_programs_of_ctest_that_say_nothing_count_as_one(self):
        self.assertEqual(count(suite(" 1/2 Test  #1: seeds/x ...   Passed  0.02 sec\n")), (1, 0, 0))
        self.assertEqual(count(suite("2/2 Test #2: y ...***Failed  0.1 sec\n", 8)), (0, 1, 0))
        self.assertEqual(count(suite("2/2 Test #2: y ...***Timeout  0.1 sec\n", 8)), (0, 1, 0))
        self.assertEqual(count(suite("2/2 Test #2: y ...***Skipped  0.1 sec\n")), (0, 0, 1))

    def test_a_program_of_ctest_that_crashes_after_its_checks_has_failed(self):
        log = ("3: 100%: Checks: 7, Failures: 0, Errors: 0\n"
               "1/1 Test #3: unit/test_x ...***Exception: SegFault  0.2 sec\n")
        self.assertEqual(count(suite(log, 8)), (7, 1, 0))

    def test_a_suite_that_fails_without_a_failed_test_has_failed(self):
        self.assertEqual(count(suite("ok 1 a\n", 1)), (1, 1, 0))
        self.assertEqual(count(suite("ok 1 a\nnot ok 2 b\n", 1)), (1, 1, 0))

    def test_a_suite_without_tests_has_failed(self):
        self.assertEqual(count(suite("No tests were found!!!\n")), (0, 1, 0))

    def test_suites_do_not_answer_for_each_other(self):
        log = suite("not ok 1 a\n", 1) + suite("ok 1 b\n", 124) + suite("")
        self.assertEqual(count(log), (1, 3, 0))


if __name__ == "__main__":
    unittest.main()
