#!/usr/bin/env python3
"""Time from a process's start to its guest's /init: vmm against QEMU microvm.

usage: boot.py --kernel FILE --initrd FILE [--build DIR] [--count N]

Both boot the same kernel, initrd and command line on the same KVM, one after the other, with one
vCPU, 128 MiB and the console on the UART. The time is that from starting the process until the
first line of /init is read on its console: for vmm through muxd and a viewer, for QEMU from its
standard output. Prints each time and the ratio of the medians. Needs a KVM that runs guest kernel
code natively; see tests/host/emulated-host for one anywhere.
"""

import argparse
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../system"))
from programs import Workplace  # noqa: E402 (found by the line above)
from terminal import Terminal  # noqa: E402

BOOT = 300  # seconds for a guest to boot, also where its processor is emulated
MARK = "guest: init started"
COMMAND_LINE = "console=ttyS0 quiet panic=-1"


def boot_vmm(place, options, turn):
    name = f"bench{turn}"
    viewer = place.terminal("attach", name)
    begin = time.monotonic()
    guest = place.guest(name, kernel=options.kernel, initrd=options.initrd, cmdline=COMMAND_LINE)
    viewer.wait_for(MARK, BOOT)
    seconds = time.monotonic() - begin
    guest.end()
    viewer.close()
    return seconds


def boot_qemu(options):
    command = ["qemu-system-x86_64", "-M", "microvm,acpi=on,pit=off,pic=off,rtc=off", "-enable-kvm",
               "-cpu", "host", "-m", "128", "-smp", "1", "-nodefaults", "-no-user-config",
               "-display", "none", "-no-reboot", "-kernel", options.kernel,
               "-initrd", options.initrd, "-append", COMMAND_LINE,
               "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
               "-device", "virtio-serial-device", "-device", "virtio-rng-device"]
    begin = time.monotonic()
    with Terminal(command) as terminal:
        terminal.wait_for(MARK, BOOT)
        return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--count", type=int, default=5)
    options = parser.parse_args()
    times = {"vmm": [], "QEMU microvm": []}
    with Workplace(options.build) as place:
        place.muxd()
        for turn in range(options.count):
            times["QEMU microvm"].append(boot_qemu(options))
            times["vmm"].append(boot_vmm(place, options, turn))
    for name, seconds in times.items():
        print(f"process start to /init, {name}: "
              + " ".join(f"{value:.2f}" for value in seconds) + " s")
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    print(f"process start to /init: vmm {medians['vmm'] / medians['QEMU microvm']:.2f} of QEMU "
          f"microvm (medians of {options.count})")


if __name__ == "__main__":
    main()
