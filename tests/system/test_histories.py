#!/usr/bin/env python3
"""What muxd prints of histories: cat, tail and grep, whole lines, times; grep against grep(1)."""

import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

from console_link import TIMEOUT, Guest
from mux import Mux, control, varlink

UTC = rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z\] "
LOCAL = rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] "


class HistoryTest(unittest.TestCase):
    options = ()

    def setUp(self):
        self.mux = Mux(*self.options)
        self.addCleanup(self.mux.__exit__, None, None, None)
        self.guests = []

    def guest(self, name="one", text=b""):
        guest = Guest(self.mux.directory, name)
        self.addCleanup(guest.kill)
        self.guests.append(guest)
        guest.ring_size = 1 << 20
        self.write(guest, text)
        return guest

    def write(self, guest, text):
        guest.write(text)
        guest.flush()

    def run_(self, *words):
        return self.mux.run(*words)

    def fails(self, status, message, *words):
        done = self.mux.call(*words)
        self.assertEqual((done.returncode, done.stdout, done.stderr.decode()),
                         (status, b"", message and f"muxd: {message}\n"))


class GrepTest(HistoryTest):
    """Against grep(1), on random texts."""

    PATTERNS = ("a", "ab", "a b", "A", "c", "zz", "", ".", "b.")
    EXPRESSIONS = ("^a", "b$", "a.c", "[ab]+c", "(ab|ca)b", "^$", "a{2,}", "^(a|b)*$", "x|")
    NAMES = ("one", "three", "two")

    def setUp(self):
        super().setUp()
        self.random = random.Random(20261121)
        self.directory = tempfile.mkdtemp(prefix="grep-")
        self.addCleanup(shutil.rmtree, self.directory)
        for name in self.NAMES:
            text = self.text()
            with open(os.path.join(self.directory, name), "wb") as file:
                file.write(text)
            self.guest(name, text.replace(b"\n", b"\r\n"))

    def text(self):
        lines = ["".join(self.random.choice("aabbc _.") for _ in range(self.random.randrange(9)))
                 for _ in range(300)]
        return "\n".join(lines).encode()

    def random_options(self):
        """Any, alone and together, in one word or in several."""
        letters = [letter for letter in "inwcv" if self.random.random() < 0.3]
        options = []
        for letter in ("A", "B", "C"):
            if self.random.random() < 0.25:
                count = str(self.random.choice((0, 1, 2, 3, 7, 400)))
                options += [f"-{letter}{count}"] if self.random.random() < 0.5 \
                    else [f"-{letter}", count]
        if letters and self.random.random() < 0.5:
            options.append("-" + "".join(letters))
        else:
            options += ["-" + letter for letter in letters]
        return options

    def compare(self, options, pattern, names, expression):
        grep = subprocess.run(["grep", "-E" if expression else "-F", *options, "--", pattern,
                               *names], cwd=self.directory, capture_output=True, check=False)
        ours = self.mux.call("grep", *(["-E"] if expression else []), *options, "--", pattern,
                             *names)
        self.assertEqual((ours.stdout, ours.returncode), (grep.stdout, grep.returncode),
                         (options, pattern, names))
        self.assertEqual(ours.stderr, b"")

    def test_options_and_patterns_in_every_combination(self):
        for _ in range(150):
            expression = self.random.random() < 0.5
            options = self.random_options()
            pattern = self.random.choice(self.EXPRESSIONS if expression else self.PATTERNS)
            letters = "".join(options)
            if ("w" in letters and "|" in pattern) or (set("wv") & set(letters) and not pattern):
                continue  # what nothing matches is a matter of taste
            self.compare(options, pattern, self.random.choice((("two",), self.NAMES)), expression)

    def test_each_option_alone(self):
        for options in ([], ["-i"], ["-n"], ["-w"], ["-c"], ["-v"], ["-A", "2"], ["-B", "2"],
                        ["-C", "2"], ["-A", "0"], ["-inC1"]):
            for names in (("one",), ("one", "two")):
                self.compare(options, "ab", names, False)

    def test_without_names_all_channels_are_searched_in_the_order_of_their_names(self):
        grep = subprocess.run(["grep", "-n", "ab", *self.NAMES], cwd=self.directory,
                              capture_output=True, check=False)
        self.assertEqual(self.run_("grep", "-n", "ab"), grep.stdout)
        self.assertEqual(self.run_("grep", "-n", "ab", "t*"),
                         b"".join(line for line in grep.stdout.splitlines(True)
                                  if line.startswith(b"t")))
        self.assertEqual(self.run_("grep", "ab", "one", "o*", "o?e"), b"".join(
            b"one:" + line for line in self.run_("grep", "ab", "one").splitlines(True)))


class SearchTest(HistoryTest):
    """What grep(1) has no part in."""

    def test_nothing_found_is_status_1_and_no_message(self):
        self.guest(text=b"hello\r\n")
        self.fails(1, "", "grep", "world", "one")

    def test_wrong_words_are_told_with_status_2(self):
        self.guest(text=b"hello\r\n")
        for words, message in (
            (["-E", "(a"], 'grep: "(a": missing closing parenthesis at 2'),
            (["-A", "x", "a"], 'grep: -A "x" is no number up to 10000'),
            (["-B10001", "a"], 'grep: -B "10001" is no number up to 10000'),
            (["-x", "a"], "grep: unknown option -x: try help grep"),
            (["a", "nobody"], 'grep: no channel named "nobody"'),
            (["--time", "never", "a"], 'grep: --time "never" is not off, local, utc or relative'),
            (["--since", "soon", "a"],
             'grep: "soon" is no time: 10min, 18:30 or 2026-11-20 18:30'),
        ):
            self.fails(2, message, "grep", *words)

    def test_escape_sequences_are_not_in_the_way(self):
        self.guest(text=b"\x1b[1;32mhel\x1b[0mlo\x1b]0;title\x07 wor\bld\x01\r\n")
        self.assertEqual(self.run_("grep", "-E", "^hello wold", "one"), b"hello wold^A\n")

    def test_a_carriage_return_begins_another_row_of_the_same_line(self):
        self.guest(text=b"first\r\n10%\r20%\rdone\r\nlast\r\n")
        self.assertEqual(self.run_("grep", "-nE", "%|t$", "one"),
                         b"1:first\n2:10%\n2:20%\n3:last\n")
        self.assertEqual(self.run_("grep", "-n", "-B9", "done", "one"),
                         b"1-first\n2-10%\n2-20%\n2:done\n")

    def test_words_and_quotes_and_dashes(self):
        self.guest(text=b"two words\r\n-v is an option\r\n")
        self.assertEqual(self.run_("grep", "o wo", "one"), b"two words\n")
        self.assertEqual(self.run_("grep", "--", "-v", "one"), b"-v is an option\n")
        self.assertEqual(self.run_("grep", "two", "one", "-n"), b"1:two words\n")

    def test_a_line_without_end_is_searched_in_pieces(self):
        self.guest(text=b"x" * 100000 + b"needle" + b"\xe2\x82\xac" * 30000)
        found = self.run_("grep", "needle", "one")
        self.assertEqual(found.count(b"needle"), 1)
        self.assertLessEqual(len(found), 4097)
        self.assertEqual(self.mux.call("grep", "\\x", "one").returncode, 1)

    def test_letters_of_other_alphabets(self):
        self.guest(text="Größe ÄÖÜ\r\n".encode())
        self.assertEqual(self.run_("grep", "-i", "GRÖSSE".replace("SS", "ß"), "one"),
                         "Größe ÄÖÜ\n".encode())
        self.assertEqual(self.run_("grep", "-iw", "äöü", "one"), "Größe ÄÖÜ\n".encode())
        self.assertEqual(self.mux.call("grep", "-w", "öß", "one").returncode, 1)

    def test_a_pattern_that_takes_for_ever_does_not(self):
        self.guest(text=b"a" * 60 + b"b\r\n")
        self.fails(2, "grep: the pattern takes too long for a line of one",
                   "grep", "-E", "^(a+)+$", "one")

    def test_others_are_served_while_a_long_search_goes_on(self):
        self.guest(text=b"aaaaaaaaaaaaaaaaab\r\n" * 12000)
        two = self.guest("two")
        search = subprocess.Popen(self.mux.command("grep", "-cE", "(a+)+c", "one"),
                                  stdout=subprocess.PIPE)
        for i in range(20):
            self.write(two, b"%d\r\n" % i)
            self.assertEqual(self.run_("tail", "-n", "1", "two"), b"%d\r\n" % i)
        self.assertEqual(search.communicate(timeout=TIMEOUT)[0], b"0\n")


class TailTest(HistoryTest):
    def test_exactly_so_many_lines_however_long_they_are(self):
        lines = [b"%d %s\r\n" % (i, b"x" * (i * 37 % 9000)) for i in range(200)]
        self.guest(text=b"".join(lines))
        for count in (1, 2, 9, 30):
            self.assertEqual(self.run_("tail", "-n", str(count), "one"), b"".join(lines[-count:]))
            self.assertEqual(self.run_("tail", "one", str(count)), b"".join(lines[-count:]))
        self.assertEqual(self.run_("tail", "one"), b"".join(lines[-20:]))
        self.write(self.guests[0], b"login: ")
        self.assertEqual(self.run_("tail", "-n2", "one"), lines[-1] + b"login: ")

    def test_more_lines_than_there_are_are_whole_ones(self):
        self.guest(text=b"".join(b"number %d\r\n" % i for i in range(40000)))
        text = self.run_("tail", "-n", "1000000", "one")
        self.assertRegex(text, rb"^number \d+\r\n")
        self.assertTrue(text.endswith(b"number 39999\r\n"))

    def test_a_history_without_any_line_is_printed(self):
        self.guest(text=b"x" * 600000)
        for words in (["cat", "one"], ["tail", "one"]):
            self.assertEqual(self.run_(*words).count(b"x") // 1000, 262)

    def test_wrong_numbers(self):
        self.guest(text=b"x")
        self.fails(2, 'tail: "-1" is no number of lines', "tail", "-n-1", "one")
        self.fails(2, "tail: how many lines is told twice", "tail", "-n1", "one", "2")

    def follow(self, *words):
        process = subprocess.Popen(self.mux.command("tail", "-f", *words),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_follows_until_the_channel_is_dropped(self):
        guest = self.guest(text=b"before\r\nlast\r\n")
        process = self.follow("-n", "1", "one")
        self.assertEqual(process.stdout.readline(), b"last\r\n")
        for i in range(5):
            self.write(guest, b"line %d\r\n" % i)
            self.assertEqual(process.stdout.readline(), b"line %d\r\n" % i)
        text = b"".join(b"many %d\r\n" % i for i in range(20000))
        self.write(guest, text)
        self.assertEqual(process.stdout.read(len(text)), text)
        guest.kill()
        self.run_("drop", "one")
        self.assertEqual(process.wait(TIMEOUT), 1)
        self.assertIn(b"tail: one was dropped", process.stderr.read())

    def test_follows_with_times(self):
        guest = self.guest(text=b"last\r\n")
        process = self.follow("--time", "utc", "one")
        self.assertRegex(process.stdout.readline(), UTC + rb"last\r\n")
        self.write(guest, b"hel")
        self.write(guest, b"lo\r\n")
        self.assertRegex(process.stdout.readline(), UTC + rb"hello\r\n")


class CallersTest(HistoryTest):
    options = ("--bufsize", "8M")

    def test_callers_who_do_not_read_cost_nothing_and_get_everything_later(self):
        text = b"".join(b"number %d\r\n" % i for i in range(300000))
        guest = self.guest()
        for i in range(0, len(text), 1 << 19):
            self.write(guest, text[i:i + (1 << 19)])
        streams = []
        for words in (["cat", "one"], ["tail", "-f", "-n", "999999", "one"],
                      ["grep", "number", "one"]) * 3:
            streams.append(control(self.mux.directory))
            self.addCleanup(streams[-1].close)
            varlink(streams[-1], "org.vmm.mux.Run", {"words": words}, more=True)
        self.mux.wait_for_rest()
        self.assertEqual(self.run_("tail", "-n", "1", "one"), b"number 299999\r\n")
        printed = b""
        received = b""
        while not printed.endswith(text[-100:]):
            data = streams[0].recv(1 << 20)
            self.assertTrue(data)
            received += data
            *replies, received = received.split(b"\0")
            printed += b"".join(json.loads(reply)["parameters"].get("text", "").encode()
                                for reply in replies)
        self.assertEqual(printed, text)
        for stream in streams:
            stream.close()
        self.mux.wait_for_rest()


class TimeTest(HistoryTest):
    def test_lines_have_times_also_those_from_before(self):
        guest = self.guest(text=b"one\r\n\r\ntwo\r\n")
        self.write(guest, b"thr")
        self.write(guest, b"ee\r\n")
        plain = self.run_("cat", "one")
        self.assertEqual(plain, b"one\r\n\r\ntwo\r\nthree\r\n")
        for how, form in (("utc", UTC), ("on", LOCAL), ("relative", rb"\[\+\d{5}\.\d{3}\] ")):
            self.run_("timestamp", "o*", how)
            self.assertEqual(b" timestamps:utc" in self.run_("list", "-l"), how == "utc")
            for words in (["cat", "one"], ["tail", "one"]):
                text = self.run_(*words)
                self.assertEqual(re.sub(form, b"", text), plain)
                self.assertEqual(len(re.findall(rb"(?m)^" + form, text)), 4)
            self.assertRegex(self.run_("grep", "-n", "two", "one"), rb"^3:" + form + rb"two\n$")
        self.assertEqual(self.run_("cat", "--time", "off", "one"), plain)
        self.run_("timestamp", "one", "off")
        self.assertEqual(self.run_("cat", "one"), plain)
        self.assertRegex(self.run_("cat", "-t", "one"), rb"^" + LOCAL)

    def test_times_outlive_muxd(self):
        self.guest(text=b"hello\r\n")
        self.run_("timestamp", "one", "utc")
        before = self.run_("cat", "one")
        self.assertRegex(before, UTC)
        self.mux.kill()
        self.mux.start()
        self.assertEqual(self.run_("cat", "one"), before)

    def test_the_stream_has_the_times_that_cat_prints(self):
        guest = self.guest()
        for i in range(50):
            self.write(guest, b"%d\r\n" % i)
        viewer = self.mux.attach()
        viewer.follow("one", times=True)
        viewer.until(lambda: viewer.output("one").endswith(b"49\r\n"))
        times = re.findall(rb"\.(\d{3})Z", self.run_("cat", "--time", "utc", "one"))
        at = 0
        for i, time in enumerate(times):
            self.assertEqual(b"%03d" % (viewer.time_of("one", at) % 1000), time)
            at += len(b"%d\r\n" % i)

    def test_lines_since_and_until_a_time(self):
        guest = self.guest(text=b"old\r\n")
        viewer = self.mux.attach()
        viewer.follow("one", times=True)
        viewer.until(lambda: viewer.output("one") == b"old\r\n")
        self.assertEqual(self.run_("cat", "--since", "1h", "one"), b"old\r\n")
        self.assertEqual(self.run_("cat", "--until", "1h", "one"), b"")
        self.assertEqual(self.run_("cat", "--since", "2020-01-01 00:00", "one"), b"old\r\n")
        self.assertEqual(self.run_("cat", "--until", "2020-01-01", "one"), b"")
        self.assertEqual(self.run_("tail", "--since", "1h", "one"), b"old\r\n")
        self.assertEqual(self.run_("tail", "--since", "10m", "one"), b"old\r\n")
        self.fails(1, "", "grep", "--until", "1h", "old", "one")
        self.assertEqual(self.run_("grep", "--since", "1h", "old", "one"), b"old\n")
        self.write(guest, b"new\r\n")

    def test_wrong_words(self):
        self.guest()
        self.fails(1, 'timestamp: no channel named "nobody"', "timestamp", "nobody", "on")
        self.fails(1, 'timestamp: no channel named "maybe"', "timestamp", "one", "maybe")


class GuestsTimestampsTest(HistoryTest):
    def test_a_guest_may_ask_for_times_when_it_is_new(self):
        Guest(self.mux.directory, "two", flags=8).flush()
        self.assertEqual(self.mux.channels()["two"]["timestamps"], "local")
        self.run_("timestamp", "two", "off")
        known = Guest(self.mux.directory, "three", flags=0)
        known.flush()
        known.kill()
        again = Guest(self.mux.directory, "three", flags=8)
        again.flush()
        self.assertEqual([channel["timestamps"] for channel in self.mux.channels().values()],
                         ["off", "off"])


class TimestampOptionTest(HistoryTest):
    options = ("--timestamp",)

    def test_new_channels_show_times(self):
        self.guest(text=b"hello\r\n")
        self.assertRegex(self.run_("cat", "one"), rb"^" + LOCAL + rb"hello\r\n$")
        self.assertEqual(self.mux.channels()["one"]["timestamps"], "local")


if __name__ == "__main__":
    unittest.main(verbosity=2)
