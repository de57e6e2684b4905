"""A muxd for the tests of viewers: its side of control.sock, with channels that tests write to.

    with FakeMux(path) as mux:
        guest = mux.add("vm1", key="1")
        guest.write(b"hello\\r\\n")
        guest.wait_typed(b"ls\\r")

It serves any number of viewers, each from a thread of its own, and is as slow or as forgetful as
the test asks: kill() drops every connection and stops listening, restart() listens again with the
same channels and histories, as a muxd that was killed does.
"""

import json
import os
import select
import socket
import struct
import threading
import time

TIMEOUT = 120.0  # seconds a wait may take before it counts as failed; machines may be slow

CHANNEL, GONE, OUTPUT, LOST, CREDIT, NOTICE, READY = range(1, 8)
FOLLOW, UNFOLLOW, INPUT, BREAK, SIZE = range(64, 69)
FOLLOW_INPUT, FOLLOW_TIMES = 1, 2
FROM_END = 2**64 - 1


class Guest:
    """One channel."""

    def __init__(self, mux, number, name, key, color, shown):
        self.mux = mux
        self.number = number
        self.name = name
        self.key = key
        self.color = color
        self.shown = shown
        self.state = "running"
        self.reason = ""
        self.timestamps = "off"
        self.time = 0  # of all output, in ms since the epoch
        self.begin = 0
        self.history = bytearray()  # from begin
        self.typed = bytearray()
        self.breaks = 0
        self.sizes = []
        self.live = 0  # connected viewers that have asked for the last lines and get what comes
        self.room = 4096  # input bytes it takes ahead
        self.most = 2**60  # and in all

    @property
    def end(self):
        return self.begin + len(self.history)

    def write(self, data):
        with self.mux.changed:
            self.history += data
            self.mux.changed.notify_all()
        self.mux.wake()

    def forget(self, position):
        """The history before position was overwritten."""
        with self.mux.changed:
            del self.history[:position - self.begin]
            self.begin = position

    def set(self, **values):
        """Changes state, reason, shown ... and announces it."""
        with self.mux.changed:
            for name, value in values.items():
                setattr(self, name, value)
        self.mux.announce(self)

    def wait_typed(self, data, timeout=TIMEOUT):
        self.wait(lambda: bytes(data) in self.typed, f"{data!r} typed", timeout)

    def wait(self, condition, what, timeout=TIMEOUT):
        with self.mux.changed:
            if not self.mux.changed.wait_for(condition, timeout):
                raise AssertionError(f"{self.name}: no {what} within {timeout} s; "
                                     f"typed: {bytes(self.typed[-2000:])!r}")

    def json(self):
        return json.dumps({"name": self.name, "key": self.key, "color": self.color,
                           "state": self.state, "reason": self.reason, "shown": self.shown,
                           "begin": self.begin, "end": self.end,
                           "timestamps": self.timestamps, "start": 1000}).encode()


class Stream:
    """One viewer's connection."""

    def __init__(self, mux, connection):
        self.mux = mux
        self.connection = connection
        self.out = bytearray()
        self.input = bytearray()
        self.upgraded = False
        self.positions = {}
        self.asked = set()
        self.credits = {}
        self.received = {}

    def send(self, kind, body):
        self.out += struct.pack("=HHI", kind, 0, len(body)) + body

    def announce(self, guest):
        self.send(CHANNEL, struct.pack("=I", guest.number) + guest.json())

    def take(self, data):
        self.input += data
        while not self.upgraded and b"\0" in self.input:
            text, _, rest = bytes(self.input).partition(b"\0")
            self.input[:] = rest
            self.call(json.loads(text))
        while self.upgraded and len(self.input) >= 8:
            kind, _, length = struct.unpack_from("=HHI", self.input)
            if len(self.input) < 8 + length:
                return
            body = bytes(self.input[8:8 + length])
            del self.input[:8 + length]
            self.message(kind, body)

    def call(self, request):
        method = request["method"].rpartition(".")[2]
        if method == "Run":
            words = request["parameters"]["words"]
            self.mux.commands.append(words)
            for piece in self.mux.answer(words):
                self.reply({"text": piece}, continues=True)
            self.reply({"status": 0})
        elif request.get("upgrade") and method == "Attach":
            self.reply({"version": 2, "prompt": self.mux.prompt, "serverPid": os.getpid()})
            self.upgraded = True
            for guest in self.mux.guests.values():
                self.announce(guest)
            self.send(READY, b"")

    def reply(self, parameters, continues=False):
        reply = {"parameters": parameters, **({"continues": True} if continues else {})}
        self.out += json.dumps(reply).encode() + b"\0"

    def message(self, kind, body):
        number = struct.unpack_from("=I", body)[0]
        guest = self.mux.guests.get(number)
        if not guest:
            return
        if kind == FOLLOW:
            _, flags, position = struct.unpack("=IIQ", body)
            self.announce(guest)
            self.positions[number] = min(position, guest.end)
            if position == FROM_END:
                self.asked.add(number)
            elif number in self.asked:
                guest.live += 1
                self.mux.changed.notify_all()
            if flags & FOLLOW_INPUT:
                self.credits.setdefault(number, 0)
        elif kind == UNFOLLOW:
            self.positions.pop(number, None)
        elif kind == INPUT:
            guest.typed += body[4:]
            self.received[number] = self.received.get(number, 0) + len(body) - 4
            if self.received[number] > self.credits.get(number, 0):
                raise AssertionError("input beyond the credit")
            self.mux.changed.notify_all()
        elif kind == BREAK:
            guest.breaks += 1
            self.mux.changed.notify_all()
        elif kind == SIZE:
            guest.sizes.append(struct.unpack("=IHH", body)[1:])
            self.mux.changed.notify_all()

    def pump(self):
        """Whatever the viewer may get by now."""
        for number, position in list(self.positions.items()):
            guest = self.mux.guests.get(number)
            if not guest:
                del self.positions[number]
                continue
            if position < guest.begin:
                self.send(LOST, struct.pack("=IIQQ", number, 0, guest.begin - position,
                                            guest.begin))
                position = guest.begin
            while position < guest.end and len(self.out) < 262144:
                start = position - guest.begin
                part = bytes(guest.history[start:start + 65536])
                self.send(OUTPUT, struct.pack("=IIQQ", number, 0, position, guest.time) + part)
                position += len(part)
            self.positions[number] = position
            if number in self.credits:
                allowed = min(self.received.get(number, 0) + guest.room, guest.most)
                if allowed > self.credits[number]:
                    self.credits[number] = allowed
                    self.send(CREDIT, struct.pack("=IIQ", number, 0, allowed))


class FakeMux:
    """The server. Guests are numbered anew by each restart."""

    def __init__(self, path, prompt="cons"):
        self.path = path
        self.prompt = prompt
        self.guests = {}
        self.commands = []
        self.answer = lambda words: [f"{' '.join(words)}: done\n"]
        self.changed = threading.Condition()
        self.next_number = 1
        self.streams = {}
        self.thread = None
        self.stop = False
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        os.close(self.wake_read)
        os.close(self.wake_write)

    def start(self):
        self.stop = False
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def kill(self):
        if not self.thread:
            return
        self.stop = True
        self.wake()
        self.thread.join()
        self.thread = None

    def restart(self):
        with self.changed:
            guests = list(self.guests.values())
            self.guests = {}
            for guest in guests:
                self.next_number += 7
                guest.number = self.next_number
                self.guests[guest.number] = guest
        self.start()

    def add(self, name, key="", color="", shown=True):
        with self.changed:
            guest = Guest(self, self.next_number, name, key, color, shown)
            self.guests[guest.number] = guest
            self.next_number += 1
        self.announce(guest)
        return guest

    def remove(self, guest):
        with self.changed:
            del self.guests[guest.number]
            for stream in self.streams.values():
                if stream.upgraded:
                    stream.send(GONE, struct.pack("=I", guest.number))
        self.wake()

    def announce(self, guest):
        with self.changed:
            for stream in self.streams.values():
                if stream.upgraded:
                    stream.announce(guest)
        self.wake()

    def notice(self, text):
        with self.changed:
            for stream in self.streams.values():
                if stream.upgraded:
                    stream.send(NOTICE, text.encode())
        self.wake()

    def wait_commands(self, words):
        with self.changed:
            if not self.changed.wait_for(lambda: words in self.commands, TIMEOUT):
                raise AssertionError(f"no command {words}; {self.commands}")

    def wait_viewers(self, count):
        deadline = time.monotonic() + TIMEOUT
        with self.changed:
            while sum(bool(s.positions or s.upgraded) for s in self.streams.values()) < count:
                if not self.changed.wait(0.1) and time.monotonic() > deadline:
                    raise AssertionError(f"not {count} viewers within {TIMEOUT} s")

    def wait_sent(self, guest):
        """All that the guest wrote is on its way to those who follow it, before what comes next."""
        deadline = time.monotonic() + TIMEOUT
        with self.changed:
            while any(s.positions.get(guest.number, guest.end) != guest.end
                      for s in self.streams.values()):
                if not self.changed.wait(0.1) and time.monotonic() > deadline:
                    raise AssertionError(f"{guest.name}: output not sent within {TIMEOUT} s")

    def wake(self):
        try:
            os.write(self.wake_write, b"x")
        except BlockingIOError:
            pass

    def serve(self):
        while not self.stop:
            with self.changed:
                writers = []
                for stream in self.streams.values():
                    stream.pump()
                    if stream.out:
                        writers.append(stream.connection)
            readers = [self.listener, self.wake_read, *self.streams]
            readable, writable, _ = select.select(readers, writers, [])
            with self.changed:
                for connection in readable:
                    self.read(connection)
                for connection in writable:
                    self.write(connection)
                self.changed.notify_all()
        for connection in [self.listener, *self.streams]:
            connection.close()
        self.streams = {}

    def read(self, connection):
        if connection == self.wake_read:
            os.read(self.wake_read, 65536)
        elif connection is self.listener:
            accepted, _ = self.listener.accept()
            accepted.setblocking(False)
            self.streams[accepted] = Stream(self, accepted)
        else:
            try:
                data = connection.recv(65536)
            except ConnectionError:
                data = b""
            if data:
                self.streams[connection].take(data)
            else:
                connection.close()
                del self.streams[connection]

    def write(self, connection):
        stream = self.streams.get(connection)
        if stream:
            try:
                sent = connection.send(stream.out)
            except (BlockingIOError, ConnectionError):
                return
            del stream.out[:sent]
