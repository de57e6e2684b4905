"""What drives other people's front-ends on muxd's wires."""

import os
import re
import subprocess
import tempfile
import time

from limited import LimitedTest
from mux import Mux

TIMEOUT = 300  # seconds, for programs that start slowly on a busy machine


def tool(name):
    """A program of tests/tools, built beside the muxd under test."""
    return os.path.join(os.path.dirname(Mux(start=False).program), "tests", name)


class Background:
    """A program whose output is read as it comes."""

    def __init__(self, command, directory):
        self.command = command
        log, self.log_path = tempfile.mkstemp(suffix=".log", dir=directory)
        with open(log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_for(self, pattern, start=0):
        """The first match behind start."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            ended = self.process.poll() is not None
            found = re.compile(pattern).search(self.text(), start)
            if found:
                return found
            if ended:
                break
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        raise AssertionError(f"{self.command[0]}: no {pattern!r}\n{self.text()}")


class WirePeers(LimitedTest):
    """A muxd with a cable and a switch, and programs that plug into them."""

    limit = 900  # with emulated guests

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="peers-"))
        path = os.path.join(self.directory, "muxd.toml")
        with open(path, "w", encoding="utf-8") as config:
            config.write('[[cable]]\nname = "cable0"\n[[switch]]\nname = "switch0"\n')
        self.mux = self.enterContext(Mux("--config", path))

    def socket(self, wire):
        return os.path.join(self.mux.directory, "net", wire + ".sock")

    def start_testpmd(self, mode, *devices, start="start"):
        command = ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "64", "--no-pci", "--no-shconf",
                   "--no-telemetry", "--lcores", "(0-1)@(0-1)"]
        for i, device in enumerate(devices):
            command += ["--vdev", f"net_virtio_user{i},{device}"]
        command += ["--", "-i", "--total-num-mbufs=2048", "--no-mlockall",
                    f"--forward-mode={mode}"]
        program = self.enterContext(Background(command, self.directory))
        program.wait_for("testpmd> ")
        program.type(start + "\n")
        program.wait_for("packet forwarding - ports=")
        return program
