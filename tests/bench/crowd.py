"""A keystroke until its echo is on the terminal, while 63 other guests print without end.

Console links without guests behind them, so that muxd and the viewer are what takes the time. The
peer is the same muxd with nothing else to do. Once the others are hidden: muxd only stores what they
print; once all of it goes to the same terminal, around the guest that is typed at; and once they
print to another muxd, so that only the processors are busy: the least that this machine allows.
"""

import contextlib
import os
import subprocess

from figures import Figure, on_terminal, wait_for_line
from programs import Workplace

GUESTS = 63
ROUNDS = 500
READY = "echo ready"


def start_crowd(tools, device, guests, stack):
    crowd = subprocess.Popen([tools.bench("link_crowd"), device, str(guests)], text=True,
                             stdout=subprocess.PIPE)
    stack.callback(crowd.wait)
    stack.callback(crowd.kill)
    wait_for_line(crowd, "crowd ready")


def echo(tools, guests, *options, elsewhere=False):
    """Microseconds: the median, and the 99th percentile."""
    with Workplace(tools.build) as place, contextlib.ExitStack() as stack:
        place.muxd(*options)
        other = stack.enter_context(Workplace(tools.build)) if elsewhere else place
        if elsewhere:
            other.muxd(*options)
        device = os.path.join(place.runtime, "device.sock")
        place.program("echo", [tools.bench("link_echo"), device, "echo"])
        if guests:
            start_crowd(tools, os.path.join(other.runtime, "device.sock"), guests, stack)
        median, high = on_terminal(tools, "echo", str(ROUNDS), READY, place.path("muxd"),
                                   "--runtime-dir", place.runtime, "attach", "echo")
        return median / 1e3, high / 1e3


def measure(tools, count):
    cases = (("63 others that are hidden", "--hide-all", False),
             ("63 others on the same terminal", "-a", False),
             ("63 others in another muxd", "--hide-all", True))
    figures = []
    for name, option, elsewhere in cases:
        middle = Figure(f"echo, {name}: median", "us", "idle muxd", "", 0)
        high = Figure(f"echo, {name}: 99th percentile", "us", "idle muxd", "", 0)
        for _ in range(count):
            for figure, ours, theirs in zip((middle, high),
                                            echo(tools, GUESTS, option, elsewhere=elsewhere),
                                            echo(tools, 0, option)):
                figure.ours.append(ours)
                figure.theirs.append(theirs)
        figures += [middle, high]
    return figures
