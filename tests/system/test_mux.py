#!/usr/bin/env python3
"""muxd with guests that are no machines: consoles, viewers, commands, sockets, limits."""

import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import (  # noqa: E402
    CRASHED, HIDE, KEEP, OUTPUT, POWERED_OFF, REFUSED, TIMEOUT, Guest, connect, hello, message,
    read_message,
)
from limited import LimitedTest  # noqa: E402
from mux import FROM_END, Mux, control, muxd_program, varlink  # noqa: E402


def pattern(length, seed=1):
    """Bytes of every value that no piece of can stand elsewhere."""
    data = bytearray()
    while len(data) < length:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        data += seed.to_bytes(8, "little")
    return bytes(data[:length])


class MuxTest(LimitedTest):
    options = ()

    def setUp(self):
        self.mux = self.enterContext(Mux(*self.options))

    def guest(self, name="one", **options):
        return Guest(self.mux.directory, name, **options)

    def viewer(self, *names, types=False, **options):
        viewer = self.mux.attach(**options)
        for name in names:
            viewer.follow(name, types=types)
        return viewer


class ConsoleTest(MuxTest):
    def test_a_viewer_gets_every_byte_as_it_was_written(self):
        guest, viewer = self.guest(), self.viewer("one")
        data = pattern(100000)
        guest.write(data)
        viewer.until(lambda: len(viewer.output("one")) == len(data), [guest])
        self.assertEqual(viewer.output("one"), data)

    def test_input_reaches_the_guest_it_is_for_as_it_was_typed(self):
        one, two = self.guest(), self.guest("two")
        viewer = self.viewer("one", "two", types=True)
        one.flush()
        two.flush()
        viewer.until(lambda: viewer.credit.get("one") and viewer.credit.get("two"))
        viewer.type("one", b"\0\x05\xff\r\n")
        one.until(lambda: len(one.input) == 5)
        self.assertEqual(one.input, b"\0\x05\xff\r\n")
        two.flush()
        self.assertEqual(two.input, b"")

    def test_a_paste_of_a_mebibyte_arrives_whole(self):
        guest, viewer = self.guest(), self.viewer("one", types=True)
        paste, sent = pattern(1 << 20), 0

        def paste_on():
            nonlocal sent
            sent += viewer.type("one", paste[sent : sent + 65536])
            return len(guest.input) == len(paste)

        viewer.until(paste_on, [guest])
        self.assertEqual(guest.input, paste)
        self.assertEqual(self.mux.channels()["one"]["input"]["bytes"], len(paste))

    def test_a_paste_waits_for_a_guest_that_does_not_read(self):
        guest, viewer = self.guest(), self.viewer("one", types=True)
        guest.takes_input = False
        paste, sent = pattern(1 << 19), 0
        viewer.until(lambda: viewer.credit.get("one"), [guest])
        while (count := viewer.type("one", paste[sent : sent + 65536])) or sent < 65536:
            sent += count
            guest.turn()
            viewer.turn(0.01)
        self.assertLess(sent, 200000)
        self.mux.run("list")
        guest.takes_input = True
        guest.input_taken = len(guest.input)

        def paste_on():
            nonlocal sent
            sent += viewer.type("one", paste[sent : sent + 65536])
            return len(guest.input) == len(paste)

        viewer.until(paste_on, [guest])
        self.assertEqual(guest.input, paste)

    def test_what_a_leaving_viewer_typed_still_arrives(self):
        guest, viewer = self.guest(), self.viewer("one", types=True)
        guest.takes_input = False
        viewer.until(lambda: viewer.credit.get("one"), [guest])
        data = pattern(16384)
        self.assertEqual(viewer.type("one", data), len(data))
        viewer.close()
        guest.until(lambda: len(guest.input) == len(data))
        self.assertEqual(guest.input, data)

    def test_a_reading_viewer_cannot_type(self):
        guest, viewer = self.guest(), self.viewer("one", types=True, read_only=True)
        guest.write(b"hello")
        viewer.until(lambda: viewer.output("one") == b"hello", [guest])
        self.assertFalse(viewer.credit.get("one"))
        viewer.credit["one"] = 5
        viewer.type("one", b"hello")
        viewer.until(lambda: viewer.ended)
        guest.write(b"more")
        guest.flush()
        self.assertEqual(guest.input, b"")

    def test_size_and_break_reach_the_guest(self):
        guest, viewer = self.guest(), self.viewer("one", types=True)
        viewer.until(lambda: viewer.credit.get("one"), [guest])
        viewer.resize("one", 132, 43)
        viewer.send_break("one")
        guest.until(lambda: guest.size and guest.breaks)
        self.assertEqual(guest.size, (132, 43))
        again = self.guest()
        guest.kill()
        again.until(lambda: again.size == (132, 43))

    def test_a_viewer_that_does_not_read_stops_nobody(self):
        guest, reader, stuck = self.guest(ring=65536), self.viewer("one"), self.viewer("one")
        guest.flush()
        stuck.until(lambda: "one" in stuck.names.values())
        total = 4 << 20

        def print_on():
            if guest.end < total and guest.end - guest.acked < 65536:
                guest.write(pattern(16384, guest.end + 1))
            return guest.acked == total

        guest.until(print_on, [reader])
        self.assertEqual(guest.lost, 0)
        reader.until(lambda: len(reader.output("one")) == total)
        stuck.until(lambda: stuck.position["one"] == total)
        self.assertGreater(stuck.lost["one"], 0)
        self.assertEqual(stuck.lost["one"] + len(stuck.output("one")), total)

    def test_a_late_viewer_sees_the_history(self):
        guest = self.guest()
        guest.write(b"long ago\r\n")
        guest.flush()
        viewer = self.viewer("one")
        viewer.until(lambda: viewer.output("one") == b"long ago\r\n", [guest])
        late = self.mux.attach()
        late.follow("one", FROM_END)
        late.until(lambda: late.ready)
        guest.write(b"now\r\n")
        viewer.until(lambda: viewer.output("one").endswith(b"now\r\n"), [guest, late])
        late.until(lambda: late.output("one") == b"now\r\n")

    def test_a_late_viewer_gets_a_long_history_of_a_silent_guest(self):
        guest, text = self.guest(), b"all of it\r\n" * 20000
        guest.write(text)
        guest.flush()
        late = self.mux.attach()
        late.follow("one")
        late.until(lambda: late.position.get("one") == len(text))
        self.assertEqual(late.output("one"), text)

    def test_viewers_are_told_of_changes(self):
        guest, viewer = self.guest(key=b"1", color=b"r"), self.viewer()
        viewer.until(lambda: viewer.channel.get("one", {}).get("state") == "running", [guest])
        self.assertEqual(viewer.channel["one"]["key"], "1")
        self.assertEqual(viewer.channel["one"]["color"], "r")
        self.mux.run("hide", "one")
        viewer.until(lambda: not viewer.channel["one"]["shown"])
        guest.set_state(CRASHED, "out of\nluck")
        viewer.until(lambda: viewer.channel["one"]["state"] == "crashed", [guest])
        self.assertEqual(viewer.channel["one"]["reason"], "out of?luck")


class OrderTest(MuxTest):
    """What comes in which order to a viewer that has not read for a while."""

    def setUp(self):
        super().setUp()
        self.guests = [self.guest("one"), self.guest("two")]
        self.connected = self.viewer("one", types=True)
        self.connected.follow("two")
        for guest in self.guests:
            guest.flush()
        self.connected.until(lambda: self.connected.ready and self.connected.credit.get("one"))

    def read_until(self, name, text, of):
        """How much had come of another guest when this one's text came."""
        viewer, before = self.connected, []
        handle = viewer._handle

        def handle_and_look(kind, body):
            handle(kind, body)
            if not before and text in viewer.output(name):
                before.append(len(viewer.output(of)))

        viewer._handle = handle_and_look
        viewer.until(lambda: before)
        return before[0]

    def test_an_echo_does_not_wait_for_much_that_others_have_printed(self):
        one, two = self.guests
        two.write(b"x" * 200000)
        two.flush()
        one.write(b"echo")
        one.flush()
        self.assertLess(self.read_until("one", b"echo", of="two"), 65536)

    def test_others_are_seen_though_the_connected_guest_prints_much(self):
        one, two = self.guests
        one.write(b"x" * 200000)
        one.flush()
        two.write(b"hello")
        two.flush()
        self.assertLess(self.read_until("two", b"hello", of="one"), 200000)


class NamesTest(MuxTest):
    def refusal(self, *arguments, **options):
        stream = connect(self.mux.directory)
        stream.sendall(hello(*arguments, **options))
        kind, body = read_message(stream)
        self.assertEqual(kind, REFUSED)
        self.assertIsNone(read_message(stream))
        stream.close()
        return body.decode()

    def test_names_that_cannot_be_are_refused(self):
        for name in (b"", b"a\nb", b"a\x1b[2J", b"a b", b"\xff\xfe", b"a\0b", b"-x", b"console",
                     b"x" * 64, b"x" * 250, "a\x85b".encode()):
            self.assertIn("name", self.refusal(name), name)
        self.assertEqual(self.mux.channels(), {})

    def test_another_version_is_refused_with_both_numbers(self):
        self.assertRegex(self.refusal("one", version=7), "version 7 .* version 2")

    def test_a_second_guest_of_a_name_is_refused_while_the_first_lives(self):
        guest = self.guest()
        guest.flush()
        self.assertIn("one is running already", self.refusal("one"))
        guest.write(b"still here")
        guest.flush()
        self.assertEqual(self.mux.run("cat", "one"), b"still here")

    def test_a_guest_that_comes_back_gets_its_channel_back(self):
        first = self.guest()
        for i in range(50):
            first.write(b"%d\r\n" % i)
            first.flush()
            first.write(b"last words\r\n")
            while not first.unsent and first.next < first.end:
                first.turn()
            first.turn()
            first.kill()
            first = self.guest()
            first.flush()
        self.assertEqual(first.refusals, [])
        self.assertEqual(list(self.mux.channels()), ["one"])
        self.assertEqual(self.mux.run("cat", "one").count(b"--- one: started again ---"), 50)
        self.assertEqual(self.mux.run("cat", "one").count(b"last words"), 50)

    def test_the_same_guest_may_connect_anew_while_its_old_connection_hangs(self):
        guest = self.guest()
        guest.flush()
        old = guest.stream
        guest.stream = None
        guest.write(b"more")
        guest.flush()
        self.assertEqual(guest.refusals, [])
        self.assertEqual(self.mux.run("cat", "one"), b"more")
        old.close()

    def test_names_of_any_letters_have_histories(self):
        names = ["a%2Fb", "größe", "*", "[x]", "%", "a" * 63]
        for name in names:
            guest = self.guest(name)
            guest.write(name.encode())
            guest.flush()
            guest.kill()
        self.mux.kill()
        self.mux.start()
        self.assertEqual(sorted(self.mux.channels()), sorted(names))
        for name in names:
            self.assertEqual(self.mux.run("cat", name), name.encode())

    def test_a_key_belongs_to_one_living_guest(self):
        one, two = self.guest(key=b"1"), self.guest("two", key=b"1")
        one.flush()
        two.flush()
        self.assertEqual([c["key"] for c in self.mux.channels().values()], ["1", ""])
        one.kill()
        two.kill()
        two = self.guest("two", key=b"1")
        two.flush()
        self.assertEqual([c["key"] for c in self.mux.channels().values()], ["", "1"])

    def test_guests_without_a_color_get_different_ones(self):
        guests = [self.guest(name) for name in ("one", "two", "three")]
        for guest in guests:
            guest.flush()
        colors = {c["color"] for c in self.mux.channels().values()}
        self.assertEqual(len(colors), 3)


class CommandTest(MuxTest):
    def setUp(self):
        super().setUp()
        self.one = self.guest(key=b"1")
        self.two = self.guest("two", flags=HIDE)
        self.one.write(b"".join(b"line %d\r\n" % i for i in range(30)) + b"login: ")
        self.one.flush()
        self.two.flush()

    def test_list_has_the_columns_of_cons_and_the_state(self):
        self.assertEqual(self.mux.run("list").decode().splitlines(), [
            "           one (1) [    cons] out:   30/   267 in:    0/    0 running",
            "           two     [        ] out:    0/     0 in:    0/    0 running",
        ])

    def test_list_takes_patterns_and_lists_each_channel_once(self):
        for words, names in ((["t*"], ["two"]), (["?ne", "o*"], ["one"]), (["*"], ["one", "two"])):
            listed = [line.split()[0] for line in self.mux.run("ls", *words).decode().splitlines()]
            self.assertEqual(listed, names)
        self.assertEqual(self.mux.call("list", "three").returncode, 1)

    def test_show_and_hide_one_and_all(self):
        def shown():
            return [c["name"] for c in self.mux.channels().values() if c["shown"]]

        self.assertEqual(shown(), ["one"])
        self.mux.run("show", "two")
        self.assertEqual(shown(), ["one", "two"])
        self.mux.run("hideall")
        self.assertEqual(shown(), [])
        self.mux.run("showall")
        self.assertEqual(shown(), ["one", "two"])
        self.mux.run("hide", "one", "t*")
        self.assertEqual(shown(), [])

    def test_tail_prints_exactly_so_many_lines(self):
        self.assertEqual(self.mux.run("tail", "one", "1"), b"login: ")
        self.assertEqual(self.mux.run("tail", "one", "2"), b"line 29\r\nlogin: ")
        self.assertEqual(self.mux.run("tail", "one", "0"), b"")
        self.assertEqual(self.mux.run("tail", "one").count(b"\n"), 19)
        self.one.write(b"root\r\n")
        self.one.flush()
        self.assertEqual(self.mux.run("tail", "one", "2"), b"line 29\r\nlogin: root\r\n")
        self.assertEqual(self.mux.run("tail", "one").count(b"\n"), 20)
        self.assertEqual(self.mux.run("tail", "one", "99999").count(b"\n"), 31)

    def test_cat_prints_any_byte(self):
        data = pattern(60000) + "größe €".encode() * 3000
        self.two.write(data)
        self.two.flush()
        self.assertEqual(self.mux.run("cat", "two"), data)

    def test_cat_begins_with_a_whole_line_and_tells_what_is_gone(self):
        self.two.ring_size = 1 << 20
        lines = b"".join(b"number %d\r\n" % i for i in range(40000))
        self.two.write(lines)
        self.two.flush()
        first, rest = self.mux.run("cat", "two").split(b"\r\n", 1)
        gone = int(first.split()[2])
        self.assertEqual(first, b"--- two: %d older bytes are gone ---" % gone)
        self.assertEqual(rest, lines[gone:])
        self.assertTrue(rest.startswith(b"number "))
        self.assertGreater(len(rest), 250000)

    def test_wrong_words_are_told_in_one_line_with_status_2(self):
        for words, line in (
            (["lst"], "unknown command lst: did you mean list?"),
            (["frobnicate"], "unknown command frobnicate: try help"),
            (["tail"], "too few words: tail [-f] [-n LINES] "
             "[-t] [--time HOW] [--since TIME] CHANNEL [LINES]"),
            (["tail", "one", "2", "3"], "too many words: tail [-f] [-n LINES] "
             "[-t] [--time HOW] [--since TIME] CHANNEL [LINES]"),
            (["tail", "one", "x3"], 'tail: "x3" is no number of lines'),
            (["list", "-x"], "list: unknown option -x: try help list"),
            (["quit"], "quit is for the prompt: try muxd attach console"),
        ):
            done = self.mux.call(*words)
            self.assertEqual(done.stderr.decode(), f"muxd: {line}\n")
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stdout, b"")

    def test_a_channel_that_is_not_there_is_told_with_status_1(self):
        for words in (["cat", "three"], ["tail", "three"], ["show", "three"], ["hide", "x*"]):
            done = self.mux.call(*words)
            self.assertEqual(done.stderr.decode(),
                             f'muxd: {words[0]}: no channel named "{words[1]}"\n')
            self.assertEqual(done.returncode, 1)

    def test_without_muxd_a_command_fails_in_one_line(self):
        self.mux.stop()
        done = self.mux.call("list")
        self.assertEqual((done.returncode, done.stderr), (1, b"muxd: muxd is not there\n"))

    def test_help_tells_commands_and_keys(self):
        text = self.mux.run("help").decode()
        for words in ("list - ", "quit - ", "Ctrl-E . - ", "Ctrl-E 1 - connect to one"):
            self.assertIn(words, text)
        self.assertIn("CHANNEL [LINES]", self.mux.run("help", "tail").decode())
        self.assertEqual(self.mux.call("help", "xyz").returncode, 1)

    def test_a_caller_that_reads_slowly_gets_a_long_history_whole(self):
        self.mux.stop()
        self.mux.options = ("--bufsize", "16M")
        self.mux.start()
        guest = self.guest("big", ring=16 << 20)
        data = pattern(8 << 20)
        guest.write(data)
        guest.flush()
        cat = subprocess.Popen(self.mux.command("cat", "big"), stdout=subprocess.PIPE)
        first = cat.stdout.read(1000)
        self.mux.run("list")
        self.assertEqual(first + cat.stdout.read(), data)
        self.assertEqual(cat.wait(TIMEOUT), 0)
        cat.stdout.close()

    def test_the_interface_describes_itself(self):
        stream = control(self.mux.directory)
        varlink(stream, "org.varlink.service.GetInterfaceDescription",
                {"interface": "org.vmm.mux"})
        text = stream.recv(65536).decode()
        varlink(stream, "org.vmm.mux.List", {})
        channel = json.loads(stream.recv(65536).rstrip(b"\0"))["parameters"]["channels"][0]
        stream.close()
        described = json.loads(text.rstrip("\0"))["parameters"]["description"]
        channel_type = described.split("type Channel (")[1].split(")")[0]
        described = re.findall(r"(\w+): (\??)", channel_type)
        self.assertEqual(sorted(name for name, optional in described if not optional),
                         sorted(set(channel) - {name for name, optional in described if optional}))
        for word in ("method List", "method Run", "method Attach", "error CommandFailed"):
            self.assertIn(word, text)


class LifeTest(MuxTest):
    def test_the_longest_dead_are_dropped_beyond_a_limit_but_not_those_to_keep(self):
        for i in range(70):
            guest = self.guest(f"guest{i}", flags=KEEP if i == 3 else 0)
            guest.set_state(POWERED_OFF)
            guest.flush()
            guest.kill()
            guest.until(lambda name=guest.name: not self.mux.channels()[name]["connected"])
        left = self.mux.channels()
        self.assertEqual(len(left), 65)
        self.assertIn("guest3", left)
        self.assertIn("guest69", left)
        self.assertTrue(all(channel["dead"] for channel in left.values()))

    def test_muxd_that_ends_keeps_the_histories_of_however_many_guests(self):
        guests = [self.guest(f"guest{i}") for i in range(70)]
        for guest in guests:
            guest.write(b"before\r\n")
            guest.flush()
        self.assertEqual(self.mux.stop(), 0)
        self.mux.start()
        self.assertEqual(len(self.mux.channels()), 70)
        for guest in guests:
            guest.write(b"after\r\n")
            guest.flush()
            self.assertEqual(self.mux.run("cat", guest.name), b"before\r\nafter\r\n")

    def test_a_dead_guest_stays_listed_with_its_history(self):
        guest = self.guest()
        guest.write(b"bye\r\n")
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.kill()
        guest.until(lambda: not self.mux.channels()["one"]["connected"])
        self.assertIn("powered-off [X]", self.mux.run("list").decode())
        self.assertEqual(self.mux.run("cat", "one"), b"bye\r\n--- one: powered off ---\r\n")

    def test_what_was_typed_at_a_dead_guest_does_not_reach_the_next_one(self):
        guest, viewer = self.guest(), self.viewer("one", types=True)
        viewer.until(lambda: viewer.credit.get("one"), [guest])
        guest.set_state(POWERED_OFF)
        guest.flush()
        viewer.type("one", b"rm -rf /\r")
        viewer.until(lambda: self.mux.channels()["one"]["input"]["bytes"] == 9)
        guest.kill()
        again = self.guest()
        again.flush()
        viewer.until(lambda: viewer.notices, [again])
        self.assertEqual(viewer.notices,
                         ["one: 9 bytes typed at the former guest were thrown away"])
        viewer.type("one", b"ls\r")
        again.until(lambda: again.input)
        self.assertEqual(again.input, b"ls\r")

    def test_the_last_words_of_a_guest_that_reads_nothing_arrive(self):
        for i in range(30):
            stream = connect(self.mux.directory)
            stream.setblocking(False)
            stream.send(hello(f"guest{i}"))
            said = 0
            while said < 60000:
                data = message(OUTPUT, struct.pack("=Q", said) + b"x" * 1000)
                self.assertEqual(stream.send(data), len(data))
                said += 1000
            stream.close()
            while not (channel := self.mux.channels().get(f"guest{i}")) or channel["connected"]:
                pass
            self.assertEqual(channel["end"], said)

    def test_many_guests_at_once(self):
        guests = [self.guest(f"guest{i}") for i in range(512)]
        for guest in guests:
            guest.write(b"hello from %s\r\n" % guest.name.encode())
            guest.turn()
        for guest in guests:
            guest.flush()
        viewer = self.viewer(*(guest.name for guest in guests))
        viewer.until(lambda: all(viewer.output(g.name) for g in guests))
        for guest in guests:
            self.assertEqual(viewer.output(guest.name),
                             b"hello from %s\r\n" % guest.name.encode())


class FilesTest(MuxTest):
    def history(self, name="one"):
        return os.path.join(self.mux.directory, "channels", name)

    def damage(self, name, change):
        guest = self.guest(name)
        guest.write(b"hello\r\n")
        guest.flush()
        self.mux.kill()
        guest.kill()
        change(self.history(name))
        self.mux.start()
        again = self.guest(name)
        again.write(b"again\r\n")
        again.flush()
        again.kill()
        return self.mux.run("cat", name)

    def test_a_damaged_history_is_begun_anew_with_a_log_line(self):
        def truncate(path):
            os.truncate(path, 100)

        def cut(path):
            os.truncate(path, os.path.getsize(path) - 4096)

        def empty(path):
            os.truncate(path, 0)

        def grow(path):
            os.truncate(path, 1 << 40)

        def overwrite(offset, length=8):
            def change(path):
                with open(path, "r+b") as file:
                    file.seek(offset)
                    file.write(b"\xff" * length)
            return change

        def of_another(path):
            os.rename(path.replace(os.path.basename(path), "other"), path)

        other = self.guest("other")
        other.flush()
        other.kill()
        changes = [truncate, cut, empty, grow, of_another]
        changes += [overwrite(offset) for offset in (0, 8, 12, 16, 24, 88)]
        changes += [overwrite(96, 4000)]
        for i, change in enumerate(changes):
            with self.subTest(change=change):
                self.assertEqual(self.damage(f"guest{i}", change), b"again\r\n")
                self.assertIn(f"guest{i}: makes no sense as a history", self.mux.log_text())

    def test_a_guest_is_refused_whose_history_cannot_be(self):
        self.mux.stop()
        os.mkdir(self.history())
        self.mux.start()
        guest = self.guest()
        guest.until(lambda: guest.refusals)
        self.assertEqual(guest.refusals[0], "no channel for one: Is a directory")
        two = self.guest("two")
        two.flush()

    def test_size_of_the_history_is_an_option(self):
        self.mux.stop()
        self.mux.options = ("-B", "512")
        self.mux.start()
        guest = self.guest()
        guest.write(b"x" * 100000)
        guest.flush()
        channel = self.mux.channels()["one"]
        self.assertGreaterEqual(channel["end"] - channel["begin"], 512)
        self.assertLess(channel["end"] - channel["begin"], 8192)
        for size in ("511", "1T", "-1", "x", ""):
            done = self.mux.call("-B", size)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.count(b"\n"), 1)


class SocketTest(MuxTest):
    def test_modes_let_nobody_else_in(self):
        for name in ("device.sock", "control.sock"):
            status = os.stat(os.path.join(self.mux.directory, name))
            self.assertIn(status.st_mode & 0o777, (0o600, 0o660))
        self.assertEqual(os.stat(os.path.join(self.mux.directory, "channels")).st_mode & 0o777,
                         0o700)

    def test_sigterm_removes_the_sockets_and_keeps_the_histories(self):
        guest = self.guest()
        guest.write(b"hello")
        guest.flush()
        self.assertEqual(self.mux.stop(), 0)
        left = os.listdir(self.mux.directory)
        self.assertNotIn("device.sock", left)
        self.assertNotIn("control.sock", left)
        self.mux.start()
        self.assertEqual(self.mux.run("cat", "one"), b"hello")

    def test_without_a_terminal_sighup_ends_nothing(self):
        self.mux.process.send_signal(signal.SIGHUP)
        guest = self.guest()
        guest.write(b"hello")
        guest.flush()
        self.assertEqual(self.mux.run("cat", "one"), b"hello")

    def test_sockets_of_a_killed_muxd_are_replaced(self):
        self.mux.kill()
        self.assertIn("device.sock", os.listdir(self.mux.directory))
        self.mux.start()
        self.assertEqual(self.mux.run("list"), b"")

    def test_a_second_muxd_says_that_the_socket_is_in_use(self):
        done = self.mux.call()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.decode(),
                         f"{self.mux.directory}/device.sock: socket in use: "
                         "another muxd is running\n")
        self.assertEqual(self.mux.run("list"), b"")

    def test_channels_that_cannot_be_had_are_told_in_one_line(self):
        self.mux.stop()
        channels = os.path.join(self.mux.directory, "channels")
        os.rmdir(channels)
        with open(channels, "w", encoding="ascii"):
            pass
        done = self.mux.call()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.decode(), f"{channels}: Not a directory\n")
        self.assertNotIn("device.sock", os.listdir(self.mux.directory))

    def test_channels_have_one_muxd(self):
        other = os.path.join(self.mux.directory, "other")
        os.mkdir(other)
        os.symlink(os.path.join(self.mux.directory, "channels"), os.path.join(other, "channels"))
        done = Mux(directory=other, start=False).call()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.decode(), f"{other}/channels: another muxd has it\n")

    def test_sockets_may_be_passed_by_name(self):
        self.mux.stop()
        listeners = {}
        for name in ("control", "device"):
            listeners[name] = socket.socket(socket.AF_UNIX)
            listeners[name].bind(os.path.join(self.mux.directory, name + ".sock"))
            listeners[name].listen()

        def pass_sockets():
            first, second = os.dup(listeners["control"].fileno()), os.dup(
                listeners["device"].fileno())
            os.dup2(first, 3)
            os.dup2(second, 4)
            os.environ["LISTEN_PID"] = str(os.getpid())

        command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *self.mux.command()]
        self.mux.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(3, 4),
            preexec_fn=pass_sockets,
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "control:device"})
        guest = self.guest()
        guest.write(b"hello")
        guest.flush()
        self.assertEqual(self.mux.run("cat", "one"), b"hello")
        self.assertEqual(self.mux.stop(), 0)
        self.assertIn("device.sock", os.listdir(self.mux.directory))
        for listener in listeners.values():
            listener.close()

    def test_options_may_follow_attach(self):
        for words in (["attach", "--version"], ["attach", "one", "--version"]):
            done = self.mux.call(*words)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(b"muxd "), done)
        guest = self.guest()
        guest.write(b"hello\r\n")
        guest.flush()
        viewer = subprocess.Popen(
            [self.mux.program, "attach", "one", "-R", "-r", self.mux.directory],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(viewer.wait, TIMEOUT)
        self.addCleanup(viewer.terminate)
        with viewer.stdout as output:
            self.assertTrue(any(b"hello" in line for line in output))

    def test_wrong_options_are_told_in_one_line(self):
        for words in (["--frobnicate"], ["--name", ""], ["--log-level", "loud"], ["-B"]):
            done = subprocess.run([muxd_program(), *words], capture_output=True, check=False,
                                  stdin=subprocess.DEVNULL, timeout=TIMEOUT)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)

    def test_running_out_of_descriptors_keeps_those_who_are_there(self):
        guest, viewer = self.guest(), self.viewer("one")
        guest.flush()
        viewer.until(lambda: viewer.ready)
        resource.prlimit(self.mux.process.pid, resource.RLIMIT_NOFILE, (30, 30))
        crowd = [connect(self.mux.directory) for _ in range(40)]
        guest.write(b"still here\r\n")
        viewer.until(lambda: viewer.output("one") == b"still here\r\n", [guest])
        for stream in crowd:
            stream.close()
        two = self.guest("two")
        two.flush()
        self.assertEqual(list(self.mux.channels()), ["one", "two"])
        self.assertLess(self.mux.log_text().count("\n"), 200)


class RestTest(MuxTest):
    def test_idle_guests_and_viewers_wake_muxd_never(self):
        guests = [self.guest(f"guest{i}") for i in range(10)]
        viewer = self.viewer(*(guest.name for guest in guests))
        for guest in guests:
            guest.flush()
        viewer.until(lambda: viewer.ready)
        self.mux.wait_for_rest()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(verbosity=2)
