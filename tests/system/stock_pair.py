"""muxd and guests with the distribution's kernel, for the scenes of stock_guests.py and others."""

import re
import time

from tap import note

BOOT = 300  # seconds for a guest to boot, also where its processor is emulated
ANSWER = 60  # seconds for a guest to do something at its shell


class Pair:
    """muxd and guests, PAIR if not told, booted once for the scenes that do not end them."""

    def __init__(self, place, kernel, initrd, settings=None, muxd_options=()):
        self.place = place
        self.settings = settings or PAIR
        self.muxd_options = muxd_options
        self.kernel = kernel
        self.initrd = initrd
        self.daemon = None
        self.guests = {}
        self.shells = {}

    def start_guest(self, name, words="", **settings):
        cmdline = f"console=hvc0 quiet guest={name} {words}"
        return self.place.guest(name, kernel=self.kernel, initrd=self.initrd, cmdline=cmdline,
                                **settings)

    def recover(self):
        """Everything runs, also after a scene that failed: a guest that ended starts again."""
        self.have_muxd()
        for name, settings in self.settings.items():
            if name in self.guests and self.guests[name].is_running():
                continue
            if name in self.guests:
                note(f"{name} had ended and is started again:\n{self.guests[name].log()}")
            self.guests[name] = self.start_guest(name, **settings)
            self.drop_shell(name)
        wait_listed(self, *self.settings)
        for name in self.settings:
            shell = self.shells.get(name)
            if not shell or shell.process.poll() is not None:
                self.shells[name] = self.reach_shell(name)

    def have_muxd(self):
        if not self.daemon or not self.daemon.is_running():
            self.daemon = self.place.muxd(*self.muxd_options)

    def drop_shell(self, name):
        shell = self.shells.pop(name, None)
        if shell:
            shell.close()

    def reach_shell(self, name, shell=None):
        """A terminal connected to the guest, at its prompt."""
        shell = shell or self.place.terminal("attach", name)
        shell.send("\r")
        ended = rf"--- {re.escape(name)}: (?:crashed|powered off)[^\r\n]*"
        seen = shell.wait_for(f"{prompt(name)}|{ended}", BOOT)[0]
        assert not seen.startswith("---"), seen
        return shell


def is_emulated():
    """Whether the host's own processor is one that QEMU emulates."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        return "QEMU TCG" in cpuinfo.read()


PAIR = {
    "guest1": {"vcpus": 2, "console": {"key": "1", "color": "g"}},
    "guest2": {"vcpus": 1, "console": {"key": "2", "color": "b"}},
}


def prompt(name):
    return re.escape(name) + r":\S*# "


def run_in_guest(shell, name, command, timeout=ANSWER):
    """Types a command at the guest's shell; its output, without the echo and the next prompt."""
    shell.send("\x15echo be''gin; " + command + "; echo sta''tus $?\r")
    shell.wait_for(r"begin\r\n", timeout)
    begin = shell.position
    status = shell.wait_for(r"status (\d+)\r\n" + prompt(name), timeout)[1]
    answer = shell.text(begin)
    answer = answer[:answer.rindex(f"status {status}")].replace("\r\n", "\n")
    assert status == "0", f"{name}: {command}: status {status}: {answer}"
    return answer


def reason_line(guest, pattern):
    """The one line of the log that gives the reason."""
    lines = [line for line in guest.log().splitlines() if re.search(pattern, line, re.IGNORECASE)]
    assert len(lines) == 1, f"{guest.name}: {pattern} once, not {len(lines)} times:\n{guest.log()}"
    note(lines[0])


def wait_listed(pair, *names):
    deadline = time.monotonic() + BOOT
    while not set(names) <= set(pair.place.channels()):
        for name in names:
            guest = pair.guests.get(name)
            assert not guest or guest.is_running(), f"{name} ended early:\n{guest.log()}"
        assert time.monotonic() < deadline, f"{names} are not all listed"
