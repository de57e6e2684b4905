#!/usr/bin/env python3
"""What an operator or a host can have wrong: one clear line, the right status, nothing left."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "guest"))

from fake_muxd import FakeMuxd  # noqa: E402
from limited import LimitedTest  # noqa: E402
from tiny_guest import GUEST, OPERATOR_ERROR, POWERED_OFF, TIMEOUT, VMM  # noqa: E402

IS_ROOT = os.geteuid() == 0
ELF_MACHINE = 18  # offset of e_machine
AARCH64 = 183


class WrongThings(LimitedTest):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="vmm-test-"))

    def file(self, name, contents):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(contents)
        return path

    def config(self, text=None, name="wrong.toml", **keys):
        if text is None:
            keys = {"image": GUEST, "memory": "32M", **keys}
            text = '[kernel]\ncmdline = "deaf"\ndefaults = false\n'
            for key in ("image", "initrd"):
                if key in keys:
                    text += f'{key} = "{keys.pop(key)}"\n'
            text += "[machine]\n"
            for key, value in keys.items():
                text += f"{key} = {value}\n" if isinstance(value, int) else f'{key} = "{value}"\n'
        return self.file(name, text.encode())

    def vmm(self, *words, before=()):
        command = [*before, VMM, "--runtime-dir", self.directory, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def assert_refused(self, done, pattern, status=OPERATOR_ERROR):
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.returncode, status, done.stderr)
        sockets = os.path.join(self.directory, "vmm")
        self.assertEqual(os.listdir(sockets) if os.path.exists(sockets) else [], [])

    def assert_config_refused(self, pattern, *words, **keys):
        self.assert_refused(self.vmm("--config", self.config(**keys), *words), pattern)

    # The host

    @unittest.skipUnless(IS_ROOT, "hiding a device needs root")
    def test_no_kvm(self):
        hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$@"', "sh"]
        done = self.vmm("--config", self.config(), before=hide)
        self.assert_refused(done, "^/dev/kvm: No such file or directory: .*load the kvm module")

    @unittest.skipUnless(IS_ROOT, "becoming another user needs root")
    def test_no_permission(self):
        if os.stat("/dev/kvm").st_mode & 0o006:
            self.skipTest("/dev/kvm is open to everybody here")
        config = self.config()
        vmm = shutil.copy(VMM, os.path.join(self.directory, "program"))
        os.chmod(self.directory, 0o777)
        user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        done = subprocess.run(
            [*user, vmm, "--runtime-dir", self.directory, "--config", config],
            capture_output=True, text=True, timeout=TIMEOUT, check=False,
        )
        self.assert_refused(done, "^/dev/kvm: Permission denied: join the device's group")

    # The kernel and its initrd

    def test_missing_kernel(self):
        self.assert_config_refused("/nowhere/vmlinuz: No such file", image="/nowhere/vmlinuz")

    def test_directory_as_kernel(self):
        self.assert_config_refused(self.directory, image=self.directory)

    def test_kernels_cut_anywhere(self):
        with open(GUEST, "rb") as file:
            whole = file.read()
        for length in (0, 1, 16, 63, 64, 100, 176, 5000, 20000):
            with self.subTest(length=length):
                cut = self.file("cut", whole[:length])
                self.assert_config_refused(cut, image=cut)

    def test_kernel_of_another_architecture(self):
        with open(GUEST, "rb") as file:
            elf = bytearray(file.read())
        elf[ELF_MACHINE : ELF_MACHINE + 2] = AARCH64.to_bytes(2, "little")
        other = self.file("other", bytes(elf))
        self.assert_config_refused(f"{other}: .*(ARM|arm|aarch)", image=other)

    def test_what_is_no_kernel(self):
        text = self.file("text", b"This is a text of some length.\n" * 1000)
        self.assert_config_refused(text, image=text)

    def test_missing_initrd(self):
        self.assert_config_refused("/nowhere/initrd: No such file", initrd="/nowhere/initrd")

    def test_initrd_larger_than_memory(self):
        path = self.file("initrd", b"")
        os.truncate(path, 1 << 30)
        self.assert_config_refused(path, initrd=path)

    # The machine

    def test_memory_that_cannot_be_had(self):
        self.assert_config_refused("memory", memory="10000G")
        self.assert_config_refused("wrong: [0-9]+ MiB of memory cannot be had", memory="3T")

    def test_no_vcpus(self):
        self.assert_config_refused(r"wrong.toml:\d+:\d+: .*vcpus", vcpus=0)

    def test_too_many_vcpus(self):
        self.assert_config_refused(r"wrong.toml:\d+:\d+: .*vcpus", vcpus=100000)
        self.assert_config_refused("wrong: 4096 vcpus: KVM allows", vcpus=4096)

    def test_affinity_to_a_cpu_that_is_not_there(self):
        self.assert_config_refused(
            "wrong: vcpu0 cannot run on CPU 4095", "--set", "machine.affinity=[4095]"
        )

    # The file and the command line

    def test_unknown_key(self):
        self.assert_config_refused(r"wrong.toml:\d+:\d+: .*vcpu.*vcpus", vcpu=1)

    def test_wrong_type(self):
        self.assert_config_refused(r"wrong.toml:\d+:\d+: .*vcpus", vcpus="two")

    def test_name_with_control_characters(self):
        path = self.config('name = "a\\u001b[2Jb"\n[kernel]\nimage = "x"\n')
        done = self.vmm("--config", path)
        self.assert_refused(done, r"wrong.toml:1:\d+: .*name")
        self.assertTrue(done.stderr.rstrip("\n").isprintable())

    def test_settings_of_the_command_line(self):
        self.assert_config_refused("machine.vcpus", "--set", "machine.vcpus=0")
        self.assert_config_refused("nonsense", "--set", "nonsense")

    def test_missing_file(self):
        self.assert_refused(self.vmm("--config", "/nowhere/guest.toml"), "/nowhere/guest.toml: .*No such")

    def test_command_lines_that_make_no_sense(self):
        for words in (
            [],
            ["--config"],
            ["--nonsense"],
            ["-x"],
            ["--log-level", "loud", "--config", "x"],
            ["nonsense"],
            ["status"],
            ["status", "one", "two"],
            ["stop", "a/b"],
            ["stop", ""],
            ["check"],
            ["check", "/nowhere/guest.toml"],
        ):
            with self.subTest(words=words):
                self.assert_refused(self.vmm(*words), ".")

    def test_words_for_a_guest_that_does_not_run(self):
        for word in ("status", "stop", "kill", "reset", "pause", "resume"):
            with self.subTest(word=word):
                done = self.vmm(word, "nobody")
                self.assert_refused(done, f"nobody.*{self.directory}/vmm/nobody.sock")

    def test_check_refuses_what_run_refuses_and_starts_nothing(self):
        self.assert_refused(self.vmm("check", self.config(vcpus=0)), r"wrong.toml:\d+:\d+: ")
        done = self.vmm("check", self.config())
        self.assertEqual(done.returncode, POWERED_OFF, done.stderr)

    # Others

    def test_name_that_is_taken(self):
        with FakeMuxd(self.directory) as muxd:
            words = [VMM, "--runtime-dir", self.directory, "--config", self.config()]
            first = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            try:
                muxd.console("wrong").wait_for(b"not listening")
                second = self.vmm("--config", self.config())
                self.assertEqual(second.returncode, OPERATOR_ERROR, second.stderr)
                self.assertRegex(second.stderr, "^wrong is already running: .*wrong.sock\n$")
                self.assertEqual(self.vmm("status", "wrong").returncode, POWERED_OFF)
                self.assertEqual(self.vmm("kill", "wrong").returncode, POWERED_OFF)
                self.assertEqual(first.wait(TIMEOUT), POWERED_OFF)
            finally:
                first.kill()
                first.wait()

    def test_socket_that_a_killed_process_left_is_replaced(self):
        os.mkdir(os.path.join(self.directory, "vmm"))
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(os.path.join(self.directory, "vmm", "wrong.sock"))
        done = self.vmm("--config", self.config(), "--set", 'kernel.cmdline="boot"')
        self.assertEqual(done.returncode, POWERED_OFF, done.stderr)

    def test_socket_path_that_is_too_long(self):
        self.directory = os.path.join(self.directory, "x" * 100)
        os.mkdir(self.directory)
        done = self.vmm("--config", self.config())
        self.assert_refused(done, "too long")

    def test_muxd_refuses_the_console(self):
        for reason in ("it speaks version 2, this is 1", "another guest is called wrong"):
            with self.subTest(reason=reason), FakeMuxd(self.directory, refuse=reason):
                done = self.vmm("--config", self.config())
                self.assert_refused(done, f"wrong: muxd refuses the console: {reason}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
