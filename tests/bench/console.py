"""Console output in bulk: to muxd's history and from there to one viewer on a terminal.

Two sources: a guest that prints page after page and waits for the end of each, and a console link
without a guest behind it (link_flood.c), so that muxd and the viewer are the limit. The peers:
socat between two pseudo-terminals with a program that prints the same (print_flood.c), and the same
guest whose console link ends in bare_console.c, which shows what the guest itself can do on this
host. The rings of vmm and muxd are made so large that nothing is lost: every byte that was
printed is read from the terminal.
"""

import os

from figures import Figure, on_terminal, processor_seconds
from programs import Workplace

MEBIBYTES = 32
RING = "64M"
READY = "flood ready"
END = "flood done"


def rate(figures):
    count, nanoseconds, _ = figures
    if count < MEBIBYTES << 20:
        raise RuntimeError(f"{(MEBIBYTES << 20) - count} bytes of output are missing")
    return count / (1 << 20) / (nanoseconds / 1e9)


def read_by_viewer(place, tools, name):
    muxd = [place.path("muxd"), "--runtime-dir", place.runtime, "attach", name]
    return rate(on_terminal(tools, "read", END, READY, *muxd))


def of_link(place, tools, name):
    source = place.program(name, [tools.bench("link_flood"), f"{place.runtime}/device.sock", name,
                                  str(MEBIBYTES)])
    value = read_by_viewer(place, tools, name)
    source.end()
    return value


def of_guest(place, tools, name):
    settings = tools.guest_settings(f"flood {MEBIBYTES}")
    guest = place.guest(name, console={"buffer": RING}, **settings)
    value = read_by_viewer(place, tools, name)
    seconds = processor_seconds(guest.pid, guest.pid)
    guest.end()
    return value, seconds


def of_guest_alone(tools):
    with Workplace(tools.build) as place:
        os.mkdir(place.runtime)
        settings = tools.guest_settings(f"flood {MEBIBYTES}")
        place.guest("flood", console={"buffer": RING}, **settings)
        return rate(on_terminal(tools, "read", END, READY, tools.bench("bare_console"),
                                f"{place.runtime}/device.sock"))


def of_socat(tools):
    source = f"EXEC:{tools.bench('print_flood')} {MEBIBYTES},pty,raw,echo=0"
    return rate(on_terminal(tools, "read", END, READY, "socat", "STDIO,raw,echo=0", source))


def measure(tools, count):
    link = Figure("console: link, muxd, viewer", "MiB/s", "socat, pty to pty", ">= 0.5", 0)
    guest = Figure("console: guest, muxd, viewer", "MiB/s", "socat, pty to pty", ">= 0.5", 0)
    alone = Figure("console: the same", "MiB/s", "guest, bare terminal", "", 0)
    muxd_work = Figure("console: muxd's processor time", "ms/MiB", "", "", 1)
    vmm_work = Figure("console: that of vmm's main thread", "ms/MiB", "", "", 1)
    with Workplace(tools.build) as place:
        with open(place.file("muxd.toml"), "w", encoding="ascii") as file:
            file.write('[history]\ntotal = "16G"\n')
        muxd = place.muxd("--config", place.file("muxd.toml"), "--bufsize", RING)
        for turn in range(count):
            before = processor_seconds(muxd.pid)
            link.ours.append(of_link(place, tools, f"link{turn}"))
            muxd_work.ours.append((processor_seconds(muxd.pid) - before) * 1000 / MEBIBYTES)
            value, seconds = of_guest(place, tools, f"guest{turn}")
            guest.ours.append(value)
            alone.ours.append(value)
            alone.theirs.append(of_guest_alone(tools))
            vmm_work.ours.append(seconds * 1000 / MEBIBYTES)
            value = of_socat(tools)
            link.theirs.append(value)
            guest.theirs.append(value)
    return [link, guest, alone, muxd_work, vmm_work]
