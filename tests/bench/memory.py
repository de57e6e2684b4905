"""Private memory of a process with an idle guest, beyond the guest's own memory."""

import subprocess

from figures import Figure, private_memory, wait_for_line
from programs import Workplace

STARTED = "^started"  # what the guest says before it halts for ever


def of_vmm(place, tools, name, nets=()):
    with place.terminal("attach", name) as viewer:
        guest = place.guest(name, **tools.guest_settings("silence"), nets=nets)
        viewer.wait_for(STARTED)
        memory = private_memory(guest.pid, "memfd:guest-memory")
        guest.end()
    return memory


def of_process(command, ready):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        try:
            wait_for_line(process, ready)
            return private_memory(process.pid, "memfd:")
        finally:
            process.kill()


def measure(tools, count):
    dirty = Figure("memory: private dirty, idle", "KiB", "QEMU microvm", "<= 0.125", 0)
    limit = Figure("memory: the same", "KiB", "minimal VMM", "ours <= 512 KiB", 0)
    net = Figure("memory: with a network device", "KiB", "minimal VMM", "ours <= 512 KiB", 0)
    with Workplace(tools.build) as place:
        place.muxd()
        for turn in range(count):
            ours = of_vmm(place, tools, f"idle{turn}")[0] / 1024
            dirty.ours.append(ours)
            limit.ours.append(ours)
            net.ours.append(of_vmm(place, tools, f"net{turn}", [{"wire": "cable0"}])[0] / 1024)
            minimal = of_process([tools.bench("minimal_vmm")], "idle")[0] / 1024
            limit.theirs.append(minimal)
            net.theirs.append(minimal)
            qemu = tools.qemu("silence", "-serial", "stdio")
            dirty.theirs.append(of_process(qemu, STARTED)[0] / 1024)
    return [dirty, limit, net]
