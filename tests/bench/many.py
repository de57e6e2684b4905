"""Many idle guests and one muxd: all alive, each answering on its console, and what each costs.

The peer of every figure is the same with one guest: cost must not grow with the number of guests.
"""

import os
import statistics
import time

from figures import Figure, on_terminal, private_memory
from mux import Viewer
from programs import Workplace

READY = "echo ready"
ROUNDS = 500
IDLE = 2  # seconds of watching that nobody wakes up


def wake_ups(pids):
    """How often the threads of these processes went to sleep until now."""
    count = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
                for line in status:
                    if line.startswith("voluntary_ctxt_switches:"):
                        count += int(line.split()[1])
    return count


def idle_wake_ups(pids):
    before = wake_ups(pids)
    time.sleep(IDLE)
    return (wake_ups(pids) - before) / IDLE


def start_guests(place, tools, viewer, count):
    """Starts guests until there are so many, and waits until each says it is ready."""
    present = [program for program in place.programs if program.name.startswith("guest")]
    names = [f"guest{number}" for number in range(len(present), count)]
    for name in names:
        viewer.follow(name, types=True)
        place.guest(name, **tools.guest_settings("echo"))
    viewer.until(lambda: all(READY.encode() in viewer.output(name) for name in names))
    return [program for program in place.programs if program.name.startswith("guest")]


def everyone_answers(viewer, guests):
    """Types a line into each; every one has to answer with just that."""
    viewer.until(lambda: all(viewer.credit.get(guest.name) for guest in guests))
    for guest in guests:
        viewer.type(guest.name, f"<{guest.name}>".encode())
    viewer.until(lambda: all(viewer.output(guest.name).endswith(f"<{guest.name}>".encode())
                             for guest in guests))
    stopped = [guest.name for guest in guests if not guest.is_running()]
    if stopped:
        raise RuntimeError(f"not alive: {' '.join(stopped)}")


def keystroke(place, tools):
    muxd = [place.path("muxd"), "--runtime-dir", place.runtime, "attach", "guest0"]
    return on_terminal(tools, "echo", str(ROUNDS), READY, *muxd)[0] / 1e3


def measure(tools, count):
    number = tools.guests
    echo = Figure(f"many: keystroke with {number} guests", "us", "with 1", "flat", 0)
    private = Figure(f"many: muxd private, {number} guests", "KiB", "with 1", "", 0)
    proportional = Figure(f"many: PSS of a vmm, {number} guests", "KiB", "of 1", "", 0)
    wakes = Figure(f"many: wake-ups a second, {number} + muxd", "", "", "0")
    with Workplace(tools.build) as place:
        muxd = place.muxd()
        viewer = Viewer(place.runtime)
        guests = start_guests(place, tools, viewer, 1)
        everyone_answers(viewer, guests)
        echo.theirs = [keystroke(place, tools) for _ in range(count)]
        private.theirs = [private_memory(muxd.pid, "memfd:")[0] / 1024]
        proportional.theirs = [private_memory(guests[0].pid, "memfd:guest")[1] / 1024]
        guests = start_guests(place, tools, viewer, number)
        everyone_answers(viewer, guests)
        echo.ours = [keystroke(place, tools) for _ in range(count)]
        private.ours = [private_memory(muxd.pid, "memfd:")[0] / 1024]
        proportional.ours = [statistics.median(private_memory(guest.pid, "memfd:guest")[1] / 1024
                                               for guest in guests)]
        wakes.ours = [idle_wake_ups([muxd.pid, *(guest.pid for guest in guests)])
                      for _ in range(count)]
        viewer.close()
    return [echo, private, proportional, wakes]
