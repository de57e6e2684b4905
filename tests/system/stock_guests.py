#!/usr/bin/env python3
"""Two guests with the distribution's kernel on one terminal: what they show, and how they end.

usage: stock_guests.py --kernel FILE --initrd FILE [--build DIR] [SCENE...]

Needs a KVM that runs guest kernel code natively; see tests/host/emulated-host for one anywhere.
SCENE is a part of the names of those to run. The initrd is that of examples/make-initramfs.
"""

import argparse
import hashlib
import os
import re
import signal
import statistics
import sys
import time

from programs import Workplace
from stock_pair import (ANSWER, BOOT, PAIR, Pair, is_emulated, prompt, reason_line,
                        run_in_guest, wait_listed)
from tap import Scenes, note
from terminal import screen_lines

LOOK = 2  # seconds between looks at a guest that is measured: each takes processor time from it
MUXD_KILLS = 20
PASTE = 1 << 20

scenes = Scenes()


# Both at their shells


@scenes.scene("both guests reach a shell on one muxd")
def both_reach_a_shell(pair):
    pair.recover()


@scenes.scene("the guests run the given kernel with all their processors")
def kernel_and_processors(pair):
    pair.recover()
    release = os.path.basename(pair.kernel).removeprefix("vmlinuz-")
    for name, processors in (("guest1", 2), ("guest2", 1)):
        shell = pair.shells[name]
        answer = run_in_guest(shell, name, "uname -a")
        assert f"Linux {name} {release} " in answer, answer
        answer = run_in_guest(shell, name, "grep -c ^processor /proc/cpuinfo")
        assert answer.strip() == str(processors), answer


SUSPECT = re.compile(r"<[0-3]>|.*(ACPI (BIOS|Error|Warning)|Firmware Bug|WARNING: |BUG: |lockup|"
                     r"rcu.*stall|unstable)")
# The drivers of the distribution's console are modules: there is none yet when init is started.
ALLOWED = ["unable to open an initial console"]
# A processor emulated by QEMU has no synchronous clocks and describes its XSAVE area wrongly.
ALLOWED_IF_EMULATED = ["TSCs unsynchronized", "fpu__init_system_xstate"]


@scenes.scene("the kernel log has no errors and no warnings of the machine's description")
def kernel_log_is_clean(pair):
    pair.recover()
    allowed = ALLOWED + (ALLOWED_IF_EMULATED if is_emulated() else [])
    for name, shell in pair.shells.items():
        lines = run_in_guest(shell, name, "dmesg -r").splitlines()
        assert len(lines) > 100, lines
        wrong = [line for line in lines
                 if SUSPECT.match(line) and not any(words in line for words in allowed)]
        assert not wrong, f"{name}:\n" + "\n".join(wrong)


@scenes.scene("what both print is tagged, each in its colour")
def tagged_view(pair):
    pair.recover()
    view = pair.place.terminal("attach", "console", columns=120)
    view.wait_for("cons> ")
    for name, shell in pair.shells.items():
        run_in_guest(shell, name, f"echo tag''ged {name}")
    for name, color in (("guest1", "32"), ("guest2", "34")):
        view.wait_for(rf"\x1b\[{color}m{name} +\| (\x1b\[[0-9;]*m)*tagged {name}")
    lines = screen_lines(view.text())
    for name in pair.shells:
        assert any(re.fullmatch(rf"{name} +\| tagged {name}", line) for line in lines), lines
    view.close()


@scenes.scene("typing goes to exactly one guest")
def typing_goes_to_one(pair):
    pair.recover()
    for name, other in (("guest1", "guest2"), ("guest2", "guest1")):
        word = f"only-{name}-{time.monotonic_ns()}"
        assert word in run_in_guest(pair.shells[name], name, f"echo {word}")
        run_in_guest(pair.shells[other], other, "true")
        assert word.encode() in pair.place.ask("cat", name)
        assert word.encode() not in pair.place.ask("cat", other)


@scenes.scene("the size in the guest follows the operator's window")
def size_follows(pair):
    pair.recover()
    shell = pair.shells["guest1"]
    for rows, columns in ((24, 80), (50, 132), (30, 100)):
        shell.resize(rows, columns)
        wait_for_size(shell, rows, columns)


def wait_for_size(shell, rows, columns):
    """The change reaches the guest as an event: its shell may answer before it."""
    run_in_guest(shell, "guest1", f"until stty size | grep -q '^{rows} {columns}$'; "
                 "do usleep 50000; done")


@scenes.scene("a viewer leaves the terminal as it was, however it ends")
def terminal_is_restored(pair):
    pair.recover()
    for what, end in (("console", leave_prompt), ("guest1", leave_guest)):
        viewer = pair.place.terminal("attach", what)
        wait_raw(viewer)
        end(viewer)
        assert viewer.wait_exit() == 0
        assert viewer.attributes() == viewer.attributes_at_start, what
        viewer.close()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        viewer = pair.place.terminal("attach", "guest1")
        wait_raw(viewer)
        viewer.signal(number)
        viewer.wait_exit()
        wait_restored(viewer, number)
        viewer.close()


def wait_raw(viewer):
    viewer.wait_for(".")
    deadline = time.monotonic() + ANSWER
    while not viewer.is_raw():
        assert time.monotonic() < deadline, "the viewer's terminal never became raw"


def wait_restored(viewer, what):
    """After a SIGKILL somebody else restores the attributes, a moment later."""
    deadline = time.monotonic() + ANSWER
    while viewer.attributes() != viewer.attributes_at_start:
        assert time.monotonic() < deadline, f"after {what} the terminal's attributes stay changed"


def leave_prompt(viewer):
    """What is typed right behind leaving a guest may be dropped as the rest of a paste."""
    deadline = time.monotonic() + ANSWER
    while viewer.process.poll() is None and time.monotonic() < deadline:
        viewer.send("quit\r")
        viewer.wait_for_quiet(0.5)


def leave_guest(viewer):
    viewer.wait_for("Connecting to 'guest1'")
    viewer.send("\x05.")
    leave_prompt(viewer)


# Much output and much input


@scenes.scene("a paste of 1 MiB into cat > file arrives whole")
def large_paste(pair):
    pair.recover()
    shell = pair.shells["guest1"]
    line = b"0123456789abcdef" * 4
    text = b"".join(b"%07d %s\n" % (number, line[:55]) for number in range(PASTE // 64))
    assert len(text) == PASTE
    shell.send("stty -echo; echo rea''dy; cat > /tmp/paste; stty echo\r")
    shell.wait_for("ready\r\n", ANSWER)
    shell.send(text.replace(b"\n", b"\r"), BOOT)
    shell.send("\x04")
    shell.wait_for(prompt("guest1"), BOOT)
    answer = run_in_guest(shell, "guest1", "md5sum < /tmp/paste", BOOT)
    assert answer.split()[0] == hashlib.md5(text).hexdigest(), answer


PRINT_MUCH = ("print_much() { echo prin''ting; usleep 1000000; "
              "cut -d' ' -f1 /proc/uptime >/tmp/begin; seq 1000000 1001500; "
              "cut -d' ' -f1 /proc/uptime >/tmp/end; echo all prin''ted; }")


@scenes.scene("no viewer, a stopped viewer and a terminal that nobody reads do not slow a guest")
def slow_viewers(pair):
    pair.recover()
    run_in_guest(pair.shells["guest2"], "guest2", PRINT_MUCH)
    ways = (read, stop, never_read, leave)
    rounds = [[timed_print(pair, way) for way in ways] for _ in range(3)]
    for way, seconds in zip(ways, zip(*rounds)):
        ratio = statistics.median(seconds) / statistics.median(times[0] for times in rounds)
        note(f"{way.__name__}: {ratio:.2f} of the time with a viewer that reads")


def read(viewer):
    """A viewer that shows everything."""


def stop(viewer):
    viewer.signal(signal.SIGSTOP)


def never_read(viewer):
    viewer.pause_reading()


def leave(viewer):
    viewer.close()


def timed_print(pair, way):
    """Seconds, by the guest's clock, that printing takes it with a viewer treated in this way."""
    pair.drop_shell("guest2")
    viewer = pair.reach_shell("guest2")
    viewer.send("\x15print_much\r")
    viewer.wait_for(r"printing\r\n", ANSWER)
    way(viewer)
    deadline = time.monotonic() + BOOT
    while b"all printed" not in pair.place.ask("tail", "guest2", "2"):
        assert time.monotonic() < deadline, f"{way.__name__}: the guest is still printing"
        time.sleep(LOOK)
    viewer.close()
    shell = pair.shells["guest2"] = pair.reach_shell("guest2")
    begin, end = run_in_guest(shell, "guest2", "cat /tmp/begin /tmp/end").split()
    return float(end) - float(begin)


@scenes.scene("muxd killed twenty times: every line once and in order, or counted as lost")
def muxd_killed(pair):
    pair.recover()
    pair.place.ask("hideall")  # each viewer shows only the guest that it is connected to
    collectors = [Collector(pair, name) for name in PAIR]
    for _ in range(MUXD_KILLS):
        pair.daemon.kill()
        pair.daemon = pair.place.muxd()
        for collector in collectors:
            collector.wait_for_more()
    for collector in collectors:
        collector.finish()
    for collector in collectors:
        note(f"{collector.name}: {collector.check()}")
    pair.place.ask("showall")


class Collector:
    """The viewer of a guest that prints numbered lines, as fast as it can, until it gets a key."""

    def __init__(self, pair, name):
        self.name = name
        self.viewer = pair.shells[name]
        self.viewer.send("n=0; stty -echo; echo be''gin; until read -t 0; do n=$((n + 1)); "
                         "echo \"<$n>\"; done; read key; echo la''st $n; stty echo\r")
        self.viewer.wait_for(r"begin\r\n", ANSWER)
        self.begin = self.viewer.position

    def wait_for_more(self):
        """Lines that were not there when this was called."""
        self.viewer.skip_output()
        self.viewer.wait_for(r"<\d+>\r\n.*?<\d+>\r\n", ANSWER)

    def finish(self):
        self.viewer.send("\r")
        self.last = int(self.viewer.wait_for(r"last (\d+)\r\n", BOOT)[1])
        self.viewer.wait_for(prompt(self.name), ANSWER)

    def check(self):
        """What the screen shows is what was printed, but for what is counted as lost."""
        printed = "".join(f"<{number}>\r\n" for number in range(1, self.last + 1))
        text = self.viewer.text(self.begin)
        lines = screen_lines(text[:text.rindex(f"last {self.last}")])
        messages = [line for line in lines if line.startswith("*** ")]
        shown = "\r\n".join(line for line in lines if not line.startswith("*** "))
        lost = sum(int(count) for line in messages
                   for count in re.findall(r"(\d+) bytes lost", line))
        if lost == 0:
            assert shown == printed, f"{self.name}: {difference(shown, printed)}"
        numbers = [int(number) for number in re.findall(r"^<(\d+)>\r$", shown, re.MULTILINE)]
        assert numbers == sorted(set(numbers)), f"{self.name}: lines doubled or out of order"
        assert len(shown) + lost == len(printed), \
            f"{self.name}: {len(printed)} bytes printed, {len(shown)} shown, {lost} counted as lost"
        return f"{self.last} lines, {lost} of {len(printed)} bytes lost and counted"


def difference(part, expected):
    """The first place where two texts differ, for people."""
    common = os.path.commonprefix([part, expected])
    return f"{part[len(common):][:80]!r} instead of {expected[len(common):][:80]!r}"


# Ends


@scenes.scene("a reboot comes back on the same channel")
def reboot_comes_back(pair):
    pair.recover()
    before = set(pair.place.channels())
    shell = pair.shells["guest2"]
    shell.send("\x15reboot\r")
    shell.wait_for("--- guest2: rebooted ---", ANSWER)  # its shell prompted until then
    pair.reach_shell("guest2", shell)
    assert set(pair.place.channels()) == before
    assert pair.guests["guest2"].is_running()


@scenes.scene("poweroff ends vmm with 0")
def poweroff_ends(pair):
    pair.recover()
    for name, shell in pair.shells.items():
        shell.send("\x15poweroff\r")
    for name, guest in pair.guests.items():
        assert guest.wait_exit(ANSWER) == 0, guest.log()


class Ending:
    """A guest of its own, and how it is to end."""

    def __init__(self, name, typed, status, reason, words=""):
        self.name = name
        self.typed = typed  # at the shell; None: it ends before
        self.status = status
        self.reason = reason  # in the one line of the log
        self.words = words  # of the command line


def play_endings(pair, *endings):
    """Two at a time: a machine may have no more processors."""
    pair.have_muxd()
    for ending in endings:
        pair.guests[ending.name] = pair.start_guest(ending.name, ending.words, on_reboot="exit")
    for ending in endings:
        if ending.typed:
            wait_listed(pair, ending.name)
            shell = pair.reach_shell(ending.name)
            shell.send(ending.typed + "\r")
    for ending in endings:
        guest = pair.guests.pop(ending.name)
        status = guest.wait_exit(BOOT)
        assert status == ending.status, f"{ending.name}: status {status}:\n{guest.log()}"
        reason_line(guest, ending.reason)


@scenes.scene("a reboot and echo b end vmm with 102 when a supervisor restarts the guest")
def reboot_exits(pair):
    play_endings(pair,
                 Ending("reboot", "reboot", 102, "reboot"),
                 Ending("sysrq", "echo b > /proc/sysrq-trigger", 102, "reboot"))


@scenes.scene("a panic and a triple fault end vmm with 3")
def crashes_exit(pair):
    play_endings(pair,
                 Ending("panic", "echo c > /proc/sysrq-trigger", 3, "panic"),
                 Ending("triple", "reboot -f", 3, "triple fault", words="reboot=t"))


@scenes.scene("a missing init ends vmm with 3, and a request to stop with 0")
def missing_init_and_stop(pair):
    pair.guests["stopped"] = pair.start_guest("stopped")
    play_endings(pair, Ending("noinit", None, 3, "panic", words="rdinit=/missing"))
    wait_listed(pair, "stopped")
    shell = pair.reach_shell("stopped")
    pair.guests["stopped"].signal(signal.SIGTERM)
    shell.wait_for("going down", ANSWER)
    assert pair.guests.pop("stopped").wait_exit(ANSWER) == 0


@scenes.scene("viewer, guest and muxd find each other in any order")
def start_orders(pair):
    pair.have_muxd()
    pair.daemon.kill()
    viewer = pair.place.terminal("attach", "early")
    guest = pair.start_guest("early")
    late = pair.start_guest("late")
    pair.daemon = pair.place.muxd()
    pair.reach_shell("early", viewer)
    shell = pair.reach_shell("late")
    for terminal in (viewer, shell):
        terminal.send("poweroff\r")
    assert guest.wait_exit(ANSWER) == 0, guest.log()
    assert late.wait_exit(ANSWER) == 0, late.log()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("scene", nargs="*")
    options = parser.parse_args()
    with Workplace(options.build) as place:
        pair = Pair(place, os.path.abspath(options.kernel), os.path.abspath(options.initrd))
        return scenes.run(pair, only=options.scene)


if __name__ == "__main__":
    sys.exit(main())
