#!/usr/bin/env python3
"""Two guests with the distribution's kernel: a cable between vmms, against a bridge between QEMUs.

usage: wires_stock.py --kernel FILE --initrd FILE [--build DIR] [--count N] [--poll MODE]

All four guests have the same kernel, initrd and command line, one vCPU, 128 MiB, a virtio console
and one network card. Two are vmms on a cable of muxd; two are QEMU microvms, each with a TAP
interface in one bridge of the kernel, by vhost-net where the host has it. iperf3 sends one TCP
stream for some seconds, in both directions; ping asks one by one. Ours and theirs are measured in
turns, the others idle. Prints a table of medians, and what share of the processor the processes of
each side had. Needs root, and a KVM that runs guest kernel code natively; see
tests/host/emulated-host for one anywhere. The initrd is that of examples/make-initramfs --with
iperf3.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../system"))
from figures import Figure, processor_seconds, table  # noqa: E402 (found by the line above)
from programs import Workplace  # noqa: E402
from stock_pair import BOOT, Pair, prompt, run_in_guest  # noqa: E402
from terminal import Terminal  # noqa: E402

MEASURE = 5  # seconds of a stream
PINGS = 20
BRIDGE = "vmm-bench"
VHOST = "/dev/vhost-net"
ADDRESS = {"guest1": "192.168.1.1", "guest2": "192.168.1.2"}


def words_for(name):
    return f"eth0={ADDRESS[name]}/24"


class Side:
    """Two guests that reach each other, and their shells."""

    def __init__(self, name):
        self.name = name
        self.shells = {}

    def run(self, guest, command):
        return run_in_guest(self.shells[guest], guest, command, BOOT)

    def processes(self):
        """Their names and process ids."""
        raise NotImplementedError

    def prepare(self):
        for guest in ADDRESS:
            self.run(guest, "until grep -qsx 1 /sys/class/net/eth0/carrier; do usleep 50000; done")
        self.run("guest2", "iperf3 -s -D")
        self.run("guest2", "until netstat -ltn | grep -q :5201; do usleep 50000; done")
        self.run("guest1", f"until ping -c 1 -W 10 {ADDRESS['guest2']}; do usleep 50000; done")

    def stream(self, *options):
        """The Mbit/s that arrive."""
        self.run("guest2",
                 "while netstat -tn | grep -qE ':5201.*(ESTAB|CLOSE_W)'; do usleep 50000; done")
        before = {name: processor_seconds(pid) for name, pid in self.processes().items()}
        begin = time.monotonic()
        answer = self.run("guest1", " ".join(["iperf3 -f m -t", str(MEASURE), "-c",
                                              ADDRESS["guest2"], *options]))
        seconds = time.monotonic() - begin
        shares = {name: (processor_seconds(pid) - before[name]) / seconds
                  for name, pid in self.processes().items()}
        line = [line for line in answer.splitlines() if line.rstrip().endswith("receiver")][-1]
        rate = float(re.search(r"([\d.]+) Mbits/sec", line)[1])
        print(f"{self.name} {' '.join(options)}: {rate:.0f} Mbit/s; processor: "
              + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()), flush=True)
        return rate

    def round_trip(self):
        """The median of some pings, in microseconds."""
        answer = self.run("guest1", f"ping -c {PINGS} -i 0.1 {ADDRESS['guest2']}")
        times = [float(time) * 1000 for time in re.findall(r"time=([\d.]+) ms", answer)]
        if len(times) < PINGS:
            raise RuntimeError(f"{self.name}: {answer}")
        return statistics.median(times)


class Ours(Side):
    """Two vmms on a cable."""

    def __init__(self, place, options):
        super().__init__("vmm")
        path = place.file("muxd.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[[cable]]\nname = "cable0"\npoll = "{options.poll}"\n')
        settings = {name: {"nets": [{"wire": "cable0"}], "words": words_for(name)}
                    for name in ADDRESS}
        self.pair = Pair(place, options.kernel, options.initrd, settings, ["--config", path])
        self.pair.recover()
        self.shells = self.pair.shells

    def processes(self):
        found = {name: guest.pid for name, guest in self.pair.guests.items()}
        muxd = self.pair.daemon.pid
        with open(f"/proc/{muxd}/task/{muxd}/children", encoding="utf-8") as children:
            return {**found, "wire": int(children.read().split()[0])}


class Theirs(Side):
    """Two QEMU microvms on a bridge. What enter() makes in the host goes with leave()."""

    def __init__(self):
        super().__init__("QEMU microvm")
        self.vhost = os.path.exists(VHOST)

    def enter(self, options):
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(ADDRESS):
            ip("tuntap", "add", self.tap(name), "mode", "tap", "vnet_hdr")
            ip("link", "set", self.tap(name), "master", BRIDGE, "up")
            self.shells[name] = Terminal(self.command(name, number, options))
        for name, shell in self.shells.items():
            shell.wait_for(prompt(name), BOOT)
            keep_line_ends(shell)

    @staticmethod
    def tap(name):
        return "vmm-" + name

    def command(self, name, number, options):
        host = (f"tap,id=net,ifname={self.tap(name)},script=no,downscript=no,"
                f"vhost={'on' if self.vhost else 'off'}")
        return ["qemu-system-x86_64", "-M", "microvm,acpi=on,pit=off,pic=off,rtc=off",
                "-global", "virtio-mmio.force-legacy=false",
                "-accel", "kvm", "-cpu", "host", "-m", "128", "-smp", "1",
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", options.kernel, "-initrd", options.initrd,
                "-append", f"console=hvc0 quiet guest={name} {words_for(name)}",
                "-chardev", "stdio,id=console,signal=off", "-device", "virtio-serial-device",
                "-device", "virtconsole,chardev=console", "-device", "virtio-rng-device",
                "-netdev", host,
                "-device", f"virtio-net-device,netdev=net,mac=52:54:00:00:00:0{number}"]

    def processes(self):
        """vhost-net's threads are the kernel's, named for the process."""
        found = {name: shell.process.pid for name, shell in self.shells.items()}
        for name, pid in list(found.items()):
            title = f"vhost-{pid}"
            found.update({f"{name}'s vhost": thread for thread in processes_called(title)})
        return found

    def leave(self):
        for shell in self.shells.values():
            shell.close()
        for name in (*map(self.tap, ADDRESS), BRIDGE):
            if os.path.exists(f"/sys/class/net/{name}"):
                ip("link", "delete", name)


def keep_line_ends(terminal):
    """The guest has put them right already. QEMU sets its terminal up once, when it starts."""
    attributes = termios.tcgetattr(terminal.slave)
    attributes[1] &= ~termios.ONLCR
    termios.tcsetattr(terminal.slave, termios.TCSANOW, attributes)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def processes_called(title):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == title:
                    yield int(pid)
        except OSError:
            pass  # it has ended meanwhile


def measure(ours, theirs, count):
    peer = f"QEMU microvm, TAP, bridge{', vhost-net' if theirs.vhost else ''}"
    figures = [
        (Figure("TCP between stock guests, there", "Mbit/s", peer, "at least 2"),
         lambda side: side.stream()),
        (Figure("TCP between stock guests, back", "Mbit/s", peer, "at least 2"),
         lambda side: side.stream("-R")),
        (Figure("ping of a stock guest", "µs", peer), lambda side: side.round_trip()),
    ]
    for _ in range(count):
        for figure, take in figures:
            figure.ours.append(take(ours))
            figure.theirs.append(take(theirs))
    return [figure for figure, _ in figures]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", required=True, type=os.path.abspath)
    parser.add_argument("--initrd", required=True, type=os.path.abspath)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--poll", default="50us", help="of the cable; default: 50us, as always")
    options = parser.parse_args()
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        parser.error("needs root and /dev/net/tun")
    with Workplace(options.build) as place:
        ours = Ours(place, options)
        ours.prepare()
        theirs = Theirs()
        try:
            theirs.enter(options)
            theirs.prepare()
            print(table(measure(ours, theirs, options.count)))
        finally:
            theirs.leave()


if __name__ == "__main__":
    main()
