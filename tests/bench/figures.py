"""What the benchmarks share: figures and their table, programs to compare with, their memory."""

import os
import re
import statistics
import subprocess

GUEST_MEMORY = "32M"
TIMEOUT = 120  # seconds for anything that is waited for


class Figure:
    """Values of ours and of a peer, measured in turns in one run, and the goal for their ratio."""

    def __init__(self, name, unit, peer, goal="", digits=1):
        self.name = name
        self.unit = unit
        self.peer = peer
        self.goal = goal
        self.digits = digits
        self.ours = []
        self.theirs = []

    def ratio(self):
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def _value(self, values):
        middle, least, most = (f"{value:.{self.digits}f}" for value in
                               (statistics.median(values), min(values), max(values)))
        return f"{middle} {self.unit}" if len(values) == 1 else f"{middle} {self.unit} ({least}–{most})"

    def row(self):
        if not self.theirs:
            return [self.name, self._value(self.ours), "", "", "", self.goal]
        return [self.name, self._value(self.ours), self.peer, self._value(self.theirs),
                f"{self.ratio():.2f}", self.goal]


def table(figures):
    rows = [["figure", "ours: median (min–max)", "against", "its median (min–max)", "ratio", "goal"]]
    rows += [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


class Tools:
    """Where the programs under comparison are, and how many guests are many."""

    def __init__(self, build, guests):
        self.guests = guests
        self.build = os.path.abspath(build)
        self.vmm = os.path.join(self.build, "vmm")
        self.guest = os.path.join(self.build, "tests/guest/guest.elf")

    def bench(self, name):
        return os.path.join(self.build, "tests/bench", name)

    def qemu(self, words, *options):
        """QEMU's smallest machine with what vmm always has, its UART on standard output."""
        return ["qemu-system-x86_64", "-M",
                "microvm,acpi=on,pit=off,pic=off,rtc=off,memory-backend=ram", "-object",
                f"memory-backend-memfd,id=ram,size={GUEST_MEMORY}", "-enable-kvm", "-cpu", "max",
                "-m", GUEST_MEMORY, "-smp", "1", "-nodefaults", "-no-user-config", "-display",
                "none", "-no-reboot", "-kernel", self.guest, "-append", words,
                "-device", "virtio-serial-device", "-device", "virtio-rng-device", *options]

    def guest_settings(self, words):
        """The same for vmm: see configuration() of programs.py."""
        return {"kernel": self.guest, "cmdline": words, "memory": GUEST_MEMORY, "defaults": False}


def wait_for_line(process, pattern):
    """Reads a program's output until a line matches."""
    for line in process.stdout:
        if re.search(pattern, line):
            return line
    raise RuntimeError(f"{process.args[0]}: ended without {pattern!r}")


def private_memory(pid, guest_memory):
    """Private dirty bytes and PSS of a process, without the mappings of its guest's memory."""
    dirty = proportional = 0
    counted = True
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
        for line in smaps:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                counted = guest_memory not in line
            elif counted and line.startswith("Private_Dirty:"):
                dirty += int(line.split()[1]) * 1024
            elif counted and line.startswith("Pss:"):
                proportional += int(line.split()[1]) * 1024
    return dirty, proportional


def first_run(tools, command, directory):
    """Milliseconds from a command's start to its first KVM_RUN, and of its processor time."""
    result = subprocess.run([tools.bench("start_at"), *command], cwd=directory, text=True,
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                            env={**os.environ, "LD_PRELOAD": tools.bench("libfirst_run.so")},
                            check=False)
    if not re.fullmatch(r"\d+ \d+\n", result.stdout):
        raise RuntimeError(f"{command[0]}: no KVM_RUN: {result.stdout}{result.stderr}")
    return [int(word) / 1e6 for word in result.stdout.split()]


def on_terminal(tools, *words):
    """The numbers that on_terminal.c prints."""
    result = subprocess.run([tools.bench("on_terminal"), *words], text=True, capture_output=True,
                            timeout=TIMEOUT, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.stdout}{result.stderr}")
    return [int(word) for word in result.stdout.split()]


def processor_milliseconds(pid):
    """Of a process with one thread, to the nanosecond."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as times:
        return int(times.read().split()[0]) / 1e6


def processor_seconds(pid, thread=None):
    """Of a process, or of one thread of it."""
    path = f"/proc/{pid}/task/{thread}/stat" if thread else f"/proc/{pid}/stat"
    with open(path, encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
