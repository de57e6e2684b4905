"""From the start of a process to its first KVM_RUN, the guest's kernel loaded, console set up.

QEMU microvm is started with the same kernel and the same devices; the minimal VMM (minimal_vmm.c) is
the limit: what the kernel takes for a process and a virtual machine that does nothing.
"""

import os
import tempfile

from figures import Figure, first_run
from programs import configuration


def measure(tools, count):
    wall = Figure("start: process to first KVM_RUN", "ms", "QEMU microvm", "<= 0.125", 2)
    limit = Figure("start: the same", "ms", "minimal VMM", "<= 2.5", 2)
    work = Figure("start: processor time", "ms", "QEMU microvm", "", 2)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        config = os.path.join(directory, "guest.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(configuration("guest", **tools.guest_settings("silence")))
        ours = [tools.vmm, "--runtime-dir", directory, "--config", config]
        for _ in range(count):
            elapsed, processor = first_run(tools, ours, directory)
            wall.ours.append(elapsed)
            limit.ours.append(elapsed)
            work.ours.append(processor)
            limit.theirs.append(first_run(tools, [tools.bench("minimal_vmm")], directory)[0])
            elapsed, processor = first_run(tools, tools.qemu("silence"), directory)
            wall.theirs.append(elapsed)
            work.theirs.append(processor)
    return [wall, limit, work]
