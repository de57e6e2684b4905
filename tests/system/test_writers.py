#!/usr/bin/env python3
"""Several viewers at one channel: one types, the others watch, ask and take."""

import os
import pwd
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import Guest  # noqa: E402
from mux import FREE, MINE, OTHER, Mux  # noqa: E402
from terminal import Terminal  # noqa: E402

USER = pwd.getpwuid(os.getuid()).pw_name
ESCAPE = "\x05"


class WritersTest(unittest.TestCase):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.guest = Guest(self.mux.directory, "one")
        self.guest.flush()


class Stream(WritersTest):
    """What muxd says and takes on attach streams."""

    def viewer(self, types=True, **options):
        viewer = self.mux.attach(**options)
        viewer.follow("one", types=types)
        viewer.until(lambda: "one" in viewer.writer, [self.guest])
        return viewer

    def is_told(self, viewer, state, others=()):
        viewer.until(lambda: viewer.writer["one"][0] == state, [self.guest, *others])

    def type(self, viewer, data):
        viewer.until(lambda: viewer.credit.get("one", 0) - viewer.sent.get("one", 0) >= len(data),
                     [self.guest])
        self.assertEqual(viewer.type("one", data), len(data))

    def test_the_first_one_types_and_the_others_watch(self):
        first, second = self.viewer(), self.viewer()
        self.assertEqual(first.writer["one"], (MINE, ""))
        self.assertEqual(second.writer["one"], (OTHER, f"{USER} (pid {os.getpid()})"))
        self.type(first, b"typed")
        self.guest.write(b"echo")
        second.until(lambda: second.output("one") == b"echo", [self.guest])
        self.guest.until(lambda: self.guest.input == b"typed")
        self.assertFalse(second.credit.get("one"))
        channel = self.mux.channels()["one"]
        self.assertEqual(channel["writer"], {"user": USER, "pid": os.getpid()})
        self.assertEqual(channel["watchers"], 1)
        self.assertIn(f"watchers:1 writer: {USER} (pid {os.getpid()})",
                      self.mux.run("list", "-l").decode())

    def test_nobody_types_at_a_channel_that_nobody_is_connected_to(self):
        channel = self.mux.channels()["one"]
        self.assertIsNone(channel["writer"])
        self.assertEqual(channel["watchers"], 0)

    def test_the_writer_lets_the_one_that_has_asked_first(self):
        first, second, third = self.viewer(), self.viewer(), self.viewer()
        second.take("one")
        first.until(lambda: "one" in first.askers)
        self.assertEqual(first.askers["one"], f"{USER} (pid {os.getpid()})")
        del first.askers["one"]
        third.take("one")
        first.until(lambda: "one" in first.askers)
        self.type(first, b"1")
        first.give("one")
        self.is_told(second, MINE)
        self.is_told(first, OTHER)
        second.until(lambda: "one" in second.askers)  # the third one waits still
        self.type(second, b"2")
        second.give("one")
        self.is_told(third, MINE)
        self.type(third, b"3")
        self.guest.until(lambda: self.guest.input == b"123")

    def test_who_asks_gets_it_when_the_writer_leaves(self):
        first, second, third = self.viewer(), self.viewer(), self.viewer()
        third.take("one")
        first.until(lambda: "one" in first.askers)
        first.close()
        self.is_told(third, MINE)
        self.assertEqual(second.writer["one"][0], OTHER)
        third.unfollow("one")
        self.is_told(second, FREE)
        self.assertIsNone(self.mux.channels()["one"]["writer"])

    def test_nobody_has_it_after_the_writer_until_one_takes_it(self):
        first, second = self.viewer(), self.viewer()
        first.close()
        self.is_told(second, FREE)
        self.assertFalse(second.credit.get("one"))
        second.take("one")
        self.is_told(second, MINE)
        self.type(second, b"mine")
        self.guest.until(lambda: self.guest.input == b"mine")

    def test_one_that_only_wants_to_watch_is_not_made_the_writer(self):
        watcher = self.viewer(types="watch")
        self.assertEqual(watcher.writer["one"][0], FREE)
        writer = self.viewer()
        self.assertEqual(writer.writer["one"][0], MINE)

    def test_one_that_gave_up_asking_is_passed_over(self):
        first, second = self.viewer(), self.viewer()
        second.take("one")
        first.until(lambda: "one" in first.askers)
        second.unfollow("one")
        self.mux.run("list")  # muxd has seen it
        first.give("one")
        self.is_told(first, FREE)

    def test_force_takes_at_once_and_what_was_on_its_way_is_counted(self):
        first, second = self.viewer(), self.viewer()
        first.until(lambda: first.credit.get("one"), [self.guest])
        second.take("one", force=True)
        self.is_told(second, MINE)
        self.assertEqual(first.type("one", b"late"), 4)  # it has not heard of it yet
        first.until(lambda: first.discarded.get("one") == 4)
        self.assertEqual(first.writer["one"][0], OTHER)
        self.type(second, b"now")
        self.guest.until(lambda: self.guest.input == b"now")

    def test_a_former_writer_that_takes_it_again_goes_on_with_its_credit(self):
        first, second = self.viewer(), self.viewer()
        for i in range(20):
            for viewer in (second, first):
                viewer.take("one", force=True)
                self.is_told(viewer, MINE, [first, second])
                self.type(viewer, b"x" * 3000)
                length = 3000 * (2 * i + (2 if viewer == first else 1))
                self.guest.until(lambda: len(self.guest.input) == length)

    def test_size_and_break_are_the_writers(self):
        first, second = self.viewer(), self.viewer()
        second.resize("one", 10, 5)
        second.send_break("one")
        second.take("one")
        first.until(lambda: "one" in first.askers)
        first.resize("one", 80, 24)
        first.send_break("one")
        self.guest.until(lambda: self.guest.size and self.guest.breaks)
        self.assertEqual(self.guest.size, (80, 24))
        self.assertEqual(self.guest.breaks, 1)

    def test_a_reader_watches_and_cannot_take(self):
        reader = self.viewer(read_only=True)
        self.assertEqual(reader.writer["one"][0], FREE)
        reader.take("one", force=True)
        writer = self.viewer()
        self.assertEqual(writer.writer["one"][0], MINE)
        self.assertEqual(self.mux.channels()["one"]["watchers"], 1)

    def test_a_writer_that_never_reads_can_be_taken_from(self):
        stuck = self.viewer()
        other = self.viewer()
        self.guest.write(b"x" * 300000)
        self.guest.flush()
        other.take("one", force=True)
        self.is_told(other, MINE)
        self.type(other, b"ok")
        self.guest.until(lambda: self.guest.input == b"ok")
        self.assertEqual(stuck.writer["one"][0], MINE)  # it has not looked

    def test_asking_again_and_again_is_told_once(self):
        first, second = self.viewer(), self.viewer()
        for _ in range(1000):
            second.take("one")
        first.until(lambda: "one" in first.askers)
        del first.askers["one"]
        self.mux.run("list")
        first.give("one")
        self.is_told(first, OTHER)
        self.assertNotIn("one", first.askers)

    def test_a_dropped_channel_has_no_writer(self):
        first, second = self.viewer(), self.viewer()
        second.take("one")
        self.guest.close()
        self.mux.stop()
        for name in os.listdir(os.path.join(self.mux.directory, "channels")):
            os.unlink(os.path.join(self.mux.directory, "channels", name))
        self.mux.start()
        first.until(lambda: first.ready and "one" not in first.names.values(), [second])


class Terminals(WritersTest):
    """The same on real terminals."""

    def attach(self, *options):
        terminal = Terminal(self.mux.command("attach", "one", *options))
        self.addCleanup(terminal.close)
        terminal.wait_for("Connecting to 'one'")
        return terminal

    def writer(self):
        terminal = self.attach()
        self.guest.until(lambda: self.guest.size)
        return terminal

    def assert_typed(self, text):
        self.guest.until(lambda: len(self.guest.input) >= len(text))
        self.assertEqual(self.guest.input.decode(), text)

    def test_a_watcher_sees_everything_and_what_it_types_is_swallowed_with_one_hint(self):
        writer = self.writer()
        watcher = self.attach()
        watcher.wait_for(r"\*\*\* one: \S+ \(pid \d+\) types here, you watch: Ctrl-E t asks to type")
        watcher.send("a")
        watcher.wait_for("types here, you watch")
        watcher.send("bc" + ESCAPE + "l")
        writer.send("x")
        self.assert_typed("x")
        self.guest.write(b"seen\r\n")
        self.guest.flush()
        watcher.wait_for("seen")
        self.assertEqual(watcher.text().count("you watch"), 2)
        self.assertEqual(self.guest.breaks, 0)
        self.assertNotIn("you watch", writer.text())

    def test_asking_and_letting(self):
        writer = self.writer()
        watcher = self.attach()
        watcher.wait_for("you watch")
        watcher.send(ESCAPE + "t")
        watcher.wait_for(r"\*\*\* one: asked \S+ \(pid \d+\) to let you type")
        writer.wait_for(r"\*\*\* \S+ \(pid \d+\) asks to type at one: Ctrl-E y lets them")
        writer.send("1" + ESCAPE + "y2")
        watcher.wait_for(r"\*\*\* one: you type here now")
        writer.wait_for("types here, you watch")
        watcher.send("3")
        self.assert_typed("13")

    def test_letting_nobody_is_told(self):
        writer = self.writer()
        writer.send(ESCAPE + "y")
        writer.wait_for(r"\*\*\* nobody has asked to type")
        writer.send("x")
        self.assert_typed("x")

    def test_take_is_at_once_and_what_is_typed_behind_it_is_not_lost(self):
        writer = self.writer()
        taker = self.attach("--take")
        taker.wait_for("one: you type here now")
        writer.wait_for("types here, you watch")
        writer.send(ESCAPE + "t")
        taker.wait_for("asks to type at one")
        taker.send(ESCAPE + ".")
        writer.wait_for("you type here now")
        taker.wait_for("cons> ")
        taker.send("connect one\r")
        writer.wait_for("types here, you watch")
        taker.send("abc")
        self.assert_typed("abc")

    def test_a_free_channel_is_typed_at_behind_the_key(self):
        writer = self.writer()
        watcher = self.attach()
        watcher.wait_for("you watch")
        writer.process.send_signal(signal.SIGKILL)
        watcher.wait_for(r"\*\*\* one: nobody types here: Ctrl-E t to type")
        watcher.send(ESCAPE + "tabc")
        self.assert_typed("abc")

    def test_a_stopped_writer_can_be_taken_from(self):
        writer = self.writer()
        writer.process.send_signal(signal.SIGSTOP)
        self.addCleanup(writer.process.send_signal, signal.SIGCONT)
        taker = self.attach("-T")
        taker.wait_for("one: you type here now")
        taker.send("on")
        self.assert_typed("on")

    def test_writer_and_watcher_stay_so_when_muxd_is_killed(self):
        writer = self.writer()
        watcher = self.attach()
        watcher.wait_for("you watch")
        for i in range(3):
            self.mux.kill()
            watcher.wait_for("muxd is gone")
            writer.wait_for("muxd is gone")
            writer.send("x")
            watcher.send("y")
            self.mux.start()
            watcher.wait_for("muxd is back")
            writer.wait_for("muxd is back")
            self.assert_typed("x" * (i + 1))

    def test_a_broadcast_leaves_out_who_another_types_at(self):
        writer = self.writer()
        two = Guest(self.mux.directory, "two")
        two.flush()
        terminal = Terminal(self.mux.command("attach", "console"))
        self.addCleanup(terminal.close)
        terminal.wait_for("two: running")
        terminal.send("broadcast\r")
        terminal.wait_for(r"\*\*\* one: \S+ \(pid \d+\) types here")
        terminal.send("to all")
        two.until(lambda: two.input == b"to all", [self.guest])
        writer.send("w")
        self.assert_typed("w")

    def test_a_reader_never_types(self):
        reader = self.attach("--read-only")
        writer = self.writer()
        reader.send(ESCAPE + "t")
        reader.wait_for("attached read-only")
        writer.send("w")
        self.assert_typed("w")


if __name__ == "__main__":
    unittest.main(verbosity=2)
