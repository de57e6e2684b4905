"""Tests that end: each wait has a limit, and where one has none, its whole test has."""

import signal
import unittest


class TestTimeout(AssertionError):
    """A test did not end. Where it was, its traceback says."""


class LimitedTest(unittest.TestCase):
    """Whatever the test waits for when its time is over gives way, and what it started is ended
    as ever. Should that not end either, it gives way in its turn."""

    limit = 400  # seconds; the slowest takes a tenth of that on a busy machine

    def run(self, result=None):
        signal.signal(signal.SIGALRM, self._time_is_over)
        signal.setitimer(signal.ITIMER_REAL, self.limit, self.limit)
        try:
            return super().run(result)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _time_is_over(self, _number, _frame):
        raise TestTimeout(f"not within {self.limit} s")
