#!/usr/bin/env python3
"""Peers that do not keep to muxd's protocols: they are closed, and nobody else notices."""

import os
import random
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import (  # noqa: E402
    CHANGE_BODY, CREDIT, HEADER, HELLO, INPUT, OUTPUT, POWERED_OFF, STATE, WELCOME, Guest, connect,
    hello, message, read_message,
)
from limited import LimitedTest  # noqa: E402
from mux import FOLLOW, INPUT as TYPE, SIZE, UNFOLLOW, Mux, control, varlink  # noqa: E402

# Connects to a socket again and again; says so once it is at it.
CALLER = '''
import socket, sys
for count in range(sys.maxsize):
    stream = socket.socket(socket.AF_UNIX)
    stream.setblocking(False)
    try:
        stream.connect(sys.argv[1])
    except BlockingIOError:
        pass
    stream.close()
    if count == 1000:
        print(flush=True)
'''


class HostileTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.guest = Guest(self.mux.directory, "good")
        self.viewer = self.mux.attach()
        self.viewer.follow("good", types=True)
        self.all_is_well()
        self.descriptors = self.count_descriptors()

    def tearDown(self):
        self.all_is_well()
        self.viewer.until(lambda: self.count_descriptors() == self.descriptors, [self.guest])
        self.assertEqual(self.guest.connections, 1)
        self.assertFalse(self.viewer.ended)
        self.assertEqual(self.guest.lost, 0)
        self.assertLess(self.mux.log_text().count("\n"), 500)
        self.assertEqual(self.mux.stop(), 0)

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.mux.process.pid}/fd"))

    def all_is_well(self):
        """A line goes through, and a key press."""
        self.guest.write(b"tick\r\n")
        typed = len(self.guest.input)
        self.viewer.until(
            lambda: self.viewer.position["good"] == self.guest.end and
            self.viewer.type("good", b"k"), [self.guest])
        self.guest.until(lambda: len(self.guest.input) > typed, [self.viewer])

    def welcomed(self, name="bad", **options):
        stream = connect(self.mux.directory)
        stream.sendall(hello(name, **options))
        kind, _ = read_message(stream)
        self.assertEqual(kind, WELCOME)
        return stream

    def assert_closed(self, stream):
        while read_message(stream) is not None:
            pass
        stream.close()

    def test_messages_outside_the_protocol_of_a_guest(self):
        state = CHANGE_BODY.pack(1, 1)
        bad = [
            message(0), message(99), message(WELCOME, b"x" * 32), message(INPUT, b"x"),
            message(OUTPUT), message(OUTPUT, b"x" * 7), message(OUTPUT, b"x" * 70000),
            message(OUTPUT, struct.pack("=Q", 2**64 - 1) + b"x"),
            message(OUTPUT, struct.pack("=Q", 2**63) + b"x"),
            message(CREDIT), message(CREDIT, b"x" * 9),
            message(CREDIT, struct.pack("=Q", 2**64 - 1)),
            message(STATE), message(STATE, state + b"x" * 257),
            message(STATE, CHANGE_BODY.pack(0, 1)), message(STATE, CHANGE_BODY.pack(1, 6)),
            message(STATE, CHANGE_BODY.pack(2**64 - 1, 1)), message(STATE, state) * 2,
            HEADER.pack(OUTPUT, 1, 8) + b"x" * 8, HEADER.pack(OUTPUT, 0, 2**32 - 1),
            HEADER.pack(OUTPUT, 0, 2**31), hello("bad"), b"\xff" * 100, bytes(100),
        ]
        for data in bad:
            with self.subTest(data=data[:40]):
                stream = self.welcomed()
                stream.sendall(data)
                self.assert_closed(stream)

    def test_output_that_goes_back_closes_the_connection(self):
        stream = self.welcomed()
        stream.sendall(message(OUTPUT, struct.pack("=Q", 0) + b"12345678") * 2)
        self.assert_closed(stream)
        self.assertEqual(self.mux.run("cat", "bad"), b"12345678")

    def test_credit_that_shrinks_closes_the_connection(self):
        stream = self.welcomed()
        stream.sendall(message(CREDIT, struct.pack("=Q", 100)))
        stream.sendall(message(CREDIT, struct.pack("=Q", 99)))
        self.assert_closed(stream)

    def test_first_messages_that_make_no_sense(self):
        bad = [
            message(OUTPUT, b"x" * 20), message(CREDIT, b"x" * 8), message(HELLO),
            message(HELLO, struct.pack("=I", 1)), message(HELLO, b"x" * 1000),
            hello("bad", begin=5, end=4), hello("bad", begin=2**63, end=2**64 - 1),
            hello("bad", state=6), hello("bad", state=255), b"GET / HTTP/1.1\r\n\r\n",
        ]
        for data in bad:
            with self.subTest(data=data[:60]):
                stream = connect(self.mux.directory)
                stream.sendall(data)
                self.assert_closed(stream)
        self.assertEqual(list(self.mux.channels()), ["good"])

    def test_a_guest_that_forgets_what_it_said_is_closed(self):
        boot_id = os.urandom(16)
        stream = self.welcomed(boot_id=boot_id)
        stream.sendall(message(OUTPUT, struct.pack("=Q", 0) + b"12345678"))
        read_message(stream)
        stream.close()
        stream = connect(self.mux.directory)
        stream.sendall(hello("bad", boot_id=boot_id, end=4))
        self.assert_closed(stream)

    def test_a_guest_that_ends_and_returns_where_too_many_are_dead(self):
        boot_id = os.urandom(16)
        first = self.welcomed("a", boot_id=boot_id)
        first.sendall(message(STATE, CHANGE_BODY.pack(1, POWERED_OFF)))
        read_message(first)
        for i in range(64):
            self.welcomed(f"dead-{i}").close()
        self.viewer.until(
            lambda: sum(channel["dead"] for channel in self.mux.channels().values()) == 64)
        second = self.welcomed("a", boot_id=boot_id)
        second.sendall(message(OUTPUT, struct.pack("=Q", 0) + b"here again"))
        read_message(second)
        self.assertIn(b"here again", self.mux.run("cat", "a"))
        self.assert_closed(first)
        second.close()

    def test_truncated_messages(self):
        whole = hello("bad") + message(OUTPUT, struct.pack("=Q", 0) + b"x" * 50)
        for length in range(0, len(whole), 7):
            stream = connect(self.mux.directory)
            stream.sendall(whole[:length])
            stream.close()

    def test_bytes_one_at_a_time(self):
        stream = connect(self.mux.directory)
        data = hello("slow") + message(OUTPUT, struct.pack("=Q", 0) + b"slow but sure")
        for i in range(len(data)):
            stream.sendall(data[i : i + 1])
        self.assertEqual(read_message(stream)[0], WELCOME)
        read_message(stream)
        self.assertEqual(self.mux.run("cat", "slow"), b"slow but sure")
        stream.close()

    def test_random_bytes(self):
        chance = random.Random(1)
        for i in range(300):
            first = chance.choice([b"", hello("bad"), hello(chance.randbytes(5))])
            body = chance.randbytes(chance.randrange(100))
            data = chance.choice([body, message(chance.randrange(12), body)])
            stream = (connect if i % 3 else lambda d: control(d))(self.mux.directory)
            try:
                stream.sendall(first + data)
            except ConnectionError:
                pass
            stream.close()

    def test_a_guest_that_does_not_read_its_acknowledgements_stops_nobody(self):
        stream = self.welcomed()
        stream.setblocking(False)
        offset = 0
        for i in range(2000):
            data = message(OUTPUT, struct.pack("=Q", offset) + b"x" * 1000)
            try:
                sent = stream.send(data)
            except BlockingIOError:
                break
            if sent < len(data):
                break
            offset += 1000
            if i % 100 == 0:
                self.guest.turn()
                self.viewer.turn()
        self.all_is_well()
        stream.close()

    def test_commands_that_make_no_sense(self):
        for parameters in ({}, {"words": 1}, {"words": [1]}, {"words": [["list"]]},
                           {"words": ["x"] * 300}, {"words": []}, {"words": ["tail", "good", "9" * 400]}):
            with self.subTest(parameters=parameters):
                stream = control(self.mux.directory)
                varlink(stream, "org.vmm.mux.Run", parameters)
                self.assertIn(b"error", stream.recv(65536))
                stream.close()
        stream = control(self.mux.directory)
        varlink(stream, "org.vmm.mux.List", {"patterns": 3})
        self.assertIn(b"InvalidParameter", stream.recv(65536))
        stream.close()

    def test_attaching_wrongly(self):
        for parameters, flags, error in (
            ({}, {"upgrade": True}, b"InvalidParameter"),
            ({"version": 99}, {"upgrade": True}, b"VersionMismatch"),
            ({"version": 2}, {}, b"InvalidParameter"),
        ):
            stream = control(self.mux.directory)
            varlink(stream, "org.vmm.mux.Attach", parameters, **flags)
            self.assertIn(error, stream.recv(65536))
            stream.close()

    def attached(self):
        stream = control(self.mux.directory)
        varlink(stream, "org.vmm.mux.Attach", {"version": 2}, upgrade=True)
        return stream

    def assert_ended(self, stream):
        while True:
            try:
                if not stream.recv(1 << 16):
                    break
            except ConnectionError:
                break
        stream.close()

    def test_messages_outside_the_protocol_of_a_viewer(self):
        bad = [
            message(0), message(1, b"x" * 8), message(FOLLOW), message(FOLLOW, b"x" * 17),
            message(FOLLOW, struct.pack("=IIQ", 999, 0, 0)), message(UNFOLLOW, b"x"),
            message(TYPE, struct.pack("=I", 1) + b"nobody allowed this"),
            message(TYPE, struct.pack("=I", 2**32 - 1) + b"x"),
            message(TYPE, b"x" * 70000), message(SIZE, b"x" * 9), message(99),
            HEADER.pack(TYPE, 0, 2**32 - 1), b"\xff" * 64,
        ]
        for data in bad:
            with self.subTest(data=data[:40]):
                stream = self.attached()
                stream.sendall(data)
                self.assert_ended(stream)

    def test_a_viewer_that_types_beyond_its_credit_is_closed(self):
        stream = self.attached()
        stream.sendall(message(FOLLOW, struct.pack("=IIQ", 1, 1, 0)))
        stream.sendall(message(TYPE, struct.pack("=I", 1) + b"x" * 60000))
        self.assert_ended(stream)

    def test_too_many_viewers_are_refused(self):
        streams = [self.mux.attach() for _ in range(255)]
        stream = self.attached()
        self.assertIn(b"TooManyViewers", stream.recv(65536))
        stream.close()
        for other in streams:
            other.close()

    def test_control_connections_are_bounded(self):
        crowd = []
        for _ in range(200):
            try:
                crowd.append(control(self.mux.directory))
            except BlockingIOError:  # as many are waiting as may wait
                self.guest.turn()
        self.all_is_well()
        for stream in crowd:
            stream.close()

    def test_callers_without_end_stop_nobody(self):
        for name in ("device.sock", "net/cable0.sock"):
            path = os.path.join(self.mux.directory, name)
            callers = []
            try:
                for _ in range(3):
                    callers.append(subprocess.Popen([sys.executable, "-c", CALLER, path],
                                                    stdout=subprocess.PIPE))
                with self.subTest(name=name):
                    for caller in callers:
                        caller.stdout.readline()
                    self.mux.run("list")
            finally:
                for caller in callers:
                    caller.kill()
                    caller.communicate()

    def test_half_closed_connections(self):
        stream = connect(self.mux.directory)
        stream.sendall(hello("bad"))
        stream.shutdown(socket.SHUT_WR)
        self.assert_closed(stream)
        stream = self.attached()
        stream.shutdown(socket.SHUT_WR)
        self.assert_ended(stream)

    def test_channels_that_come_and_go_do_not_fill_a_stuck_viewer(self):
        stuck = self.mux.attach()
        for i in range(300):
            stream = connect(self.mux.directory)
            stream.sendall(hello(f"short-lived-{i}"))
            read_message(stream)
            stream.close()
        stuck.until(lambda: stuck.ready)
        stuck.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
