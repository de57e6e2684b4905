#!/usr/bin/env python3
"""What muxd keeps is bounded: histories together, channels, and what one user may have."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import KEEP, POWERED_OFF, REFUSED, Guest, connect, hello, read_message  # noqa: E402
from mux import Mux  # noqa: E402

STRANGER = 54321


class Budget(unittest.TestCase):
    """[history] of muxd.toml."""

    def mux(self, text, *options):
        mux = self.enterContext(Mux(start=False))
        path = os.path.join(mux.directory, "muxd.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        mux.options = ("--config", path, *options)
        mux.start()
        return mux

    def file_sizes(self, mux):
        directory = os.path.join(mux.directory, "channels")
        return {name: os.stat(os.path.join(directory, name)).st_size
                for name in os.listdir(directory)}

    def test_dead_guests_make_room_for_living_ones_within_the_budget(self):
        mux = self.mux('[history]\nsize = "256K"\ntotal = "2M"\n')
        keeper = Guest(mux.directory, "keeper", flags=KEEP)
        for guest in (keeper, *(Guest(mux.directory, f"dead{i}") for i in range(20))):
            guest.write(b"words")
            guest.set_state(POWERED_OFF)
            guest.flush()
            guest.kill()
            guest.until(lambda name=guest.name: not mux.channels()[name]["connected"])
            self.assertLessEqual(sum(self.file_sizes(mux).values()), 2 << 20)
        self.assertIn("keeper", mux.channels())
        self.assertIn("dead19", mux.channels())
        self.assertNotIn("dead0", mux.channels())

    def test_each_living_guest_has_a_history_beyond_the_budget_too(self):
        mux = self.mux('[history]\ntotal = "1M"\n')
        guests = [Guest(mux.directory, f"guest{i}") for i in range(20)]
        for guest in guests:
            guest.write(b"x" * 20000)
            guest.flush()
        sizes = self.file_sizes(mux)
        self.assertEqual(len(sizes), 20)
        self.assertGreater(sizes["guest0"], 256 << 10)
        self.assertLess(sum(sizes.values()), (1 << 20) + 20 * (48 << 10))
        for guest in guests:
            self.assertGreaterEqual(len(mux.run("tail", guest.name)), 16384)

    def test_the_option_goes_before_the_file(self):
        mux = self.mux('[history]\nsize = "64K"\n')
        Guest(mux.directory, "one").flush()
        self.assertLess(self.file_sizes(mux)["one"], 128 << 10)
        mux = self.mux('[history]\nsize = "64K"\n', "--bufsize", "1M")
        Guest(mux.directory, "one").flush()
        self.assertGreater(self.file_sizes(mux)["one"], 1 << 20)

    def test_sizes_that_make_no_sense_are_told(self):
        for text, words in (("size = 1", "history.size"), ('total = "1K"', "history.total"),
                            ('total = "much"', "history.total")):
            with self.subTest(text=text):
                mux = self.enterContext(Mux(start=False))
                path = os.path.join(mux.directory, "muxd.toml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"[history]\n{text}\n")
                done = mux.call("--config", path)
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stderr.decode())


@unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
class Users(unittest.TestCase):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        os.chmod(self.mux.directory, 0o711)
        os.chmod(os.path.join(self.mux.directory, "device.sock"), 0o666)

    def connected(self, name, uid=STRANGER):
        """A connection of another user; None if it was refused, with the reason kept."""
        os.seteuid(uid)
        try:
            stream = connect(self.mux.directory)
        finally:
            os.seteuid(0)
        stream.sendall(hello(name))
        kind, body = read_message(stream) or (REFUSED, b"closed")
        self.addCleanup(stream.close)
        if kind == REFUSED:
            self.reason = body.decode()
            return None
        return stream

    def test_a_user_cannot_have_the_channel_of_another(self):
        Guest(self.mux.directory, "roots").flush()
        self.assertIsNone(self.connected("roots"))
        self.assertEqual(self.reason, "the channel roots is another user's")
        self.assertTrue(self.connected("mine"))
        self.assertIsNone(self.connected("mine", STRANGER + 1))
        self.mux.kill()
        self.mux.start()
        os.chmod(os.path.join(self.mux.directory, "device.sock"), 0o666)
        self.assertIsNone(self.connected("mine", STRANGER + 1))
        self.assertTrue(self.connected("mine"))

    def test_root_can_have_the_channel_of_anybody(self):
        self.connected("mine").close()
        guest = Guest(self.mux.directory, "mine")
        guest.flush()
        guest.kill()
        self.assertIsNone(self.connected("mine"))

    def test_a_user_has_a_bounded_number_of_channels(self):
        for i in range(64):
            self.assertTrue(self.connected(f"guest{i}"))
        self.assertIsNone(self.connected("guest64"))
        self.assertTrue(self.connected("other", STRANGER + 1))
        Guest(self.mux.directory, "roots").flush()
        self.assertEqual(len(self.mux.channels()), 66)

    def test_a_user_that_says_nothing_leaves_room_for_others(self):
        os.seteuid(STRANGER)
        try:
            crowd = [connect(self.mux.directory) for _ in range(200)]
        finally:
            os.seteuid(0)
        self.assertTrue(self.connected("other", STRANGER + 1))
        self.assertIn("refused a connection", self.mux.log_text())
        for stream in crowd:
            stream.close()


class Notices(unittest.TestCase):
    def test_a_key_that_is_taken_is_told_once(self):
        with Mux() as mux:
            first = Guest(mux.directory, "first", key=b"1")
            first.flush()
            viewer = mux.attach()
            for _ in range(20):
                second = Guest(mux.directory, "second", key=b"1")
                second.flush()
                second.kill()
                second.until(lambda: not mux.channels()["second"]["connected"])
            mux.run("list")
            viewer.until(lambda: viewer.notices)
            viewer.turn(0.01)
            self.assertEqual(viewer.notices, ["second: the key 1 belongs to first"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
