#!/usr/bin/env python3
"""Front-ends of others on muxd's wires: DPDK's virtio-user ports."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wire_peers import TIMEOUT, WirePeers, tool  # noqa: E402

STANDS_STILL = 10  # seconds
MERGEABLE = 1 << 15
EVENT_INDEX = 1 << 29
INDIRECT = 1 << 28


@unittest.skipUnless(shutil.which("dpdk-testpmd"), "DPDK is not installed")
class PeersTest(WirePeers):
    def echo(self, wire, count, declined=0):
        done = subprocess.run([tool("wire_echo"), self.socket(wire), str(count), f"{declined:x}"],
                              capture_output=True, timeout=TIMEOUT, check=False, text=True)
        self.assertEqual(done.returncode, 0, done.stderr + self.mux.log_text())
        self.assertIn(f"{count} frames are back", done.stdout)

    def check_echo(self, wire, options):
        self.start_testpmd("macswap", f"path={self.socket(wire)},{options}")
        for declined in (0, MERGEABLE, EVENT_INDEX, INDIRECT, MERGEABLE | EVENT_INDEX | INDIRECT):
            self.echo(wire, 3000, declined)

    def test_frames_of_all_sizes_come_back_from_dpdk_over_a_cable(self):
        self.check_echo("cable0", "mrg_rxbuf=0,queue_size=256")

    def test_they_come_back_with_mergeable_buffers_too(self):
        self.check_echo("cable0", "mrg_rxbuf=1,queue_size=256")

    def test_they_come_back_in_order_and_over_a_switch(self):
        self.check_echo("switch0", "mrg_rxbuf=1,in_order=0,queue_size=1024")

    def test_dpdk_forwards_between_two_of_its_ports_over_a_cable(self):
        path = self.socket("cable0")
        program = self.start_testpmd("io", f"path={path},mrg_rxbuf=0", f"path={path},mrg_rxbuf=1",
                               start="start tx_first")
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            start = len(program.text())
            program.type("show port stats all\n")
            program.wait_for(r"(Tx-pps[\s\S]*){2}testpmd> $", start)
            received = [int(n) for n in re.findall(r"RX-packets: (\d+)", program.text()[start:])]
            if len(received) == 2 and min(received) > 10000:
                break
        self.assertGreater(min(received), 10000)
        program.type("stop\n")
        program.wait_for("Waiting for lcores to finish[\\s\\S]*Done\\.")
        self.assertNotRegex(program.text(), r"RX-dropped: [1-9]")
        program.type("quit\n")
        self.assertEqual(program.process.wait(TIMEOUT), 0, program.text())
        self.assertNotIn("misbehaved", self.mux.log_text())

    def counts(self):
        """Frames that the sender's port of the cable sent, the receiver's received, and drops."""
        ports = self.mux.json("stats", "cable0")
        receiver, sender = sorted(ports, key=lambda port: port["sent"]["frames"])
        dropped = sum(count for port in (sender, receiver) for count in port["dropped"].values())
        return sender["sent"]["frames"], receiver["received"]["frames"], dropped

    def until(self, condition):
        end = time.monotonic() + TIMEOUT
        while not condition(*(counts := self.counts())):
            self.assertLess(time.monotonic(), end, counts)
        return counts

    def test_a_receiver_that_stands_still_under_full_load_loses_nothing(self):
        path = self.socket("cable0")
        receiver = self.start_testpmd("rxonly", f"path={path},mrg_rxbuf=1")
        sender = self.start_testpmd("txonly", f"path={path},mrg_rxbuf=1")
        self.until(lambda sent, received, _: received > 10000)
        receiver.process.send_signal(signal.SIGSTOP)
        still = time.monotonic() + STANDS_STILL
        while time.monotonic() < still:
            before = self.counts()
        self.assertEqual(self.counts(), before)
        receiver.process.send_signal(signal.SIGCONT)
        self.until(lambda sent, received, _: received > before[1] + 10000)
        sender.type("stop\n")
        sent = int(sender.wait_for(r"TX-packets: (\d+)").group(1))
        self.assertEqual(self.until(lambda _, received, dropped: received == sent), (sent, sent, 0))
        receiver.type("stop\n")
        self.assertEqual(int(receiver.wait_for(r"RX-packets: (\d+)").group(1)), sent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
