"""A keystroke until its echo is on the terminal: through a viewer, muxd, vmm and a guest, and back.

The peer is the same guest whose console link ends in bare_console.c on a terminal of its own: the
least that can stand between a vmm and a terminal.
"""

import os

from figures import Figure, on_terminal
from programs import Workplace

ROUNDS = 2000
READY = "echo ready"


def microseconds(tools, *command):
    median, high = on_terminal(tools, "echo", str(ROUNDS), READY, *command)
    return median / 1e3, high / 1e3


def through_muxd(tools):
    with Workplace(tools.build) as place:
        place.muxd()
        place.guest("echo", **tools.guest_settings("echo"))
        return microseconds(tools, place.path("muxd"), "--runtime-dir", place.runtime, "attach",
                            "echo")


def through_bare_terminal(tools):
    with Workplace(tools.build) as place:
        os.mkdir(place.runtime)
        place.guest("echo", **tools.guest_settings("echo"))
        return microseconds(tools, tools.bench("bare_console"), f"{place.runtime}/device.sock")


def measure(tools, count):
    middle = Figure("echo: median of a keystroke", "us", "bare terminal", "<= 1.3", 0)
    high = Figure("echo: 99th percentile", "us", "bare terminal", "", 0)
    for _ in range(count):
        for figure, value in zip((middle, high), through_muxd(tools)):
            figure.ours.append(value)
        for figure, value in zip((middle, high), through_bare_terminal(tools)):
            figure.theirs.append(value)
    return [middle, high]
