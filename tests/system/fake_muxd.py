"""The other end of the console link (include/console_protocol.h), without a muxd.

    with FakeMuxd(directory) as muxd:
        ... start a vmm with --runtime-dir directory ...
        console = muxd.console("guest1")
        console.wait_for(rb"login: ")
        console.type(b"root\\r")

It stores what guests print, acknowledges it, and sends what the test types as far as vmm allows.
refuse="reason" makes it refuse every console.
"""

import os
import re
import socket
import struct
import threading
import time

TIMEOUT = 120.0  # seconds a wait may take before it counts as failed; machines may be slow
VERSION = 1
HELLO, WELCOME, REFUSED, OUTPUT, ACK, INPUT, CREDIT, SIZE, BREAK, STATE = range(1, 11)
STATES = ["starting", "running", "paused", "rebooting", "powered off", "crashed"]
HELLO_FORMAT = "=IBBcc16sQQQ"
INPUT_MAX = 65536


class Console:
    """One guest's console: all of its output, the states it was in, and a keyboard."""

    def __init__(self, name):
        self.name = name
        self.output = bytearray()
        self.states = []  # (name, reason)
        self.connections = 0
        self.hello = None
        self._changed = threading.Condition()
        self._position = 0
        self._unsent = bytearray()
        self._sent = 0
        self._credit = 0
        self._connection = None

    def _wait(self, true, what):
        end = time.monotonic() + TIMEOUT
        with self._changed:
            while not true():
                left = end - time.monotonic()
                if left <= 0:
                    tail = bytes(self.output[-2000:])
                    raise AssertionError(f"{self.name}: no {what}; states {self.states}, {tail!r}")
                self._changed.wait(left)

    def wait_for(self, pattern):
        """The match of a pattern of bytes in the output behind the last match."""
        found = None

        def look():
            nonlocal found
            found = re.search(pattern, bytes(self.output[self._position :]))
            return found

        self._wait(look, f"output like {pattern!r}")
        self._position += found.end()
        return found

    def wait_state(self, state, count=1):
        """Until the guest has been so often in that state; the latest reason."""
        self._wait(lambda: [s for s, _ in self.states].count(state) >= count, f"state {state}")
        return [reason for s, reason in self.states if s == state][-1]

    def wait_connections(self, count):
        """Until vmm has connected so often."""
        self._wait(lambda: self.connections >= count, f"connection {count}")

    def type(self, text):
        with self._changed:
            self._unsent += text
            self._send_input()

    def resize(self, rows, columns):
        self._send(SIZE, struct.pack("=HH", columns, rows))

    def send_break(self):
        self._send(BREAK, b"")

    def hang_up(self):
        """Break the connection; vmm comes again."""
        with self._changed:
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, kind, body):
        with self._changed:
            self._connection.sendall(struct.pack("=HHI", kind, 0, len(body)) + body)

    def _send_input(self):
        while self._connection and self._unsent and self._sent < self._credit:
            part = self._unsent[: min(self._credit - self._sent, INPUT_MAX)]
            del self._unsent[: len(part)]
            self._sent += len(part)
            self._connection.sendall(struct.pack("=HHI", INPUT, 0, len(part)) + part)


class FakeMuxd:
    def __init__(self, directory, refuse=None):
        self.path = os.path.join(directory, "device.sock")
        self.refuse = refuse
        self.errors = []  # of the protocol
        self._consoles = {}
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def console(self, name):
        with self._lock:
            return self._consoles.setdefault(name, Console(name))

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection.makefile("rb") as stream:
                self._talk(connection, stream)
        except (OSError, EOFError):
            pass
        except Exception as error:  # what vmm sent makes no sense
            self.errors.append(repr(error))
        connection.close()

    def _read(self, stream):
        header = stream.read(8)
        if len(header) < 8:
            raise EOFError
        kind, reserved, length = struct.unpack("=HHI", header)
        assert reserved == 0
        body = stream.read(length)
        if len(body) < length:
            raise EOFError
        return kind, body

    def _talk(self, connection, stream):
        kind, body = self._read(stream)
        assert kind == HELLO, kind
        size = struct.calcsize(HELLO_FORMAT)
        hello = struct.unpack(HELLO_FORMAT, body[:size])
        if self.refuse:
            text = self.refuse.encode()
            connection.sendall(struct.pack("=HHI", REFUSED, 0, len(text)) + text)
            return
        assert hello[0] == VERSION, hello
        console = self.console(body[size:].decode())
        self._welcome(console, connection, hello)
        while True:
            kind, body = self._read(stream)
            with console._changed:
                self._handle(console, connection, kind, body)
                console._changed.notify_all()

    def _welcome(self, console, connection, hello):
        with console._changed:
            if console.hello is None or console.hello[5] != hello[5]:  # another process
                console.base = len(console.output) - hello[6]
                console.changes = 0
            console.hello = hello
            offset = len(console.output) - console.base
            assert hello[6] <= offset <= hello[7], (hello, offset)
            welcome = struct.pack("=IIQQQ", VERSION, 0, offset, 0, console.changes)
            connection.sendall(struct.pack("=HHI", WELCOME, 0, len(welcome)) + welcome)
            console._connection = connection
            console._sent = console._credit = 0
            console.connections += 1
            console._changed.notify_all()

    def _handle(self, console, connection, kind, body):
        if kind == OUTPUT:
            (offset,) = struct.unpack("=Q", body[:8])
            assert offset == len(console.output) - console.base, (offset, len(console.output))
            console.output += body[8:]
        elif kind == STATE:
            number, state = struct.unpack("=QB7x", body[:16])
            assert number == console.changes + 1, (number, console.changes)
            console.changes = number
            console.states.append((STATES[state], body[16:].decode()))
        elif kind == CREDIT:
            (console._credit,) = struct.unpack("=Q", body)
            console._send_input()
            return
        else:
            raise AssertionError(f"message {kind}")
        ack = struct.pack("=QQ", len(console.output) - console.base, console.changes)
        connection.sendall(struct.pack("=HHI", ACK, 0, len(ack)) + ack)
