#!/usr/bin/env python3
"""Captures of a wire between guests without kernels, judged by tshark."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux, muxd_program  # noqa: E402

SECTION, FRAME = 0x0A0D0D0A, 6
EVERYTHING = "fffffffffffff"  # every feature of a network card: the receiver has none of them
FIELDS = (
    "frame.interface_name", "frame.packet_flags_direction", "frame.len", "frame.cap_len",
    "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
)
INBOUND, OUTBOUND = "0x00000001", "0x00000002"


class Capture:
    """The command, its blocks read as they come."""

    def __init__(self, mux, *words):
        self.blocks = b""
        self.process = subprocess.Popen(
            mux.command("capture", *words, "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.block(SECTION)

    def read(self, length):
        data = self.process.stdout.read(length)
        if len(data) != length:
            raise AssertionError(f"the capture has ended: {self.process.stderr.read()}")
        return data

    def block(self, wanted=None):
        head = self.read(8)
        kind, length = struct.unpack("=II", head)
        self.blocks += head + self.read(length - 8)
        assert wanted in (None, kind), (wanted, kind)
        return kind

    def frames(self, count):
        while count:
            count -= self.block() == FRAME

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self):
        """As Ctrl-C does; the exit status."""
        self.process.send_signal(signal.SIGINT)
        self.process.stdout.read()
        return self.process.wait(TIMEOUT)


class CaptureTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        deadline = time.monotonic() + TIMEOUT
        while not json.loads(self.mux.run("wire", "list", "--json"))[0]["ready"]:
            self.assertLess(time.monotonic(), deadline)

    def capture(self, *words):
        return self.enterContext(Capture(self.mux, *words))

    def traffic(self, *declined):
        """Frames sent, and those that became of each."""
        program = os.path.join(
            os.environ.get("BUILD", os.path.dirname(muxd_program())), "tests/packet_guests"
        )
        done = subprocess.run(
            [program, os.path.join(self.mux.directory, "net", "cable0.sock"), *declined],
            capture_output=True, timeout=TIMEOUT, check=False,
        )
        self.assertEqual(done.returncode, 0, done)
        return [int(count) for count in re.findall(r"^\d+\t(\d+)\t", done.stdout.decode(), re.M)]

    def judge(self, blocks):
        """What tshark says, a dictionary a frame."""
        path = os.path.join(self.mux.directory, "frames.pcapng")
        with open(path, "wb") as file:
            file.write(blocks)
        command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=;"]
        for protocol in ("ip", "tcp", "udp"):
            command += ["-o", f"{protocol}.check_checksum:TRUE"]
        for field in FIELDS:
            command += ["-e", field]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done)
        lines = done.stdout.decode().splitlines()
        return [dict(zip(FIELDS, line.split(";"))) for line in lines]

    def check(self, frames):
        """Nothing about them is wrong: 1 is a good checksum, and each has one of a transport."""
        for frame in frames:
            self.assertEqual(frame["frame.len"], frame["frame.cap_len"])
            self.assertIn(frame["ip.checksum.status"], ("", "1"), frame)
            status = frame["tcp.checksum.status"] + frame["udp.checksum.status"]
            self.assertEqual(status, "1", frame)

    def test_a_receiver_that_takes_all_gets_what_was_sent(self):
        capture = self.capture("cable0")
        became = self.traffic()
        self.assertEqual(set(became), {1})
        capture.frames(2 * len(became))
        self.assertEqual(capture.stop(), 0)

        frames = self.judge(capture.blocks)
        self.check(frames)
        sent = [frame for frame in frames if frame["frame.interface_name"] == "guest1"]
        received = [frame for frame in frames if frame["frame.interface_name"] == "guest2"]
        self.assertEqual({frame["frame.packet_flags_direction"] for frame in sent}, {OUTBOUND})
        self.assertEqual({frame["frame.packet_flags_direction"] for frame in received}, {INBOUND})
        self.assertEqual(
            [frame["frame.len"] for frame in sent], [frame["frame.len"] for frame in received]
        )
        self.assertGreater(max(int(frame["frame.len"]) for frame in sent), 60000)

    def test_a_receiver_that_takes_nothing_is_seen_to_get_segments(self):
        capture = self.capture("cable0")
        became = self.traffic(EVERYTHING)
        self.assertGreater(max(became), 40)
        capture.frames(len(became) + sum(became))
        self.assertEqual(capture.stop(), 0)

        frames = self.judge(capture.blocks)
        self.check(frames)
        received = [frame for frame in frames if frame["frame.interface_name"] == "guest2"]
        self.assertEqual(len(received), sum(became))
        self.assertLess(max(int(frame["frame.len"]) for frame in received), 1600)

    def test_one_port_can_be_captured_while_another_capture_goes_on(self):
        everything = self.capture("cable0")
        became = self.traffic()
        everything.frames(2 * len(became))
        one = self.capture("cable0", "guest2")
        self.traffic()
        one.frames(len(became))
        everything.frames(2 * len(became))
        self.assertEqual(one.stop(), 0)
        self.assertEqual(everything.stop(), 0)

        frames = self.judge(one.blocks)
        self.check(frames)
        self.assertEqual({frame["frame.interface_name"] for frame in frames}, {"guest2"})

    def test_who_does_not_read_holds_nobody_up(self):
        with subprocess.Popen(
            self.mux.command("capture", "cable0", "-"), stdout=subprocess.PIPE
        ) as asleep:
            try:
                asleep.stdout.read(4)
                for _ in range(20):
                    self.traffic()
            finally:
                asleep.terminate()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(verbosity=2)
