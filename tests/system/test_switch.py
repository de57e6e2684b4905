#!/usr/bin/env python3
"""A switch of muxd's as its commands set it, with guests without kernels that send and receive."""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import TIMEOUT  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux, muxd_program  # noqa: E402

ALL = 0xFF
GUESTS = 4
RING = 256  # buffers of a guest
TYPE, TAG = b"\x88\xb5", b"\x81\x00"


def address(guest):
    return b"\xff" * 6 if guest == ALL else b"\x02\0\0\0\0" + bytes([guest])


def tag(vlan):
    return TAG + vlan.to_bytes(2, "big")


class Guests:
    def __init__(self, mux, wire, count=GUESTS):
        program = os.path.join(
            os.environ.get("BUILD", os.path.dirname(muxd_program())), "tests/switch_guests"
        )
        socket = os.path.join(mux.directory, "net", f"{wire}.sock")
        self.process = subprocess.Popen(
            [program, socket, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.number = 0
        assert self.line() == "ready"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(TIMEOUT)

    def line(self):
        line = self.process.stdout.readline().decode()
        assert line, "the guests have ended"
        return line.strip()

    def say(self, text):
        self.process.stdin.write(f"{text}\n".encode())
        self.process.stdin.flush()

    def send(self, guest, target, tags=b"", source=None):
        """A frame; what it is behind its tags."""
        self.number += 1
        payload = TYPE + self.number.to_bytes(4, "big") + bytes(46)
        frame = address(target) + address(source or guest) + tags + payload
        self.say(f"send {guest} {frame.hex()}")
        return payload

    def look(self, stopped=""):
        """What each guest but one that is stopped has received: bytes behind the addresses."""
        received = {guest: [] for guest in range(1, GUESTS + 1)}
        self.say(f"look {stopped}")
        while (line := self.line()) != ".":
            guest, frame = line.split()
            received[int(guest)].append(bytes.fromhex(frame)[12:])
        return received

    def reach(self, guest, target, tags=b"", source=None):
        """Which guests a frame reaches, and with which tags: None where they are none."""
        payload = self.send(guest, target, tags, source)
        found = {}
        for other, frames in self.look().items():
            for frame in frames:
                assert frame.endswith(payload) and other not in found, (other, frames)
                found[other] = frame[:-len(payload)] or None
        return found


class SwitchTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.mux.run("wire", "add", "switch", "lan")
        self.wait(lambda: all(
            wire["ready"] for wire in json.loads(self.mux.run("wire", "list", "--json"))
        ))
        self.guests = self.enterContext(Guests(self.mux, "lan"))

    def wait(self, condition):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline)

    def set(self, *words):
        """A command; it is in force when another question to the worker is answered."""
        self.mux.run(*words)
        self.wait(lambda: json.loads(self.mux.run("port", "list", "--json", "lan")))
        self.guests.look()

    def dropped(self, guest, reason):
        for port in json.loads(self.mux.run("stats", "--json", f"lan/guest{guest}")):
            return port["dropped"][reason]

    def meet(self):
        """Everybody is known to the switch."""
        for guest in range(1, GUESTS + 1):
            self.guests.reach(guest, ALL)

    def test_it_learns_where_guests_are(self):
        self.assertEqual(set(self.guests.reach(1, 2)), {2, 3, 4})
        self.assertEqual(set(self.guests.reach(2, 1)), {1})
        self.assertEqual(set(self.guests.reach(1, 2)), {2})
        self.assertEqual(set(self.guests.reach(1, ALL)), {2, 3, 4})

    def test_vlans_are_apart_and_a_trunk_has_tags(self):
        self.set("vlan", "lan/guest1", "access", "5")
        self.set("vlan", "lan/guest2", "access", "5")
        self.set("vlan", "lan/guest3", "trunk", "5,6")

        self.assertEqual(self.guests.reach(1, ALL), {2: None, 3: tag(5)})
        self.assertEqual(self.guests.reach(3, ALL, tag(5)), {1: None, 2: None})
        self.assertEqual(self.guests.reach(3, ALL, tag(6)), {})
        self.assertEqual(self.guests.reach(3, ALL), {})
        self.assertEqual(self.guests.reach(4, ALL), {})
        self.assertEqual(self.guests.reach(1, ALL, tag(5)), {})
        self.assertEqual(self.dropped(3, "vlan"), 1)
        self.assertEqual(self.dropped(1, "vlan"), 1)

        self.set("vlan", "lan/guest1", "none")
        self.assertEqual(self.guests.reach(1, ALL), {4: None})

    def test_isolated_ports_and_lists_of_ports(self):
        self.meet()
        self.set("isolate", "lan/guest1", "on")
        self.set("isolate", "lan/guest2", "on")
        self.set("allow", "lan/guest3", "guest4")

        self.assertEqual(set(self.guests.reach(1, ALL)), {3, 4})
        self.assertEqual(set(self.guests.reach(1, 2)), set())
        self.assertEqual(set(self.guests.reach(3, ALL)), {4})
        self.assertEqual(set(self.guests.reach(3, 1)), set())
        self.assertEqual(set(self.guests.reach(1, 3)), {3})
        self.assertEqual(self.dropped(1, "not-allowed"), 1)
        self.assertEqual(self.dropped(3, "not-allowed"), 1)

        self.set("isolate", "lan/guest1", "off")
        self.set("allow", "lan/guest3", "all")
        self.assertEqual(set(self.guests.reach(1, 2)), {2})
        self.assertEqual(set(self.guests.reach(3, 1)), {1})

    def test_an_address_of_a_port(self):
        self.set("mac", "lan/guest1", "02:00:00:00:00:01")
        self.set("mac", "lan/guest3", "02:00:00:00:00:99")

        self.assertEqual(set(self.guests.reach(1, ALL)), {2, 3, 4})
        self.assertEqual(set(self.guests.reach(3, ALL)), set())
        self.assertEqual(set(self.guests.reach(2, ALL, source=1)), set())
        self.assertEqual(set(self.guests.reach(4, 1)), {1})
        self.assertEqual(self.dropped(3, "not-allowed"), 1)
        self.assertEqual(self.dropped(2, "not-allowed"), 1)

        done = self.mux.call("mac", "lan/guest2", "02:00:00:00:00:01")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is already that of port guest1", done.stderr)
        self.assertIn(b"mac 02:00:00:00:00:99", self.mux.run("port", "list", "lan"))
        self.set("mac", "lan/guest3", "any")
        self.assertEqual(set(self.guests.reach(3, ALL)), {1, 2, 4})

    def test_a_monitor_sees_what_passes_and_sends_nothing(self):
        self.meet()
        self.set("vlan", "lan/guest1", "access", "5")
        self.set("vlan", "lan/guest2", "access", "5")
        self.set("monitor", "lan/guest4", "on")

        self.assertEqual(self.guests.reach(1, ALL), {2: None, 4: tag(5)})
        self.assertEqual(self.guests.reach(2, 1), {1: None, 4: tag(5)})
        self.assertEqual(self.guests.reach(3, 1), {4: None})
        self.assertEqual(self.guests.reach(4, ALL), {})
        self.assertEqual(self.dropped(4, "not-allowed"), 1)

    def test_a_pulled_cable(self):
        self.meet()
        self.set("link", "lan/guest2", "down")

        self.assertEqual(set(self.guests.reach(1, ALL)), {3, 4})
        self.assertEqual(set(self.guests.reach(2, ALL)), set())
        self.assertEqual(self.dropped(2, "link-down"), 2)

        self.set("link", "lan/guest2", "up")
        self.assertEqual(set(self.guests.reach(1, 2)), {2, 3, 4})
        self.assertEqual(set(self.guests.reach(2, 1)), {1})

    def test_a_bad_line(self):
        self.meet()
        self.set("impair", "lan/guest2", "loss=100%")
        self.assertEqual(set(self.guests.reach(1, ALL)), {3, 4})
        self.assertEqual(self.dropped(2, "impaired"), 1)

        self.set("impair", "lan/guest2", "loss=none", "delay=20ms")
        sent = [self.guests.send(1, 2) for _ in range(10)]
        arrived = []
        self.wait(lambda: arrived.extend(self.guests.look()[2]) or len(arrived) >= 10)
        self.assertEqual(arrived, sent)

    def test_a_guest_that_takes_nothing_costs_the_others_nothing(self):
        self.meet()
        sent = {guest: [] for guest in range(1, GUESTS)}
        arrived = {guest: [] for guest in range(1, GUESTS)}
        to_stopped = 0
        while to_stopped < 2 * RING:
            for guest in sent:
                self.guests.send(guest, GUESTS)
                sent[guest % 3 + 1].append(self.guests.send(guest, guest % 3 + 1))
                to_stopped += 1
            for guest, frames in self.guests.look(GUESTS).items():
                if guest in arrived:
                    arrived[guest] += frames

        self.assertEqual(arrived, sent)
        self.assertEqual(self.dropped(GUESTS, "no-room"), to_stopped - RING)
        self.assertEqual(len(self.guests.look()[GUESTS]), RING)
        self.assertEqual(set(self.guests.reach(1, GUESTS)), {GUESTS})


if __name__ == "__main__":
    unittest.main()
