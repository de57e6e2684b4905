"""Programs on real pseudo-terminals, for system tests and scripts.

    with Terminal(["muxd", "attach", "guest1"], rows=24, columns=80) as terminal:
        terminal.wait_for(r"guest1:.*# ")
        terminal.send("uname -a\r")
        match = terminal.wait_for(r"Linux (\\S+)")
        terminal.resize(40, 132)
        terminal.send("\x05.")
        assert terminal.wait_exit() == 0
        assert terminal.attributes() == terminal.attributes_at_start

Waiting needs no sleep: wait_for returns when the output matches, and raises TerminalTimeout with
the end of the output when it has not by then. A reader thread takes what the program writes, so
that it never blocks on a full terminal; pause_reading() makes a terminal that never reads.

Output is matched as text (UTF-8, wrong bytes replaced); `terminal.bytes` is all of it as it came.
wait_for looks only at what came after the last match, so the same pattern can be awaited again.
"""

import errno
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

TIMEOUT = 120.0  # seconds a wait may take before it counts as failed; machines may be slow
LAST_WORDS = 0.5  # seconds that output may come after the program's end
TAIL = 2000  # characters of output shown when a wait fails


class TerminalTimeout(AssertionError):
    """What was waited for did not come."""


class Terminal:
    """A program on a new pseudo-terminal of its own, as its session's leader."""

    def __init__(self, command, rows=24, columns=80, env=None, cwd=None):
        self.command = [os.fspath(word) for word in command]
        self.master, self.slave = os.openpty()
        self._set_size(rows, columns)
        self.attributes_at_start = self.attributes()
        self.bytes = bytearray()
        self.position = 0  # where the next wait_for begins, in self.bytes
        self._changed = threading.Condition()
        self._reading = threading.Event()
        self._reading.set()
        self._stop_read, self._stop_write = os.pipe()
        self.process = subprocess.Popen(
            self.command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={**os.environ, "TERM": "xterm", "XDG_STATE_HOME": "/dev/null", **(env or {})},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    # Output

    def text(self, start=0):
        """Everything written since byte start."""
        with self._changed:
            return self.bytes[start:].decode("utf-8", "replace")

    def wait_for(self, pattern, timeout=TIMEOUT):
        """Waits until the output after the last match matches pattern, a regular expression in
        which ^ and $ are those of lines. Returns the match, and later waits begin behind it."""
        expression = re.compile(pattern.encode() if isinstance(pattern, str) else pattern,
                                re.MULTILINE | re.DOTALL)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                match = self._search(expression)
                if match:
                    return match
                remaining = deadline - time.monotonic()
                exited = self.process.poll() is not None
                if remaining <= 0:
                    raise TerminalTimeout(self._complaint(pattern, f"not within {timeout} s"))
                if not self._changed.wait(min(remaining, LAST_WORDS)) and exited:
                    raise TerminalTimeout(self._complaint(pattern, "the program ended"))

    def skip_output(self):
        """The next wait_for begins behind what was written until now."""
        with self._changed:
            self.position = len(self.bytes)

    def wait_for_quiet(self, seconds, timeout=TIMEOUT):
        """Waits until nothing was written for so long."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                length = len(self.bytes)
                self._changed.wait(seconds)
                if len(self.bytes) == length:
                    return
                if time.monotonic() > deadline:
                    raise TerminalTimeout(f"{self.command}: never quiet for {seconds} s")

    def screen(self):
        """The lines as a terminal would show them: see screen_lines()."""
        return screen_lines(self.text())

    def pause_reading(self):
        """From now on nobody reads what the program writes: its terminal fills up."""
        self._reading.clear()
        os.write(self._stop_write, b"x")

    def resume_reading(self):
        self._reading.set()

    # Input

    def send(self, data, timeout=TIMEOUT):
        """Types data (text or bytes), all of it, as fast as the terminal takes it."""
        data = data.encode() if isinstance(data, str) else data
        deadline = time.monotonic() + timeout
        os.set_blocking(self.master, False)
        while data:
            remaining = max(0, deadline - time.monotonic())
            _, writable, _ = select.select([], [self.master], [], remaining)
            if not writable:
                raise TerminalTimeout(f"{self.command}: {len(data)} typed bytes were not taken")
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                continue

    def interrupt(self):
        """Types Ctrl-C."""
        self.send(b"\x03")

    # The terminal itself

    def resize(self, rows, columns):
        """Changes the window's size; the program gets SIGWINCH."""
        self._set_size(rows, columns)

    def attributes(self):
        """The terminal's attributes now, comparable with attributes_at_start."""
        return termios.tcgetattr(self.slave)

    def is_raw(self):
        return not self.attributes()[3] & (termios.ICANON | termios.ECHO)

    # The program

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=TIMEOUT):
        """Waits for the program's end; returns its exit status, negative for a signal."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            reason = f"not within {timeout} s"
            raise TerminalTimeout(self._complaint("its end", reason)) from None

    def close(self):
        """Ends the program if it still runs and gives everything back."""
        if self.master is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.slave)
        self.slave = None
        self._reading.set()
        os.write(self._stop_write, b"q")
        self._reader.join(10)
        for descriptor in (self.master, self._stop_read, self._stop_write):
            os.close(descriptor)
        self.master = None

    # Inside

    def _set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _search(self, expression):
        found = expression.search(self.bytes, self.position)
        if not found:
            return None
        self.position = found.end()
        return _TextMatch(found)

    def _complaint(self, what, reason):
        tail = self.bytes[self.position:].decode("utf-8", "replace")[-TAIL:]
        return f"{self.command}: waiting for {what!r}: {reason}; since the last match:\n{tail}"

    def _read(self):
        while True:
            self._reading.wait()
            readable, _, _ = select.select([self.master, self._stop_read], [], [])
            if self._stop_read in readable and os.read(self._stop_read, 1) == b"q":
                break
            if self.master not in readable or not self._reading.is_set():
                continue
            try:
                data = os.read(self.master, 65536)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                break
            with self._changed:
                self.bytes += data
                self._changed.notify_all()


class _TextMatch:
    """A match in bytes, as text. The bytes are copied: a match would forbid the output to grow."""

    def __init__(self, match):
        self._groups = [_decoded(part) for part in (match.group(), *match.groups())]

    def __getitem__(self, group):
        return self._groups[group]


def _decoded(part):
    return None if part is None else part.decode("utf-8", "replace")


_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?]*)[ -/]*([@-~])|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])")


class _Screen:
    """Lines without end in either direction, and a cursor."""

    def __init__(self):
        self.lines = [""]
        self.row = 0
        self.column = 0

    def put(self, character):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
        self.column += 1

    def control(self, character):
        if character == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, self.column - 1)

    def sequence(self, parameters, final):
        count = int(parameters) if parameters.isdigit() else 0
        if final in ("A", "B"):
            step = -max(1, count) if final == "A" else max(1, count)
            self.row = min(max(0, self.row + step), len(self.lines) - 1)
        elif final in ("C", "D"):
            step = max(1, count) if final == "C" else -max(1, count)
            self.column = max(0, self.column + step)
        elif final == "G":
            self.column = max(1, count) - 1
        elif final in ("J", "K") and count == 0:
            self.lines[self.row] = self.lines[self.row][:self.column]
            if final == "J":
                del self.lines[self.row + 1:]
        elif final == "K":
            self.lines[self.row] = ""


def screen_lines(text):
    """text as the lines that a terminal would show that scrolls for ever. Carriage returns,
    backspaces, motions of the cursor and erasing are understood, other sequences left out."""
    screen = _Screen()
    index = 0
    while index < len(text):
        found = _SEQUENCE.match(text, index)
        if found:
            screen.sequence(found[1] or "", found[2] or "")
            index = found.end()
            continue
        if text[index] >= " " or text[index] == "\t":
            screen.put(text[index])
        else:
            screen.control(text[index])
        index += 1
    return [line.rstrip() for line in screen.lines]
