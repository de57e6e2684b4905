"""Wires between guests, against DPDK's testpmd between two vhost ports and against this machine.

One program (wire_frontend.c) is both guests, on one processor, whatever is between them; what is
between them, a wire's worker or testpmd forwarding without a look (io), has another processor. Ours
and theirs are measured in turns, the other one stopped. Where that is allowed, the two go before
everything else on their processors. testpmd has huge pages where they can be had.
"""

import os
import signal
import subprocess
import tempfile
import time

from figures import TIMEOUT, Figure, processor_seconds
from many import wake_ups
from programs import Workplace

BACK, FRONT = 0, 1  # processors
TIME = "200"  # milliseconds of each value
LARGE = "64 KiB segments"
LARGE_UNDER_WAY = "8"  # of these: half a MiB; the receiver has buffers of one MiB
LARGE_FRAME = 65226
IDLE = 3  # seconds
SETTLED = 1  # seconds after which nobody has anything to say any more
PAUSE = 0.2  # seconds: who goes first all the time is held up by the kernel
CONFIGURATION = """\
[[cable]]
name = "always"
poll = "always"

[[cable]]
name = "default"

[[cable]]
name = "off"
poll = "off"

[[switch]]
name = "switch"
poll = "always"

[[switch]]
name = "sixteen"
poll = "always"
"""


def go_first(pid):
    """Before everything else on its processor, where we may say so."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            return


class Wires:
    """muxd with a worker for each wire."""

    def __init__(self, place):
        self.place = place
        path = place.file("muxd.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        self.muxd = place.muxd("--config", path)
        os.sched_setaffinity(self.muxd.pid, {FRONT})
        self.worker = {}
        while len(self.worker) < CONFIGURATION.count("[["):
            self._look_for_workers()
        for pid in self.worker.values():
            os.sched_setaffinity(pid, {BACK})

    def _look_for_workers(self):
        with open(f"/proc/{self.muxd.pid}/task/{self.muxd.pid}/children", encoding="utf-8") as file:
            for pid in map(int, file.read().split()):
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as words:
                    title = words.read().split("\0")[0]
                if title.startswith("muxd: wire "):
                    self.worker[title.removeprefix("muxd: wire ")] = pid

    def sockets(self, name):
        return [os.path.join(self.place.runtime, "net", name + ".sock")]

    def start(self, name):
        go_first(self.worker[name])

    def stop(self, name):
        """It stops by itself."""


class Testpmd:
    """Two vhost ports, what comes in at one goes out at the other."""

    def __init__(self, place, huge, *options):
        self.directory = tempfile.mkdtemp(prefix="testpmd-", dir=place.directory)
        memory = ["-m", "400", "--in-memory"] if huge else ["--no-huge", "-m", "1024"]
        devices = [f"--vdev=net_vhost{port},iface={path},queues=1,tso=1"
                   for port, path in enumerate(self.sockets())]
        command = ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"1@{FRONT},0@{BACK}", "--main-lcore", "1",
                   "--no-pci", "--no-telemetry", "--file-prefix", os.path.basename(self.directory),
                   *memory, *devices, "--", "--forward-mode=io", "--nb-cores=1", "--auto-start",
                   "--no-flush-rx", *options]
        self.process = subprocess.Popen(command, cwd=self.directory, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        place.programs.append(self)
        self.name = "testpmd"
        self._wait_until_ready()
        self.stop()

    def _wait_until_ready(self):
        said = b""
        while b"Press enter" not in said:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise RuntimeError("testpmd: " + said.decode(errors="replace")[-500:])
            said += part
        os.set_blocking(self.process.stdout.fileno(), False)

    def sockets(self, _name=None):
        return [os.path.join(self.directory, f"{port}.sock") for port in range(2)]

    def start(self, _name=None):
        go_first(self.process.pid)
        self.process.send_signal(signal.SIGCONT)

    def stop(self, _name=None):
        self.process.send_signal(signal.SIGSTOP)
        try:
            while os.read(self.process.stdout.fileno(), 65536):
                pass  # it says much, and nobody listens meanwhile
        except BlockingIOError:
            pass

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def prepare_front():
    os.sched_setaffinity(0, {FRONT})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def drive(tools, back, wire, words):
    """The two numbers that wire_frontend prints."""
    time.sleep(PAUSE)
    back.start(wire)
    try:
        result = subprocess.run([tools.bench("wire_frontend"), "-d", TIME, *words,
                                 *back.sockets(wire)], text=True, capture_output=True,
                                timeout=TIMEOUT, preexec_fn=prepare_front, check=False)
    finally:
        back.stop(wire)
    if result.returncode != 0:
        raise RuntimeError(f"{wire or 'testpmd'}: {result.stderr.strip()}")
    return [float(word) for word in result.stdout.split()]


def limit(tools, *words):
    """A number that wire_limits prints."""
    result = subprocess.run([tools.bench("wire_limits"), *words], text=True, capture_output=True,
                            timeout=TIMEOUT, preexec_fn=prepare_front, check=True)
    return float(result.stdout)


def copied(tools):
    """Gbit/s of memcpy for what a wire copies of large frames."""
    size = str(int(LARGE_UNDER_WAY) * LARGE_FRAME)
    return limit(tools, "copy", str(LARGE_FRAME), size, str(1 << 20)) / 1e9


def line(tools):
    """Nanoseconds for a cache line to the other processor and back."""
    return limit(tools, "line", str(FRONT), str(BACK))


class Measure:
    """One figure: how a value of ours is taken, and how one of the peer's."""

    def __init__(self, figure, ours, theirs):
        self.figure = figure
        self.ours = ours
        self.theirs = theirs

    def take(self, count):
        for _ in range(count):
            self.figure.ours.append(self.ours())
            self.figure.theirs.append(self.theirs())
        return self.figure


def comparisons(tools, wires, peer, large_peer):
    """Of throughput, with testpmd."""
    def rate(back, wire, *words):
        return lambda: drive(tools, back, wire, words)[0] / 1e6

    def bits(back, wire, *words):
        return lambda: drive(tools, back, wire, words)[1] / 1e9

    def both(name, unit, goal, how, wire, *words, against=peer):
        figure = Figure(name, unit, "testpmd", goal)
        return Measure(figure, how(wires, wire, *words), how(against, None, *words))

    large = ["-T", "-u", LARGE_UNDER_WAY]
    many = Figure("64 B, switch, 4 of 64 ports active", "Mpps", "testpmd", "at least 2")
    return [
        both("64 B, cable, one way", "Mpps", "at least 3", rate, "always"),
        both("64 B, cable, both ways", "Mpps", "", rate, "always", "-b"),
        both("1518 B, left alone", "Gbit/s", "", bits, "always", "-l", "1518"),
        both("1518 B, written and read", "Gbit/s", "at least 1.1", bits, "always", "-l", "1518",
             "-t"),
        both(LARGE + ", left alone", "Gbit/s", "at least 5", bits, "always", *large,
             against=large_peer),
        both(LARGE + ", written and read", "Gbit/s", "", bits, "always", *large, "-t",
             against=large_peer),
        Measure(Figure(LARGE + ", left alone", "Gbit/s", "memcpy", "at least 0.85"),
                bits(wires, "always", *large), lambda: copied(tools)),
        both("64 B, guests sleep, default", "Mpps", "at least 1.5", rate, "default", "-s"),
        both("64 B, guests sleep, default, rings of 1024", "Mpps", "", rate, "default", "-s", "-q",
             "1024"),
        Measure(many, rate(wires, "switch", "-g", "64", "-a", "4"), rate(peer, None)),
        Measure(Figure("15 of 16 ports, one takes nothing", "Mpps", "none such", "about 1"),
                rate(wires, "sixteen", "-g", "16", "-a", "16", "-S"),
                rate(wires, "sixteen", "-g", "16", "-a", "16", "-R")),
    ]


def round_trips(tools, wires, peer):
    """In nanoseconds: medians."""
    def trip(back, wire, *words):
        return lambda: drive(tools, back, wire, ["-r", *words])[0]

    always = trip(wires, "always")
    return [
        Measure(Figure("round trip, polling", "ns", "a cache line's", "at most 2.5"), always,
                lambda: line(tools)),
        Measure(Figure("round trip, polling", "ns", "testpmd", ""), always, trip(peer, None)),
        Measure(Figure("round trip, default", "ns", "polling", "at most 1.5"),
                trip(wires, "default"), always),
        Measure(Figure("round trip, default, guests sleep", "ns", "poll = \"off\"", ""),
                trip(wires, "default", "-s"), trip(wires, "off", "-s")),
    ]


def idle(wires):
    """Wake-ups and processor time of muxd and its workers with nobody and with idle guests."""
    pids = [wires.muxd.pid, wires.worker["default"]]
    before = wake_ups(pids), sum(map(processor_seconds, pids))
    time.sleep(IDLE)
    after = wake_ups(pids), sum(map(processor_seconds, pids))
    woken = Figure("wake-ups of an idle wire, default", "/s", "", "0")
    busy = Figure("processor time of an idle wire, default", "ms/s", "", "0")
    woken.ours.append((after[0] - before[0]) / IDLE)
    busy.ours.append((after[1] - before[1]) / IDLE * 1e3)
    return [woken, busy]


def idle_guests(tools, wires):
    """Two guests on a wire that have nothing to say."""
    with subprocess.Popen([tools.bench("wire_frontend"), "-i", *wires.sockets("default")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as guests:
        guests.stdout.readline()
        time.sleep(SETTLED)
        figures = idle(wires)
        guests.stdin.close()
    return figures


class HugePages:
    """As many as two of testpmd want, where we may have them; given back at the end."""

    PATH = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
    WANTED = 512

    def __enter__(self):
        self.before = self._count()
        if self.before is not None and self.before < self.WANTED:
            self._set(self.WANTED)
        return (self._count() or 0) >= self.WANTED

    def __exit__(self, *_):
        if self.before is not None and self.before < self.WANTED:
            self._set(self.before)

    def _count(self):
        try:
            with open(self.PATH, encoding="utf-8") as file:
                return int(file.read())
        except OSError:
            return None

    def _set(self, count):
        try:
            with open(self.PATH, "w", encoding="utf-8") as file:
                file.write(str(count))
        except OSError:
            pass  # then there are as many as there were


def measure(tools, count):
    figures = []
    with HugePages() as huge, Workplace(tools.build) as place:
        print(f"testpmd has {'huge pages' if huge else 'no huge pages'}", flush=True)
        wires = Wires(place)
        peer = Testpmd(place, huge)
        large_peer = Testpmd(place, huge, "--mbuf-size=65535", "--total-num-mbufs=2048")
        for one in comparisons(tools, wires, peer, large_peer) + round_trips(tools, wires, peer):
            figures.append(one.take(count))
        figures += idle_guests(tools, wires)
    return figures
