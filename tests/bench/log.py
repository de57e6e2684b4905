"""One guest that prints without end, through muxd to a viewer on a terminal and to its log.

A console link without a guest behind it prints; muxd's main process, the process that writes the logs
and the viewer's two are what it costs. The peer is one socat between two pseudo-terminals, which keeps
nothing, with a program that prints the same; neither source counts. Nothing is lost: each byte is
read from the terminal, and is in the log.
"""

import os
import time

from console import END, MEBIBYTES, READY, RING
from figures import TIMEOUT, Figure, on_terminal, processor_milliseconds
from programs import Workplace


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as numbers:
        return [int(number) for number in numbers.read().split()]


def used(muxd):
    """Milliseconds of processor time of muxd and of its processes."""
    return sum(processor_milliseconds(pid) for pid in (muxd.pid, *children(muxd.pid)))


def wait_for_log(path, size):
    """The text, without the times in front of its lines, is as long as what was printed."""
    deadline = time.monotonic() + TIMEOUT
    while not os.path.exists(path) or os.path.getsize(path) < size:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} is not whole")
        time.sleep(0.01)


def through_muxd(tools):
    """MiB a second on the terminal, and milliseconds of processor time for each MiB."""
    with Workplace(tools.build) as place:
        os.mkdir(place.file("logs"))
        with open(place.file("muxd.toml"), "w", encoding="ascii") as file:
            file.write(f'[log]\ndirectory = "{place.file("logs")}"\ntimes = "off"\nsize = 0\n')
        muxd = place.muxd("--config", place.file("muxd.toml"), "--bufsize", RING)
        place.program("one", [tools.bench("link_flood"), f"{place.runtime}/device.sock", "one",
                              str(MEBIBYTES)])
        while "one" not in place.channels():
            pass
        before = used(muxd)  # that of making so large a history
        count, nanoseconds, viewer = on_terminal(tools, "read", END, READY, place.path("muxd"),
                                                 "--runtime-dir", place.runtime, "attach", "one")
        if count < MEBIBYTES << 20:
            raise RuntimeError("output is missing")
        wait_for_log(os.path.join(place.file("logs"), "one.log"), MEBIBYTES << 20)
        work = viewer / 1e6 + used(muxd) - before
        return MEBIBYTES / (nanoseconds / 1e9), work / MEBIBYTES


def through_socat(tools):
    source = f"EXEC:{tools.bench('print_flood')} {MEBIBYTES},pty,raw,echo=0"
    _, nanoseconds, work = on_terminal(tools, "read", END, READY, "socat", "STDIO,raw,echo=0",
                                       source)
    return MEBIBYTES / (nanoseconds / 1e9), work / 1e6 / MEBIBYTES


def measure(tools, count):
    rate = Figure("log: link, muxd, viewer and log", "MiB/s", "socat, pty to pty", "", 0)
    work = Figure("log: processor time of all of muxd", "ms/MiB", "socat", "", 2)
    for _ in range(count):
        for figure, ours, theirs in zip((rate, work), through_muxd(tools), through_socat(tools)):
            figure.ours.append(ours)
            figure.theirs.append(theirs)
    return [rate, work]
