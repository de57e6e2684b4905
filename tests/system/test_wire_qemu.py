#!/usr/bin/env python3
"""Guests of QEMU on muxd's wires: a stock kernel, software emulation, memory shared by a memfd."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wire_peers import Background, WirePeers  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BLOCKS = 8  # of 4 MiB: what two emulated processors pass on in half a minute
PROMPT = r"guest:\S*# "


def output_of(command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


SENDER = "nc.openbsd"  # busybox's writes a kilobyte at a time


def with_pci(tree, initrd, path):
    """The initramfs of the examples and, behind it, what QEMU's PCI needs: later files win."""
    top = os.path.join(os.path.dirname(path), "pci")
    os.makedirs(os.path.join(top, "modules"))
    order = output_of(["sh", "-c", f"zcat '{initrd}' | cpio -i --quiet --to-stdout modules/order"]).split()
    for module in output_of([f"{TOP}/examples/kernel-modules", tree, "virtio_pci"]).split():
        name = os.path.basename(module)
        shutil.copy(os.path.join(tree, module), os.path.join(top, "modules", name))
        if name not in order:
            order.append(name)
    with open(os.path.join(top, "modules", "order"), "w", encoding="ascii") as file:
        file.write("".join(name + "\n" for name in order))
    subprocess.run(f"cd '{top}' && find . | cpio -o --quiet -H newc | gzip -1 | cat '{initrd}' - >'{path}'",
                   shell=True, check=True)


class Guest(Background):
    """Its card is on a wire, by a vhost-user socket."""

    def __init__(self, directory, socket, number, mergeable="on"):
        tree = output_of([f"{TOP}/examples/fetch-kernel"])
        directory = tempfile.mkdtemp(dir=directory)
        initrd = os.path.join(directory, "initrd")
        with_pci(tree, output_of([f"{TOP}/examples/make-initramfs", "--with", SENDER, tree]), initrd)
        # Without vectors: QEMU 7.2 falls over its own feet when it emulates a processor and a
        # vhost-user card has MSI-X.
        super().__init__([
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "256",
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
            "-object", "memory-backend-memfd,id=ram,size=256M,share=on",
            "-machine", "memory-backend=ram",
            "-chardev", f"socket,id=wire,path={socket}",
            "-netdev", "vhost-user,id=net,chardev=wire",
            "-device", f"virtio-net-pci,netdev=net,vectors=0,mrg_rxbuf={mergeable},"
                       f"mac=52:54:00:00:00:0{number}",
            "-kernel", glob.glob(f"{tree}/boot/vmlinuz-*")[0], "-initrd", initrd,
            "-append", f"console=ttyS0 quiet panic=0 eth0=192.168.1.{number}/24"], directory)

    def run(self, command):
        """What a command at the shell prints."""
        start = len(self.text())
        self.type(f"{command}; echo done: $?\n")
        found = self.wait_for(r"(?s)\n(.*)done: (\d+)", start)
        if found.group(2) != "0":
            raise AssertionError(self.text()[start:])
        return found.group(1)

    def wait_ready(self):
        """Until it has a shell and an address."""
        self.wait_for(PROMPT)
        self.run("until ip route | grep -q eth0; do usleep 50000; done")

    def ping(self, address):
        start = len(self.text())
        self.type(f"ping -c 5 -s 1400 {address}\n")
        found = self.wait_for(r"(\d+) packets received", start)
        if found.group(1) != "5":
            raise AssertionError(self.text()[start:])


@unittest.skipUnless(shutil.which("qemu-system-x86_64"), "QEMU is not installed")
class QemuTest(WirePeers):
    def start_guest(self, wire, number, mergeable="on"):
        return self.enterContext(Guest(self.directory, self.socket(wire), number, mergeable))

    def test_two_guests_with_different_buffers_reach_each_other_over_a_cable(self):
        guests = [self.start_guest("cable0", 1, "on"), self.start_guest("cable0", 2, "off")]
        for guest in guests:
            guest.wait_ready()
        guests[0].ping("192.168.1.2")
        guests[1].ping("192.168.1.1")
        self.assertNotIn("misbehaved", self.mux.log_text())

    def test_a_file_arrives_whole_over_a_cable(self):
        sender, receiver = [self.start_guest("cable0", number) for number in (1, 2)]
        for guest in (sender, receiver):
            guest.wait_ready()
        # Its input must not end: nc would close its half of the connection.
        receiver.run("mkfifo hold; (exec 9<>hold; nc -l -p 5001 <&9 | md5sum >sum) & "
                     "until netstat -ltn | grep -q :5001; do usleep 50000; done")
        sender.run("head -c 4194304 /dev/urandom >block; mkfifo copy; md5sum <copy >sum & true")
        sender.run(f"i=0; while [ $i -lt {BLOCKS} ]; do cat block; i=$((i + 1)); done | tee copy | "
                   f"{SENDER} -N 192.168.1.2 5001")
        sums = [re.findall(r"\b[0-9a-f]{32}\b",
                           guest.run("until [ -s sum ]; do usleep 50000; done; cat sum"))
                for guest in (sender, receiver)]
        self.assertEqual(len(sums[0]), 1)
        self.assertEqual(sums[0], sums[1])
        self.assertNotIn("misbehaved", self.mux.log_text())

    @unittest.skipUnless(shutil.which("dpdk-testpmd"), "DPDK is not installed")
    def test_a_guest_reaches_dpdk_over_a_switch(self):
        guest = self.start_guest("switch0", 1)
        guest.wait_ready()
        for mergeable in (0, 1):
            program = self.start_testpmd("icmpecho", f"path={self.socket('switch0')},mrg_rxbuf={mergeable}")
            guest.ping(f"192.168.1.{2 + mergeable}")
            program.type("quit\n")
            program.process.wait()
        self.assertNotIn("misbehaved", self.mux.log_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
