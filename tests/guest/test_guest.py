#!/usr/bin/env python3
"""Tiny guests in the real vmm on this machine's own KVM: see scenario_list.h for what they do."""

import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.path.insert(0, HERE)

from bzimage import make_bzimage  # noqa: E402
from fake_muxd import FakeMuxd  # noqa: E402
from tiny_guest import (  # noqa: E402
    CRASHED,
    GUEST,
    HOST_FAILURE,
    OLD_KVM,
    OPERATOR_ERROR,
    POWERED_OFF,
    REBOOT,
    TIMEOUT,
    TinyGuest,
)


class GuestTest(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="vmm-test-"))
        self.muxd = self.enterContext(FakeMuxd(self.directory))
        self.console = self.muxd.console("tiny")

    def start(self, scenario, settings=(), **more):
        guest = TinyGuest(self.directory, scenario, settings, **more)
        self.addCleanup(guest.close)
        return guest

    def assert_ends(self, guest, status, line):
        """With that status and one last line like that; nothing is left behind."""
        code, errors = guest.wait()
        output = self.console.output.decode(errors="replace")
        self.assertNotIn("FAIL", output)
        self.assertRegex(errors.splitlines()[-1] if errors else "", line, (errors, output))
        self.assertEqual(code, status, (errors, output))
        self.assertEqual(os.listdir(os.path.join(self.directory, "vmm")), [])
        self.assertEqual(self.muxd.errors, [])


class Boot(GuestTest):
    def initrd(self):
        path = os.path.join(self.directory, "initrd")
        with open(path, "w", encoding="utf-8") as file:
            file.write("bytes of the initrd")
        return path

    def test_pvh_kernel_finds_what_the_loader_promised(self):
        guest = self.start("boot some words", initrd=self.initrd())
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")
        self.assertIn(b"entry: PVH\nargument: some words\n", self.console.output)
        self.assertIn(b"initrd: bytes of the initrd\n", self.console.output)

    def test_bzimage_kernel_finds_what_the_loader_promised(self):
        image = os.path.join(self.directory, "bzImage")
        make_bzimage(GUEST, image)
        guest = self.start("boot some words", image=image, initrd=self.initrd())
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")
        self.assertIn(b"entry: long mode\nargument: some words\n", self.console.output)
        self.assertIn(b"initrd: bytes of the initrd\n", self.console.output)

    def test_states_are_told_to_muxd(self):
        guest = self.start("boot")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")
        states = [state for state, _ in self.console.states]
        self.assertEqual(states[-2:], ["running", "powered off"])

    def test_guest_runs_without_muxd(self):
        self.muxd.close()
        guest = self.start("boot")
        code, errors = guest.wait()
        self.assertEqual(code, POWERED_OFF, errors)

    def test_other_processors_start(self):
        guest = self.start("processors 3", ["machine.vcpus=4"])
        self.console.wait_for(b"all there")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")

    def test_unclaimed_addresses_read_as_ones(self):
        self.assert_ends(self.start("nowhere"), POWERED_OFF, "tiny: powered off")


class Ends(GuestTest):
    def test_triple_fault_is_a_crash(self):
        self.assert_ends(self.start("fault"), CRASHED, "tiny: crashed: .*triple fault")
        self.assertEqual(self.console.states[-1][0], "crashed")
        self.assertRegex(self.console.states[-1][1], "triple fault")

    def test_reset_starts_the_guest_again_on_the_same_console(self):
        guest = self.start("restart once more")
        for _ in range(3):
            self.console.wait_for(rb"once more\nrestarting\n")
        self.assertEqual(self.console.connections, 1)
        self.assertGreaterEqual(guest.status()["reboots"], 2)
        self.assertEqual(guest.word("kill").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_guest_that_cannot_be_started_again_is_the_operators(self):
        image = shutil.copy(GUEST, os.path.join(self.directory, "kernel"))
        guest = self.start("serial", ['console.input="uart"'], image=image)
        self.console.wait_for(b"serial ready")
        os.unlink(image)
        guest.word("reset")
        code, errors = guest.wait()
        self.assertRegex(errors, f"{image}: No such file")
        self.assertRegex(errors, "tiny: cannot be started again\n$")
        self.assertEqual(code, OPERATOR_ERROR)

    def test_reset_is_an_exit_status_for_a_supervisor(self):
        guest = self.start("restart", ['machine.on_reboot="exit"'])
        self.assert_ends(guest, REBOOT, "tiny: asked for a reboot")

    def test_reset_after_a_panic_is_a_crash(self):
        guest = self.start("panic out of biscuits")
        self.assert_ends(guest, CRASHED, "tiny: crashed: kernel panic: out of biscuits$")

    def test_panic_of_an_earlier_boot_is_forgotten(self):
        guest = self.start("deaf")
        self.console.wait_for(b"not listening")
        self.assertEqual(guest.word("reset").returncode, 0)
        self.console.wait_for(b"not listening")
        self.assertEqual(guest.word("kill").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_sigterm_presses_the_power_button(self):
        guest = self.start("button")
        self.console.wait_for(b"waiting for the button")
        guest.process.send_signal(signal.SIGTERM)
        self.console.wait_for(b"button")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off$")

    def test_stop_presses_the_power_button_and_can_wait(self):
        guest = self.start("button")
        self.console.wait_for(b"waiting for the button")
        self.assertEqual(guest.word("stop", "--wait").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off$")

    def test_deaf_guest_is_powered_off_when_its_time_is_over(self):
        guest = self.start("deaf", ['machine.stop_timeout="1s"'])
        self.console.wait_for(b"not listening")
        self.assertEqual(guest.word("stop").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force, 1 s after")

    def test_second_signal_is_at_once(self):
        guest = self.start("deaf")
        self.console.wait_for(b"not listening")
        guest.process.send_signal(signal.SIGINT)
        self.assertRegex(guest.process.stderr.readline(), "power button pressed")
        guest.process.send_signal(signal.SIGINT)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_a_terminal_that_goes_away_asks_only_once(self):
        guest = self.start("deaf")
        self.console.wait_for(b"not listening")
        guest.process.send_signal(signal.SIGHUP)
        self.assertRegex(guest.process.stderr.readline(), "power button pressed")
        guest.process.send_signal(signal.SIGHUP)
        self.assertTrue(guest.status()["stopping"])
        guest.process.send_signal(signal.SIGTERM)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")


class Service(GuestTest):
    """What a service manager hears and says."""

    def listen(self):
        path = os.path.join(self.directory, "notify")
        manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        manager.bind(path)
        manager.settimeout(TIMEOUT)
        return manager, {"NOTIFY_SOCKET": path}

    def wait_told(self, manager, what):
        while what not in manager.recv(4096).decode().splitlines():
            pass

    def test_manager_is_told_of_start_and_end(self):
        manager, env = self.listen()
        guest = self.start("button", env=env)
        self.wait_told(manager, "READY=1")
        self.console.wait_for(b"waiting for the button")
        guest.word("pause")
        self.wait_told(manager, "STATUS=paused")
        guest.word("stop")
        self.wait_told(manager, "STOPPING=1")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off$")

    def test_watchdog_is_fed_when_asked_for(self):
        manager, env = self.listen()
        guest = self.start("deaf", env={**env, "WATCHDOG_USEC": "100000"})
        for _ in range(3):
            self.wait_told(manager, "WATCHDOG=1")
        guest.word("kill")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_signal_makes_the_log_talkative(self):
        guest = self.start("deaf")
        self.console.wait_for(b"not listening")
        guest.process.send_signal(signal.SIGUSR1)
        self.assertRegex(guest.process.stderr.readline(), "^tiny: says everything")
        guest.word("kill")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")


class Control(GuestTest):
    def test_paused_guest_stands_still_and_goes_on(self):
        guest = self.start("serial", ['console.input="uart"'])
        self.console.wait_for(b"serial ready")
        self.assertEqual(guest.word("pause").returncode, 0)
        self.console.wait_state("paused")
        self.assertEqual(guest.status()["state"], "paused")
        refused = guest.word("pause")
        self.assertEqual(refused.returncode, HOST_FAILURE)
        self.assertEqual(refused.stderr, "tiny: not possible while it is paused\n")
        before = guest.exits()
        self.console.type(b"abcq")
        self.assertEqual(guest.exits(), before)
        self.assertEqual(guest.word("resume").returncode, 0)
        self.console.wait_for(b"abcq")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")

    def test_paused_guest_can_be_stopped(self):
        guest = self.start("button")
        self.console.wait_for(b"waiting for the button")
        self.assertEqual(guest.word("pause").returncode, 0)
        self.assertEqual(guest.word("stop").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off$")

    def test_status_says_what_there_is(self):
        guest = self.start("deaf", ["machine.vcpus=2"])
        self.console.wait_for(b"not listening")
        status = guest.status()
        self.assertEqual(status["name"], "tiny")
        self.assertEqual(status["state"], "running")
        self.assertEqual(status["pid"], guest.process.pid)
        self.assertEqual(status["memory"], 32 << 20)
        self.assertEqual(len(status["vcpus"]), 2)
        self.assertEqual([device["name"] for device in status["devices"]], ["console", "rng"])
        self.assertTrue(status["console"]["connected"])
        self.assertRegex(guest.word("status").stdout, r"^tiny: running, process \d+, up 0:00:")


class Devices(GuestTest):
    def test_every_virtio_mmio_register(self):
        self.assert_ends(self.start("registers"), POWERED_OFF, "tiny: powered off")

    def test_reading_registers_causes_no_exit(self):
        guest = self.start("reads")
        self.console.wait_for(b"reads done")
        self.assertTrue(guest.status()["register_pages"])
        self.assertEqual(guest.exits()["mmio_read"], 0)

    def test_interrupt_round_trips_cause_no_exit_to_user_space(self):
        exits = []
        for rounds in (3, 50):
            guest = self.start(f"entropy {rounds}")
            self.console.wait_for(b"rounds done\n")
            self.assertNotIn(b"FAIL", self.console.output)
            count = guest.exits()
            del count["interrupted"]
            exits.append(count)
            guest.word("kill")
            guest.wait()
        self.assertEqual(exits[0], exits[1])

    def test_devices_work_on_a_kvm_without_register_pages_too(self):
        for scenario in ("registers", "hostile", "rings"):
            with self.subTest(scenario=scenario):
                guest = self.start(scenario, env={"LD_PRELOAD": OLD_KVM})
                self.assert_ends(guest, POWERED_OFF, "tiny: powered off")
        guest = self.start("entropy 5", env={"LD_PRELOAD": OLD_KVM})
        self.console.wait_for(b"rounds done")
        self.assertFalse(guest.status()["register_pages"])
        self.assertGreater(guest.exits()["mmio_read"], 5)
        guest.word("kill")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_hostile_ring_needs_a_reset_and_hurts_nobody_else(self):
        self.assert_ends(self.start("hostile"), POWERED_OFF, "tiny: powered off")
        self.assertIn(b"needs a reset", self.console.output)

    def test_no_ring_that_makes_no_sense_is_served_and_all_are_survived(self):
        self.assert_ends(self.start("rings"), POWERED_OFF, "tiny: powered off")

    def test_each_change_of_the_window_is_announced(self):
        guest = self.start("sizes")
        self.console.wait_for(b"sizes ready\n")
        for rows in range(20, 60):
            self.console.resize(rows, 100)
            self.console.wait_for(b"size 0x%x\n" % (rows << 16 | 100))
        self.assertEqual(self.console.output.count(b"size 0x"), 40)
        self.assertNotIn(b"FAIL", self.console.output)
        self.assertEqual(guest.word("kill").returncode, 0)
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off by force")

    def test_virtio_console_takes_input_and_the_size(self):
        guest = self.start("console")
        self.console.wait_for(b"console ready")
        self.console.resize(40, 132)
        text = bytes(byte for byte in range(256) if byte != ord("q")) * 40
        self.console.type(text + b"q")
        self.console.wait_for(re.escape(text + b"q"))
        self.console.wait_for(b"window: 0x%x\n" % (40 << 16 | 132))
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")

    def test_typing_waits_for_the_driver(self):
        guest = self.start("console")
        self.console.wait_state("running")
        self.console.type(b"earlyq")
        self.console.wait_for(b"earlyq")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")

    def test_serial_port_takes_input_and_breaks(self):
        guest = self.start("serial", ['console.input="uart"'])
        self.console.wait_for(b"serial ready")
        text = b"".join(b"line %d of many\n" % i for i in range(50))
        self.console.type(text)
        self.console.wait_for(re.escape(text))
        self.console.send_break()
        self.console.wait_for(b"<break>")
        self.console.type(b"q")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")

    def test_output_survives_broken_connections(self):
        guest = self.start("console")
        self.console.wait_for(b"console ready")
        for i in range(5):
            self.console.hang_up()
            self.console.wait_connections(i + 2)
            self.console.type(b"round %d." % i)
            self.console.wait_for(b"round %d\\." % i)
        self.console.type(b"q")
        self.assert_ends(guest, POWERED_OFF, "tiny: powered off")


if __name__ == "__main__":
    unittest.main(verbosity=2)
