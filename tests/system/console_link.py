"""Guests without a machine: the vmm's end of the console link, for tests of muxd.

    guest = Guest(directory, "guest1", ring=262144)
    guest.write(b"hello\\r\\n")         # kept until muxd has it, as a vmm keeps it
    guest.until(lambda: guest.acked == guest.end)
    guest.input                         # what was typed, within the credit given

A Guest does nothing by itself: it connects, sends and receives in turn(), which never blocks
longer than it is told; until() takes turns. Hostile peers use connect() and send_message().
"""

import os
import select
import socket
import struct
import time

VERSION = 1
VERSION_WITH_WISHES = 2
HELLO, WELCOME, REFUSED, OUTPUT, ACK, INPUT, CREDIT, SIZE, BREAK, STATE, KICK = range(1, 12)
STARTING, RUNNING, PAUSED, REBOOTING, POWERED_OFF, CRASHED = range(6)
SHOW, HIDE, KEEP, TIMESTAMPS, KICKS = 1, 2, 4, 8, 16

TIMEOUT = 120.0  # seconds until a wait has failed; machines may be slow
PIECE = 16384
UNSENT_MOST = 65536

HEADER = struct.Struct("=HHI")
HELLO_BODY = struct.Struct("=IBBcc16sQQQ")
WELCOME_BODY = struct.Struct("=IIQQQ")
ACK_BODY = struct.Struct("=QQ")
CHANGE_BODY = struct.Struct("=QB7x")


def message(kind, body=b""):
    return HEADER.pack(kind, 0, len(body)) + body


def connect(directory):
    """A connection to the device socket, with nothing said."""
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(os.path.join(directory, "device.sock"))
    stream.settimeout(TIMEOUT)
    return stream


def take_message(received):
    """The first whole message of a bytearray, taken out of it; or None."""
    if len(received) < HEADER.size:
        return None
    kind, _, length = HEADER.unpack_from(received)
    if len(received) < HEADER.size + length:
        return None
    body = bytes(received[HEADER.size : HEADER.size + length])
    del received[: HEADER.size + length]
    return kind, body


def read_message(stream):
    """The next message of a blocking stream; None at its end."""
    received = bytearray()
    while True:
        need = HEADER.size
        if len(received) >= need:
            need += HEADER.unpack_from(received)[2]
        if len(received) == need and need > 0 and len(received) >= HEADER.size:
            return take_message(received)
        try:
            bytes_ = stream.recv(need - len(received))
        except ConnectionError:
            return None
        if not bytes_:
            return None
        received += bytes_


def hello(name, boot_id=None, begin=0, end=0, version=VERSION, state=RUNNING, flags=0, key=b"\0",
          color=b"\0", pid=None, history=0):
    """With a wish for the size of the history it is of the second version."""
    if isinstance(name, str):
        name = name.encode()
    wishes = struct.pack("=QQ", history, 0) if history else b""
    version = VERSION_WITH_WISHES if history else version
    return message(
        HELLO,
        HELLO_BODY.pack(version, state, flags, key, color, boot_id or os.urandom(16), begin, end,
                        pid or os.getpid()) + wishes + name,
    )


class Guest:
    def __init__(self, directory, name, ring=262144, **options):
        self.stream = None
        self.directory = directory
        self.name = name
        self.ring_size = ring
        self.options = options
        self.boot_id = os.urandom(16)
        self.ring = bytearray()
        self.end = 0  # of the output
        self.next = 0  # to be sent
        self.acked = 0
        self.lost = 0
        self.state = RUNNING
        self.changes = []  # (offset, number, state, reason)
        self.changes_sent = self.changes_acked = 0
        self.input = bytearray()
        self.input_taken = 0  # the guest has read so much of it
        self.input_window = 16384
        self.takes_input = True
        self.size = None
        self.breaks = 0
        self.kicks = 0
        self.refusals = []
        self.connections = 0
        self._try_at = 0.0

    # What the guest does

    def write(self, data):
        self.ring += data
        self.end += len(data)
        if len(self.ring) > self.ring_size:
            del self.ring[: len(self.ring) - self.ring_size]

    @property
    def begin(self):
        return self.end - len(self.ring)

    def set_state(self, state, reason=""):
        self.state = state
        number = self.changes[-1][1] + 1 if self.changes else 1
        self.changes.append((self.end, number, state, reason))

    # The connection

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    kill = close
    __del__ = close

    def _lose(self):
        self.close()
        self.next = self.acked
        self._try_at = time.monotonic() + 0.02

    def _connect(self):
        if time.monotonic() < self._try_at:
            return
        self.stream = socket.socket(socket.AF_UNIX)
        try:
            self.stream.connect(os.path.join(self.directory, "device.sock"))
        except OSError:
            self._lose()
            return
        self.stream.setblocking(False)
        self.connections += 1
        self.welcomed = False
        self.received = bytearray()
        self.unsent = bytearray(
            hello(self.name, self.boot_id, self.begin, self.end, state=self.state, **self.options)
        )
        self.input_base = len(self.input)
        self.granted = 0

    def _queue(self):
        while self.welcomed and len(self.unsent) < UNSENT_MOST:
            credit = self.input_taken + self.input_window - self.input_base
            change = next((c for c in self.changes if c[1] > self.changes_sent), None)
            if self.next < self.begin:
                self.lost += self.begin - self.next
                self.next = self.begin
            limit = min(self.end, self.next + PIECE)
            if change:
                limit = min(limit, change[0])
            if credit - self.granted >= self.input_window // 2:
                self.granted = credit
                self.unsent += message(CREDIT, struct.pack("=Q", credit))
            elif change and change[0] <= self.next:
                self.unsent += message(
                    STATE, CHANGE_BODY.pack(change[1], change[2]) + change[3].encode()
                )
                self.changes_sent = change[1]
            elif self.next < limit:
                start = self.next - self.begin
                data = self.ring[start : start + limit - self.next]
                self.unsent += message(OUTPUT, struct.pack("=Q", self.next) + data)
                self.next = limit
            else:
                return

    def _handle(self, kind, body):
        if kind == WELCOME:
            version, _, self.next, self.lost, self.changes_sent = WELCOME_BODY.unpack(body)
            assert version == VERSION
            assert self.next <= self.end, f"WELCOME to {self.next} of {self.end}"
            self.acked = self.next
            self.changes_acked = self.changes_sent
            self.welcomed = True
        elif kind == REFUSED:
            self.refusals.append(body.decode())
        elif kind == ACK:
            self.acked, self.changes_acked = ACK_BODY.unpack(body)
        elif kind == INPUT:
            self.input += body
            assert len(self.input) - self.input_base <= self.granted, "input beyond the credit"
            if self.takes_input:
                self.input_taken = len(self.input)
        elif kind == SIZE:
            self.size = struct.unpack("=HH", body)
        elif kind == BREAK:
            self.breaks += 1
        elif kind == KICK:
            self.kicks += 1
        else:
            raise AssertionError(f"message {kind} from muxd")

    def turn(self, timeout=0.0):
        """Send and receive what can be; wait up to timeout seconds for something to do."""
        if not self.stream:
            self._connect()
        if not self.stream:
            time.sleep(min(timeout, 0.01))
            return
        self._queue()
        readable, writable, _ = select.select(
            [self.stream], [self.stream] if self.unsent else [], [], timeout
        )
        try:
            if writable:
                del self.unsent[: self.stream.send(self.unsent)]
            if readable:
                data = self.stream.recv(65536)
                if not data:
                    self._lose()
                    return
                self.received += data
        except BlockingIOError:
            return
        except OSError:
            self._lose()
            return
        while (taken := take_message(self.received)) is not None:
            self._handle(*taken)

    def until(self, condition, others=()):
        """Take turns until the condition holds; other guests take theirs meanwhile."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: not in time")
            self.turn(0.01)
            for other in others:
                other.turn()

    def flush(self):
        self.until(
            lambda: self.stream
            and self.welcomed
            and self.acked == self.end
            and self.changes_acked == (self.changes[-1][1] if self.changes else 0)
        )
