"""A muxd of its own for a test, and muxd's control socket: commands, and attach streams.

    with Mux() as mux:
        guest = Guest(mux.directory, "guest1")
        mux.run("list")                      # what the command prints
        viewer = mux.attach()                # an attach stream, taking turns like a Guest
        viewer.follow("guest1")
        viewer.until(lambda: b"login:" in viewer.output("guest1"))
"""

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from console_link import TIMEOUT, message, take_message

CHANNEL, GONE, OUTPUT, LOST, CREDIT, NOTICE, READY, WRITER = range(1, 9)
FOLLOW, UNFOLLOW, INPUT, BREAK, SIZE, TAKE, YIELD = range(64, 71)
FREE, MINE, OTHER, ASKED = range(1, 5)  # of WRITER
FOLLOW_INPUT, FOLLOW_TIMES, FOLLOW_WATCH = 1, 2, 4
FROM_END = 2**64 - 1


def muxd_program():
    """The program under test: MUXD, or the first one built."""
    if "MUXD" in os.environ:
        return os.environ["MUXD"]
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
    for name in ("release", "debug", "dev", "asan"):
        path = os.path.join(top, name, "muxd")
        if os.path.exists(path):
            return os.path.abspath(path)
    raise SystemExit("no muxd: build it, or set MUXD")


class Mux:
    def __init__(self, *options, directory=None, start=True):
        self.program = muxd_program()
        self.options = options
        self.own = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="muxd-")
        self.log = os.path.join(self.directory, "log")
        self.process = None
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        log = self.log_text() if os.path.exists(self.log) else ""
        if self.own:
            shutil.rmtree(self.directory)
        assert "Sanitizer" not in log and "runtime error" not in log, log

    def command(self, *words):
        return [self.program, "--runtime-dir", self.directory, *words]

    def start(self):
        """Until it says that it is ready."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(self.directory, "notify")
        if os.path.exists(path):
            os.unlink(path)
        notify.bind(path)
        notify.settimeout(TIMEOUT)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*self.options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": path},
            )
        try:
            assert b"READY=1" in notify.recv(4096)
        except TimeoutError:
            with open(self.log, encoding="utf-8") as log:
                raise AssertionError(f"muxd is not ready: {log.read()}") from None
        notify.close()

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT)

    def stop(self):
        """SIGTERM; the exit status."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def sleeps(self):
        """Its state, and how often it went to sleep."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            words = dict(line.split(":", 1) for line in status)
        return words["State"].split()[0], int(words["voluntary_ctxt_switches"])

    def stays_asleep(self, times):
        """Does it sleep on while so many other processes run?"""
        before = self.sleeps()
        for _ in range(times):
            subprocess.run(["true"], check=True)
        return before[0] == "S" and self.sleeps() == before

    def wait_for_rest(self):
        """Until it has done what was to be done; then nothing may happen any more."""
        deadline = time.monotonic() + TIMEOUT
        while not self.stays_asleep(100):
            assert time.monotonic() < deadline, f"it does not come to rest: {self.sleeps()}"
        before = self.sleeps()
        assert self.stays_asleep(300), (before, self.sleeps())

    # Commands

    def call(self, *words):
        return subprocess.run(
            self.command(*words), capture_output=True, timeout=TIMEOUT, check=False
        )

    def run(self, *words):
        done = self.call(*words)
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def channels(self):
        return {channel["name"]: channel for channel in self.json("list")}

    def attach(self, **options):
        return Viewer(self.directory, **options)


def varlink(stream, method, parameters, **flags):
    request = {"method": method, "parameters": parameters, **flags}
    stream.sendall(json.dumps(request).encode() + b"\0")


def control(directory):
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(TIMEOUT)
    try:
        stream.connect(os.path.join(directory, "control.sock"))
    except OSError:
        stream.close()
        raise
    return stream


class Viewer:
    """An attach stream that goes on where it was when muxd comes back."""

    def __init__(self, directory, read_only=False):
        self.stream = None
        self.directory = directory
        self.read_only = read_only
        self.shown = {}  # name: bytearray
        self.position = {}  # name: where to go on
        self.lost = {}  # name: bytes
        self.gaps = {}  # name: [(in shown, bytes lost there)]
        self.types = {}  # name: flags of FOLLOW
        self.timed = set()  # names whose output is to come with its times
        self.times = {}  # name: [(index in what was shown, ms since the epoch)]
        self.channel = {}  # name: what CHANNEL said
        self.names = {}  # id: name, on this stream
        self.credit = {}  # name: left
        self.sent = {}  # name: on this stream
        self.notices = []
        self.writer = {}  # name: (FREE, MINE or OTHER, who)
        self.askers = {}  # name: who
        self.discarded = {}  # name: bytes
        self.ready = False
        self.ended = False
        self._connect()

    def _connect(self):
        self.ready = False
        self.names = {}
        self.credit = {}
        self.sent = {}
        self.received = bytearray()
        try:
            self.stream = control(self.directory)
            varlink(self.stream, "org.vmm.mux.Attach",
                    {"version": 2, "readOnly": self.read_only}, upgrade=True)
            while b"\0" not in self.received:
                data = self.stream.recv(65536)
                if not data:
                    raise OSError("no answer")
                self.received += data
        except OSError:
            self.close()
            return
        reply, _, rest = bytes(self.received).partition(b"\0")
        self.reply = json.loads(reply)
        assert "error" not in self.reply, self.reply
        self.received = bytearray(rest)
        self.stream.setblocking(False)

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    __del__ = close

    def output(self, name):
        return bytes(self.shown.get(name, b""))

    def _send(self, kind, body):
        data = message(kind, body)
        while data and self.stream:
            select.select([], [self.stream], [], TIMEOUT)
            data = data[self.stream.send(data) :]

    def _id(self, name):
        return next(id_ for id_, known in self.names.items() if known == name)

    def time_of(self, name, index):
        """When that byte of what was shown came, if times were asked for."""
        return [time for begin, time in self.times[name] if begin <= index][-1]

    def follow(self, name, position=0, types=False, times=False):
        """As soon as there is a channel of this name, and on each new stream."""
        self.position.setdefault(name, position)
        self.shown.setdefault(name, bytearray())
        self.lost.setdefault(name, 0)
        if types:
            self.types[name] = FOLLOW_WATCH | FOLLOW_INPUT if types == "watch" else FOLLOW_INPUT
        if times:
            self.timed.add(name)
        if name in self.names.values():
            self._send_follow(name)

    def _send_follow(self, name):
        self._send(FOLLOW, struct.pack("=IIQ", self._id(name),
                                       self.types.get(name, 0) | FOLLOW_TIMES * (name in self.timed),
                                       self.position[name]))

    def type(self, name, data):
        """As much of it as the credit allows; how many bytes."""
        count = min(len(data), self.credit.get(name, 0) - self.sent.get(name, 0), 65536)
        if count > 0:
            self._send(INPUT, struct.pack("=I", self._id(name)) + data[:count])
            self.sent[name] = self.sent.get(name, 0) + count
        return max(count, 0)

    def resize(self, name, columns, rows):
        self._send(SIZE, struct.pack("=IHH", self._id(name), columns, rows))

    def send_break(self, name):
        self._send(BREAK, struct.pack("=I", self._id(name)))

    def unfollow(self, name):
        self._send(UNFOLLOW, struct.pack("=I", self._id(name)))

    def take(self, name, force=False):
        self._send(TAKE, struct.pack("=II", self._id(name), force))

    def give(self, name):
        self._send(YIELD, struct.pack("=I", self._id(name)))

    def _writer(self, name, body):
        state, discarded = struct.unpack_from("=IQ", body, 4)
        self.discarded[name] = self.discarded.get(name, 0) + discarded
        if state == ASKED:
            self.askers[name] = body[16:].decode()
        else:
            self.writer[name] = state, body[16:].decode()

    def _handle(self, kind, body):
        if kind == READY:
            self.ready = True
            return
        if kind == NOTICE:
            self.notices.append(body.decode())
            return
        (id_,) = struct.unpack_from("=I", body)
        if kind == CHANNEL:
            channel = json.loads(body[4:])
            name = channel["name"]
            self.channel[name] = channel
            if id_ not in self.names:
                self.names[id_] = name
                if name in self.position:
                    self._send_follow(name)
        elif kind == GONE:
            self.channel.pop(self.names.pop(id_), None)
        elif kind == OUTPUT:
            name = self.names[id_]
            position, time_ms = struct.unpack_from("=QQ", body, 8)
            self.times.setdefault(name, []).append((len(self.shown[name]), time_ms))
            assert self.position[name] in (position, FROM_END), (self.position[name], position)
            self.shown[name] += body[24:]
            self.position[name] = position + len(body) - 24
        elif kind == LOST:
            name = self.names[id_]
            count, position = struct.unpack_from("=QQ", body, 8)
            assert position == self.position[name] + count
            self.lost[name] += count
            self.gaps.setdefault(name, []).append((len(self.shown[name]), count))
            self.position[name] = position
        elif kind == CREDIT:
            (self.credit[self.names[id_]],) = struct.unpack_from("=Q", body, 8)
        elif kind == WRITER:
            self._writer(self.names[id_], body)
        else:
            raise AssertionError(f"message {kind} from muxd")

    def turn(self, timeout=0.0):
        if not self.stream:
            self._connect()
        if not self.stream:
            time.sleep(min(timeout, 0.01))
            return
        if select.select([self.stream], [], [], timeout)[0]:
            try:
                data = self.stream.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                self.ended = True
                self.close()
                return
            self.received += data
        while self.stream and (taken := take_message(self.received)) is not None:
            self._handle(*taken)

    def until(self, condition, others=()):
        """Take turns until the condition holds; guests and other viewers take theirs meanwhile."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("not in time")
            self.turn(0.01)
            for other in others:
                other.turn()
