#!/usr/bin/env python3
"""Stands in for vmm where a test is about muxd: --config NAME.toml, a shell that knows two commands.

It takes other options as vmm does, and ends as vmm does when its guest powers off. With FAKE_CRASH
set it crashes instead of giving its answer, as soon as that is waited for.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from console_link import CRASHED, POWERED_OFF, Guest  # noqa: E402

ANSWERS = {b"echo $((6 * 7))": b"42"}


def crash_when_waited_for(guest):
    guest.flush()
    while json.loads(subprocess.check_output(["muxd", "info", "--json"]))["commands"] != 2:
        guest.turn()
    guest.set_state(CRASHED, "by itself")
    guest.flush()
    sys.exit(3)


def main():
    config = sys.argv[sys.argv.index("--config") + 1]
    name = os.path.basename(config).removesuffix(".toml")
    guest = Guest(os.environ["MUXD_RUNTIME_DIR"], name)
    prompt = b"\x1b[6n" + name.encode() + b":~# "
    guest.write(b"guest: init started\r\n" + prompt)
    taken = 0
    while True:
        guest.until(lambda: b"\r" in guest.input[taken:])
        line = bytes(guest.input[taken : guest.input.index(b"\r", taken)])
        taken += len(line) + 1
        guest.write(line + b"\r\n")
        if line == b"poweroff":
            break
        if "FAKE_CRASH" in os.environ:
            crash_when_waited_for(guest)
        guest.write(ANSWERS.get(line, b"not found") + b"\r\n" + prompt)
    guest.set_state(POWERED_OFF)
    guest.flush()


main()
