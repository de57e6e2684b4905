"""The project's programs, started for a test and ended with it.

    with Workplace(build="build/release") as place:
        muxd = place.muxd()
        guest = place.guest("guest1", kernel=KERNEL, initrd=INITRD, vcpus=2)
        viewer = place.terminal("attach", "guest1")
        ...
        assert guest.wait_exit() == 0

A workplace is a temporary directory with the runtime directory, the configurations and one log per
program in it. Leaving it ends every program that is still there.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from terminal import TIMEOUT, Terminal

READY_TIMEOUT = 60  # seconds for a program to be ready


class ProgramFailure(AssertionError):
    """A program did something else than it should."""


class Program:
    """A program in the background. Its output goes to a log file."""

    def __init__(self, name, command, environment, directory):
        self.name = name
        self.log_path = os.path.join(directory, name + ".log")
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=self._log, env=environment)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def is_running(self):
        return self.process.poll() is None

    def wait_exit(self, timeout=TIMEOUT):
        """Its exit status, negative for a signal."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProgramFailure(f"{self.name}: no end within {timeout} s\n{self.log()}") from None

    def kill(self):
        """SIGKILL, and gone when this returns."""
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._log.close()


class Workplace:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.directory = tempfile.mkdtemp(prefix="vmm-")
        self.runtime = os.path.join(self.directory, "run")
        self.programs = []
        self.terminals = []
        self.environment = {**os.environ, "MUXD_RUNTIME_DIR": self.runtime}
        self.environment.pop("NOTIFY_SOCKET", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for terminal in self.terminals:
            terminal.close()
        for program in reversed(self.programs):
            program.end()
        shutil.rmtree(self.directory)

    def path(self, program):
        return os.path.join(self.build, program)

    def file(self, name):
        return os.path.join(self.directory, name)

    def muxd(self, *options):
        """Starts muxd and returns it when it has said that it is ready."""
        notify_path = self.file("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(notify_path)
            notify.settimeout(READY_TIMEOUT)
            try:
                program = self._start("muxd", [self.path("muxd"), *options],
                                      {"NOTIFY_SOCKET": notify_path})
                _wait_ready(notify, program)
            finally:
                os.unlink(notify_path)
        return program

    def guest(self, name, **settings):
        """Starts vmm for a guest; see configuration() for the settings."""
        path = self.file(name + ".toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(name, **settings))
        return self._start(name, [self.path("vmm"), "--config", path])

    def program(self, name, command):
        """Starts any other program."""
        return self._start(name, command)

    def terminal(self, *words, rows=24, columns=80):
        """muxd with these words on a terminal of its own."""
        terminal = Terminal([self.path("muxd"), *words], rows=rows, columns=columns,
                            env={"MUXD_RUNTIME_DIR": self.runtime})
        self.terminals.append(terminal)
        return terminal

    def ask(self, *words, timeout=TIMEOUT):
        """The output of muxd with these words, as bytes. It has to succeed."""
        result = subprocess.run([self.path("muxd"), *words], stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=timeout, env=self.environment,
                                check=False)
        if result.returncode != 0:
            raise ProgramFailure(f"muxd {words}: status {result.returncode}: "
                                 f"{result.stderr.decode(errors='replace')}")
        return result.stdout

    def channels(self):
        """muxd list --json, by name."""
        listed = json.loads(self.ask("list", "--json"))
        rows = listed["channels"] if isinstance(listed, dict) else listed
        return {row["name"]: row for row in rows}

    def _start(self, name, command, environment=None):
        program = Program(name, command, {**self.environment, **(environment or {})},
                          self.directory)
        self.programs.append(program)
        return program


def configuration(name, kernel, initrd=None, cmdline="console=hvc0", vcpus=1, memory="128M",
                  on_reboot="restart", console=None, defaults=True, nets=()):
    """A guest's configuration file. Strings are quoted as in JSON, which TOML reads the same."""
    lines = [f"name = {json.dumps(name)}", "", "[kernel]", f"image = {json.dumps(kernel)}"]
    if initrd:
        lines.append(f"initrd = {json.dumps(initrd)}")
    lines += [f"cmdline = {json.dumps(cmdline)}", f"defaults = {json.dumps(defaults)}", "",
              "[machine]", f"vcpus = {vcpus}",
              f"memory = {json.dumps(memory)}", f"on_reboot = {json.dumps(on_reboot)}", "",
              "[console]"]
    lines += _table(console or {})
    for net in nets:
        lines += ["", "[[net]]", *_table(net)]
    return "\n".join(lines) + "\n"


def _table(values):
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]


def _wait_ready(notify, program):
    while True:
        try:
            message = notify.recv(4096)
        except socket.timeout:
            raise ProgramFailure(f"{program.name}: not ready: {program.log()}") from None
        if b"READY=1" in message.split(b"\n"):
            return
