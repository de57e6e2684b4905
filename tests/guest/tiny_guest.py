"""A vmm with a tiny guest (see scenario_list.h), for tests.

VMM and GUEST name the programs; by default those of the release build.
"""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VMM = os.environ.get("VMM", os.path.join(ROOT, "build/release/vmm"))
GUEST = os.environ.get("GUEST", os.path.join(ROOT, "build/release/tests/guest/guest.elf"))
OLD_KVM = os.environ.get("OLD_KVM", os.path.join(ROOT, "build/release/tests/guest/libold_kvm.so"))
TIMEOUT = 120.0  # seconds a wait may take before it counts as failed; machines may be slow
POWERED_OFF, HOST_FAILURE, OPERATOR_ERROR, CRASHED, REBOOT = 0, 1, 2, 3, 102


class TinyGuest:
    """A vmm with a tiny guest, and what it says."""

    def __init__(
        self, directory, scenario, settings=(), image=GUEST, initrd=None, name="tiny", env=()
    ):
        self.directory = directory
        self.name = name
        config = os.path.join(directory, f"{name}.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[kernel]\nimage = "{image}"\ncmdline = "{scenario}"\ndefaults = false\n')
            if initrd:
                file.write(f'initrd = "{initrd}"\n')
            file.write('[machine]\nmemory = "32M"\n')
        words = [VMM, "--runtime-dir", directory, "--config", config]
        for setting in settings:
            words += ["--set", setting]
        self.process = subprocess.Popen(
            words, stderr=subprocess.PIPE, text=True, env={**os.environ, **dict(env)}
        )

    def word(self, word, *options):
        """`vmm WORD GUEST`; its completed process."""
        words = [VMM, "--runtime-dir", self.directory, *options, word, self.name]
        return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def status(self):
        return json.loads(self.word("status", "--json").stdout)

    def exits(self):
        """Of all vCPUs together."""
        total = {}
        for vcpu in self.status()["vcpus"]:
            for reason, count in vcpu["exits"].items():
                total[reason] = total.get(reason, 0) + count
        return total

    def wait(self):
        """The exit status and what was said on stderr."""
        _, errors = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
