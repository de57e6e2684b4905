#!/usr/bin/env python3
"""Guests with the distribution's kernel on a cable and on a switch: what passes, what they notice.

usage: stock_wires.py --kernel FILE --initrd FILE [--build DIR] [SCENE...]

Needs a KVM that runs guest kernel code natively; see tests/host/emulated-host for one anywhere.
SCENE is a part of the names of those to run. The initrd is that of examples/make-initramfs --with
iperf3 --with nc.openbsd. guest1 and guest2 have eth0 on the cable and eth1 on the switch, guest3
has eth0 there.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time

from programs import Workplace
from stock_pair import ANSWER, BOOT, Pair, run_in_guest
from tap import Scenes, note, skip

FILE_SIZE = 1 << 30
BLOCK_SIZE = 4 << 20  # the file repeats after so much; numbers, each in a line
FIRST_NUMBER = 1000000
NUMBER_SIZE = 8
WAIT = 120  # seconds for a stream to go on, or to come to its end
KILLS = 3
MEASURE = 5  # seconds of a measurement
MORE = 1 << 20  # bytes that show that a stream goes on
UPLINK = "vmm-test"
UPLINK_ADDRESS = "10.0.5.254"

CONFIGURATION = """
[[cable]]
name = "cable0"

[[switch]]
name = "lan"
{uplink}

[[switch.port]]
name = "guest1.1"
vlan = "trunk=5,7"

[[switch.port]]
name = "guest2.1"
vlan = "access=5"

[[switch.port]]
name = "guest3"
vlan = "access=5"

[[switch.port]]
name = "vmm-test"
vlan = "access=5"
"""

GUESTS = {
    "guest1": {"nets": [{"wire": "cable0"}, {"wire": "lan"}],
               "words": "eth0=192.168.1.1/24 eth1.5=10.0.5.1/24 eth1.7=10.0.7.1/24"},
    "guest2": {"nets": [{"wire": "cable0"}, {"wire": "lan"}],
               "words": "eth0=192.168.1.2/24 eth1=10.0.5.2/24"},
    "guest3": {"nets": [{"wire": "lan"}], "words": "eth0=10.0.5.3/24"},
}

scenes = Scenes()


def run(pair, name, command, timeout=ANSWER):
    return run_in_guest(pair.shells[name], name, command, timeout)


def wait_carrier(pair, name, wanted=1, interface="eth0"):
    run(pair, name, f"until grep -qsx {wanted} /sys/class/net/{interface}/carrier; "
        "do usleep 50000; done")


def have_carriers(pair):
    try:
        pair.recover()
        for name, settings in GUESTS.items():
            for number in range(len(settings["nets"])):
                wait_carrier(pair, name, interface=f"eth{number}")
    except AssertionError:
        tell_state(pair)
        raise


def tell_state(pair):
    """For whoever looks into a failure."""
    note(pair.place.ask("port", "list").decode())
    note(pair.place.ask("stats").decode())
    for program in [pair.daemon, *pair.guests.values()]:
        note(f"log of {program.name}:\n{program.log()[-2000:]}")
    for name in pair.guests:
        note(f"console of {name}:\n" + pair.place.ask("tail", name, "8").decode(errors="replace"))


def ping(pair, name, address, count=3, options=""):
    """How many pings are answered. The exit status is 1 when none is."""
    answer = run(pair, name, f"ping -c {count} -W 10 {options} {address} || true")
    received = re.search(r"(\d+) packets received", answer)
    assert received, f"{name}: {answer!r}"
    return int(received[1]), answer


def must_reach(pair, name, address, options=""):
    received, answer = ping(pair, name, address, options=options)
    assert received == 3, f"{name}: {answer}"


@scenes.scene("both guests on a cable ping each other, the first reply included")
def both_ping(pair):
    have_carriers(pair)
    for name, address in (("guest1", "192.168.1.2"), ("guest2", "192.168.1.1")):
        received, answer = ping(pair, name, address)
        assert received == 3, answer
        assert "seq=0 " in answer, answer
        note(f"{name}: {answer.strip().splitlines()[-1]}")


@scenes.scene("addresses of the cards are local, distinct, and the same at each start")
def addresses(pair):
    pair.recover()
    found = set()
    for name, settings in GUESTS.items():
        for number in range(len(settings["nets"])):
            address = run(pair, name, f"cat /sys/class/net/eth{number}/address").strip()
            assert int(address[:2], 16) & 3 == 2, address
            found.add(address)
    assert len(found) == 5, found
    assert found == pair.addresses or not pair.addresses
    pair.addresses = found


def start_server(pair):
    run(pair, "guest2", "pidof iperf3 >/dev/null || iperf3 -s -D")
    run(pair, "guest2", "until netstat -ltn | grep -q :5201; do usleep 50000; done")


def measure(pair, options, address="192.168.1.2"):
    """The Mbit/s that arrived."""
    run(pair, "guest2", "while netstat -tn | grep -qE ':5201.*(ESTAB|CLOSE_W)'; "
        "do usleep 50000; done")
    answer = run(pair, "guest1", f"iperf3 -f m -t {MEASURE} -c {address} {options}", BOOT)
    line = [line for line in answer.splitlines() if line.rstrip().endswith("receiver")][-1]
    rate = float(re.search(r"([\d.]+) Mbits/sec", line)[1])
    assert rate > 0, answer
    for end in ("sender", "receiver"):
        note(f"iperf3 {options or 'TCP'}: "
             + "".join(line for line in answer.splitlines() if line.rstrip().endswith(end)))


@scenes.scene("iperf3: TCP in both directions, and UDP")
def iperf(pair):
    have_carriers(pair)
    start_server(pair)
    measure(pair, "")
    measure(pair, "-R")
    measure(pair, "-u -b 20M")
    measure(pair, "-u -b 20M -R")
    note(pair.place.ask("stats", "cable0").decode())


SEND = """send() { { n=0; while [ ! -e /tmp/stop ] && [ $n -lt "$1" ]; do cat /tmp/block || break;
n=$((n + 1)); done; echo $n >/tmp/sent; } | nc.openbsd -N $2 5001; }"""
MAKE_BLOCK = f"seq {FIRST_NUMBER} {FIRST_NUMBER + BLOCK_SIZE // NUMBER_SIZE - 1} >/tmp/block"


def sum_of_blocks(count):
    """What md5sum prints of so many blocks."""
    numbers = range(FIRST_NUMBER, FIRST_NUMBER + BLOCK_SIZE // NUMBER_SIZE)
    block = "".join(f"{number}\n" for number in numbers).encode()
    assert len(block) == BLOCK_SIZE
    result = hashlib.md5()
    for _ in range(count):
        result.update(block)
    return result.hexdigest()


class Stream:
    """A TCP connection with copies of a block from one guest to another, checked at its end."""

    def __init__(self, pair, sender, receiver, address, interface="eth0", blocks=1000000):
        self.pair = pair
        self.sender = sender
        self.receiver = receiver
        self.counter = f"/sys/class/net/{interface}/statistics/rx_bytes"
        # Busybox's nc writes a kilobyte at a time.
        run(pair, receiver, "rm -f /tmp/sum; "
            "({ nc.openbsd -d -l 5001 | md5sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum; } &)")
        run(pair, receiver, "until netstat -ltn | grep -q :5001; do usleep 50000; done")
        run(pair, sender, f"rm -f /tmp/stop /tmp/sent; [ -e /tmp/block ] || {MAKE_BLOCK}", BOOT)
        run(pair, sender, SEND.replace("\n", " "))
        run(pair, sender, f"(send {blocks} {address} &)")

    def tell(self):
        """For whoever looks into a failure."""
        tell_state(self.pair)
        for name in (self.sender, self.receiver):
            shell = self.pair.shells[name]
            shell.send("\x03")
            note(run(self.pair, name, "netstat -tn; ps; grep virtio /proc/interrupts; "
                     "ls -l /tmp; cat /proc/net/snmp | grep Tcp"))

    def received(self):
        return int(run(self.pair, self.receiver, f"cat {self.counter}"))

    def wait_for_more(self):
        """Bytes that were not there when this was called."""
        goal = self.received() + MORE
        run(self.pair, self.receiver, f"until [ $(cat {self.counter}) -gt {goal} ]; "
            "do usleep 50000; done", WAIT)

    def finish(self):
        """What was sent has come, in one connection."""
        run(self.pair, self.sender, "touch /tmp/stop")
        self.wait_sum()

    def wait_sum(self, timeout=WAIT):
        try:
            wait = "until [ -s {0} ]; do usleep 500000; done; cat {0}"
            received = run(self.pair, self.receiver, wait.format("/tmp/sum"), timeout).split()[0]
            count = int(run(self.pair, self.sender, wait.format("/tmp/sent")))
        except AssertionError:
            self.tell()
            raise
        assert count > 0 and received == sum_of_blocks(count), f"{count} blocks: {received}"


@scenes.scene("IPv6: pings of link-local addresses, and TCP")
def ipv6(pair):
    have_carriers(pair)
    find = "ip -6 address show dev eth0 scope link"
    wait = f"until {find} | grep -q inet6 && ! {find} | grep -q tentative; do usleep 50000; done; "
    address = {name: re.search(r"inet6 (fe80:[0-9a-f:]+)/64", run(pair, name, wait + find))[1]
               for name in ("guest1", "guest2")}
    must_reach(pair, "guest1", address["guest2"], "-6 -I eth0")
    must_reach(pair, "guest2", address["guest1"], "-6 -I eth0")
    start_server(pair)
    measure(pair, "-6", f"{address['guest2']}%eth0")


def forget_neighbours(pair, name, interface):
    """Linux drops what waits for a neighbour that it has asked for in vain: the next first ping."""
    run(pair, name, f"ip neigh flush dev {interface}")


@scenes.scene("VLAN interfaces of a guest on a trunk reach the access ports of their VLAN only")
def vlans(pair):
    have_carriers(pair)
    must_reach(pair, "guest1", "10.0.5.2")
    must_reach(pair, "guest3", "10.0.5.1")
    must_reach(pair, "guest2", "10.0.5.3")
    run(pair, "guest2", "ip address add 10.0.7.2/24 dev eth1")
    received, answer = ping(pair, "guest1", "10.0.7.2", 1, "-W 2")
    assert received == 0, answer
    pair.place.ask("vlan", "guest2.1", "access", "7")
    forget_neighbours(pair, "guest1", "eth1.7")
    must_reach(pair, "guest1", "10.0.7.2")
    received, answer = ping(pair, "guest1", "10.0.5.2", 1, "-W 2")
    assert received == 0, answer
    pair.place.ask("vlan", "guest2.1", "access", "5")
    forget_neighbours(pair, "guest1", "eth1.5")
    must_reach(pair, "guest1", "10.0.5.2")


@scenes.scene("the host is on the switch by its TAP interface")
def uplink(pair):
    if not pair.has_uplink:
        skip("needs root and /dev/net/tun")
    have_carriers(pair)
    must_reach(pair, "guest1", UPLINK_ADDRESS)
    must_reach(pair, "guest3", UPLINK_ADDRESS)
    result = subprocess.run(["ping", "-c", "3", "-W", "10", "10.0.5.2"], capture_output=True,
                            text=True, check=False) if has("ping") else None
    assert not result or ", 0% packet loss" in result.stdout, result.stdout


def has(program):
    return any(os.access(os.path.join(path, program), os.X_OK)
               for path in os.environ["PATH"].split(":"))


@scenes.scene("the carrier goes and comes with the link of its port, on a cable at both ends")
def carrier(pair):
    have_carriers(pair)
    for _ in range(2):
        pair.place.ask("link", "guest1", "down")
        for name in ("guest1", "guest2"):
            wait_carrier(pair, name, 0)
            assert "NO-CARRIER" in run(pair, name, "ip link show dev eth0")
        wait_carrier(pair, "guest1", 1, "eth1")
        pair.place.ask("link", "guest1", "up")
        for name in ("guest1", "guest2"):
            wait_carrier(pair, name)
            assert "NO-CARRIER" not in run(pair, name, "ip link show dev eth0")
        must_reach(pair, "guest2", "192.168.1.1")


def carrier_changes(pair):
    return [int(run(pair, name, "cat /sys/class/net/eth0/carrier_changes"))
            for name in ("guest1", "guest2")]


def note_carrier_changes(pair, before):
    """How often the carrier of the cable's cards went and came: two changes each time."""
    changes = [after - number for number, after in zip(before, carrier_changes(pair))]
    note(f"{KILLS} times killed; changes of the carrier: {changes}")


@scenes.scene("muxd killed under traffic: the connection goes on")
def muxd_killed(pair):
    have_carriers(pair)
    changes = carrier_changes(pair)
    stream = Stream(pair, "guest1", "guest2", "192.168.1.2")
    stream.wait_for_more()
    for _ in range(KILLS):
        pair.daemon.kill()
        pair.have_muxd()
        stream.wait_for_more()
    stream.finish()
    note_carrier_changes(pair, changes)


def worker(pair, wire):
    """The process that serves a wire."""
    with open(f"/proc/{pair.daemon.pid}/task/{pair.daemon.pid}/children", encoding="utf-8") as file:
        children = file.read().split()
    for child in children:
        with open(f"/proc/{child}/cmdline", "rb") as file:
            if f"wire {wire}".encode() in file.read().replace(b"\0", b" "):
                return int(child)
    raise AssertionError(f"no process serves {wire}:\n{pair.daemon.log()}")


def wait_other_worker(pair, wire, before):
    deadline = time.monotonic() + ANSWER
    while True:
        try:
            after = worker(pair, wire)
        except (AssertionError, OSError):
            after = before
        if after != before:
            return
        assert time.monotonic() < deadline, f"no new process serves {wire}"
        time.sleep(0.1)


@scenes.scene("the process of a wire killed under traffic: the connection goes on")
def worker_killed(pair):
    have_carriers(pair)
    changes = carrier_changes(pair)
    stream = Stream(pair, "guest2", "guest1", "192.168.1.1")
    stream.wait_for_more()
    for _ in range(KILLS):
        before = worker(pair, "cable0")
        other = worker(pair, "lan")
        os.kill(before, 9)
        wait_other_worker(pair, "cable0", before)
        stream.wait_for_more()
        assert worker(pair, "lan") == other
    stream.finish()
    note_carrier_changes(pair, changes)


@scenes.scene("a vmm killed under traffic: the others go on, and it comes back")
def vmm_killed(pair):
    have_carriers(pair)
    stream = Stream(pair, "guest1", "guest3", "10.0.5.3")
    stream.wait_for_more()
    pair.guests["guest2"].kill()
    stream.wait_for_more()
    wait_carrier(pair, "guest1", 0)
    have_carriers(pair)
    stream.wait_for_more()
    must_reach(pair, "guest1", "192.168.1.2")
    must_reach(pair, "guest2", "10.0.5.3")
    stream.finish()


@scenes.scene("a large file by netcat has the right checksum")
def large_file(pair):
    have_carriers(pair)
    begin = time.monotonic()
    stream = Stream(pair, "guest1", "guest2", "192.168.1.2", blocks=pair.file_size // BLOCK_SIZE)
    stream.wait_sum(WAIT + (pair.file_size >> 20))
    seconds = time.monotonic() - begin
    size = pair.file_size >> 20
    note(f"{size} MiB in {seconds:.0f} s, {size / seconds:.1f} MiB/s")


def make_uplink():
    """The host's interface, where that may be had."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or not has("ip"):
        return False
    for words in (["tuntap", "add", UPLINK, "mode", "tap", "vnet_hdr"],
                  ["address", "add", f"{UPLINK_ADDRESS}/24", "dev", UPLINK],
                  ["link", "set", UPLINK, "up"]):
        subprocess.run(["ip", *words], check=True)
    return True


def remove_uplink():
    subprocess.run(["ip", "link", "delete", UPLINK], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--file-size", type=int, default=FILE_SIZE >> 20, help="MiB of the large file")
    parser.add_argument("scene", nargs="*")
    options = parser.parse_args()
    has_uplink = make_uplink()
    try:
        with Workplace(options.build) as place:
            path = place.file("muxd.toml")
            with open(path, "w", encoding="utf-8") as file:
                line = f'uplink = "{UPLINK}"' if has_uplink else ""
                file.write(CONFIGURATION.format(uplink=line))
            pair = Pair(place, os.path.abspath(options.kernel), os.path.abspath(options.initrd),
                        GUESTS, ["--config", path, "--hide-all"])
            pair.has_uplink = has_uplink
            pair.file_size = options.file_size << 20
            pair.addresses = None
            return scenes.run(pair, only=options.scene)
    finally:
        if has_uplink:
            remove_uplink()


if __name__ == "__main__":
    sys.exit(main())
