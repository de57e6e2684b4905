#!/usr/bin/env python3
"""A test that would never end does."""

import os
import select
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from limited import LimitedTest  # noqa: E402


class Endless(LimitedTest):
    limit = 0.1
    ended = 0

    def runTest(self):
        self.addCleanup(self.end)
        select.select([], [], [])

    def end(self):
        Endless.ended += 1
        select.select([], [], [])


class LimitedTestTest(unittest.TestCase):
    def test_a_test_that_waits_for_ever_fails_where_it_waits(self):
        result = unittest.TestResult()

        Endless().run(result)

        told = [text for _, text in result.failures + result.errors]
        self.assertEqual(len(told), 2)
        self.assertIn("in runTest", told[0])
        self.assertIn("not within 0.1 s", told[0])
        self.assertIn("in end", told[1])
        self.assertEqual(Endless.ended, 1)


def load_tests(loader, _tests, _pattern):
    """Not the one that never ends."""
    return loader.loadTestsFromTestCase(LimitedTestTest)


if __name__ == "__main__":
    unittest.main(verbosity=2)
