#!/usr/bin/env python3
"""muxd's wires: sockets, ports, workers, commands; with front-ends that are no machines."""

import json
import os
import pwd
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import REFUSED, TIMEOUT, connect, hello, read_message  # noqa: E402
from frontend import Frontend  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux, control, muxd_program, varlink  # noqa: E402

NOBODY = pwd.getpwnam("nobody").pw_uid


def wait_for(condition, what):
    """Until a condition holds that no event tells of; other processes run meanwhile."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}")
        subprocess.run(["true"], check=True)


def is_alive(pid):
    """And no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class WireTest(LimitedTest):
    options = ()

    def setUp(self):
        self.mux = self.enterContext(Mux(*self.options))

    def path(self, wire="cable0"):
        return os.path.join(self.mux.directory, "net", f"{wire}.sock")

    def plug(self, name=None, wire="cable0"):
        return self.enterContext(Frontend(self.path(wire), name))

    def connect(self, name=None, wire="cable0"):
        """Plugged in, and called connected."""
        front = self.plug(name, wire)
        front.negotiate()
        self.until_state(name, "connected", wire)
        return front

    def connect_again(self, name):
        """As front-ends do: a worker that is just dying may get the first connection yet."""
        for _ in range(100):
            front = self.plug(name)
            try:
                front.negotiate()
            except ConnectionError:
                continue
            self.until_state(name, "connected")
            return front
        raise AssertionError("refused again and again")

    def wires(self):
        return {wire["name"]: wire for wire in json.loads(self.mux.run("wire", "list", "--json"))}

    def ports(self, wire="cable0"):
        ports = json.loads(self.mux.run("port", "list", wire, "--json"))
        return {port["name"]: port for port in ports}

    def until_state(self, name, state, wire="cable0"):
        return wait_for(
            lambda: self.ports(wire).get(name, {"state": "none"})["state"] == state,
            f"{name} is {state}",
        )

    def worker(self, wire="cable0"):
        """The process of one that is ready."""
        return wait_for(
            lambda: self.wires()[wire]["ready"] and self.wires()[wire]["workerPid"], "a worker"
        )

    def log(self, wire="cable0"):
        return self.mux.run("cat", wire).decode()

    def until_log(self, text, wire="cable0"):
        wait_for(lambda: wire in self.mux.channels() and text in self.log(wire), text)

    def descriptors(self):
        """Now: a connection that has just ended may still be among them."""
        return len(os.listdir(f"/proc/{self.mux.process.pid}/fd"))

    def fails(self, *words, status=1):
        done = self.mux.call(*words)
        self.assertEqual(done.returncode, status, done)
        return done.stderr.decode()


class SocketTest(WireTest):
    def test_without_configuration_there_is_a_cable(self):
        mode = os.stat(self.path()).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertFalse(mode & 0o007)
        self.assertEqual(self.wires()["cable0"]["kind"], "cable")
        self.assertNotIn("cable0", self.mux.channels())  # there was nothing to say

    def test_sockets_go_with_muxd_and_so_do_workers(self):
        worker = self.worker()
        self.assertTrue(is_alive(worker))
        self.assertEqual(self.mux.stop(), 0)
        self.assertFalse(is_alive(worker))
        self.assertEqual(os.listdir(os.path.join(self.mux.directory, "net")), [])

    def test_a_killed_muxd_leaves_no_worker_and_the_next_takes_the_sockets(self):
        worker = self.worker()
        front = self.connect("guest1")
        self.mux.kill()
        wait_for(lambda: not is_alive(worker), "the worker has ended")
        self.assertTrue(front.is_closed())
        self.mux.start()
        self.connect("guest1")

    def test_a_stopped_worker_does_not_hold_up_the_end(self):
        os.kill(self.worker(), signal.SIGSTOP)
        self.assertEqual(self.mux.stop(), 0)

    def test_a_second_muxd_is_told_so(self):
        with Mux(directory=self.mux.directory, start=False) as second:
            done = subprocess.run(
                second.command(), stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        self.assertEqual(done.returncode, 2)
        self.connect("guest1")

    def test_a_directory_too_deep_for_a_socket_is_said(self):
        with tempfile.TemporaryDirectory() as top:
            # Short enough for control.sock, too long for the wire's.
            deep = os.path.join(top, "d" * (107 - len(top) - len("//control.sock")))
            done = subprocess.run(
                [muxd_program(), "--runtime-dir", deep],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False,
            )
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"File name too long", done.stderr)

    def test_sockets_can_be_passed(self):
        self.mux.stop()
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as passed:
            path = os.path.join(directory, "mine")
            passed.bind(path)
            passed.listen()
            program = "import os, sys; os.dup2(int(sys.argv[1]), 3); " \
                "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
            self.mux.command = lambda *words, of=self.mux.command: (
                [sys.executable, "-c", program, str(passed.fileno()), *of(*words)]
            )
            popen = subprocess.Popen

            def with_socket(*arguments, env, **options):
                env = {**env, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "net-cable0"}
                return popen(*arguments, env=env, pass_fds=[passed.fileno()], **options)

            with unittest.mock.patch("mux.subprocess.Popen", with_socket):
                self.mux.start()
            del self.mux.command
            self.assertFalse(os.path.exists(self.path()))
            with Frontend(path, "guest1") as front:
                front.negotiate()
                self.until_state("guest1", "connected")
            self.mux.stop()
            self.assertTrue(os.path.exists(path))


class PortTest(WireTest):
    def test_a_front_end_has_its_port_by_name(self):
        first, second = self.connect("guest1"), self.connect("guest2")
        ports = self.ports()
        self.assertEqual([ports["guest1"]["number"], ports["guest2"]["number"]], [0, 1])
        self.assertEqual(ports["guest1"]["pid"], os.getpid())
        self.assertIn("port guest1: connected", self.log())
        first.close()
        self.until_state("guest1", "absent")
        self.assertEqual(self.ports()["guest2"]["state"], "connected")
        self.assertIn("port guest1: gone", self.log())
        second.close()

    def test_who_says_no_name_is_called_by_its_command(self):
        self.plug().negotiate()
        with open("/proc/self/comm", encoding="ascii") as comm:
            name = f"{comm.read().strip()}.{os.getpid()}"
        self.until_state(name, "connected")

    def test_a_third_is_refused_and_told_in_the_log(self):
        self.connect("guest1")
        self.connect("guest2")
        self.assertTrue(self.plug("guest3").is_closed())
        self.until_log("port guest3: refused: both ends of the cable are taken")
        self.assertIn("port guest3: refused", self.mux.log_text())

    def test_a_name_is_taken_as_long_as_its_holder_is_there(self):
        first = self.connect("web.1")
        for _ in range(5):
            self.assertTrue(self.plug("web.1").is_closed())
        first.negotiate()
        refused = "port web.1: refused: somebody is plugged in under this name already"
        self.until_log(refused)
        self.assertEqual(self.log().count(refused), 1)

    def test_the_same_name_again_at_once_where_the_former_is_gone(self):
        for _ in range(20):
            self.connect("guest1").close()
        self.connect("guest1").negotiate()

    @unittest.skipIf(os.geteuid(), "needs root, to be two users")
    def test_another_user_cannot_take_a_name(self):
        first = self.connect("guest1")
        for path in (self.mux.directory, os.path.dirname(self.path()), self.path()):
            os.chmod(path, 0o777)
        child = os.fork()
        if not child:
            os.setuid(NOBODY)
            with Frontend(self.path(), "guest1") as thief:
                os._exit(0 if thief.is_closed() else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.until_log("port guest1: refused: a process of another user")
        first.negotiate()

    def test_names_that_are_none_are_refused(self):
        for name in (b"-x", b"..", b"a b", b"a\nb", b"\xff\xfe", b"x" * 64):
            self.assertTrue(self.plug(name).is_closed(), name)
        self.until_log("refused: its name must")
        self.assertEqual(self.ports(), {})

    def test_a_guest_cannot_have_the_name_of_a_wire(self):
        with connect(self.mux.directory) as stream:
            stream.sendall(hello("cable0"))
            kind, body = read_message(stream)
        self.assertEqual((kind, body), (REFUSED, b"a wire is called cable0"))
        self.assertNotIn("cable0", self.mux.channels())

    def test_settings_outlive_connection_and_worker(self):
        self.mux.run("wire", "add", "switch", "lan")
        front = self.connect("guest1", "lan")
        self.mux.run("vlan", "guest1", "access", "5")
        self.mux.run("impair", "guest1", "delay=10ms", "loss=1%")
        self.mux.run("link", "lan/guest2", "down")
        front.close()
        self.until_state("guest1", "absent", "lan")
        worker = self.worker("lan")
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: self.worker("lan") != worker, "another worker")
        port = self.ports("lan")["guest1"]
        self.assertEqual((port["vlan"], port["delay"], port["loss"]), ("access=5", "10ms", "1%"))
        self.assertFalse(self.ports("lan")["guest2"]["link"])
        self.connect("guest1", "lan")


class WorkerTest(WireTest):
    def test_a_killed_worker_is_replaced_and_nothing_is_left_behind(self):
        before = worker = self.worker()
        front = self.connect("guest1")
        self.connect("guest2")
        descriptors = self.descriptors()
        for _ in range(5):
            os.kill(worker, signal.SIGKILL)
            self.assertTrue(front.is_closed())
            front = self.connect_again("guest1")
            worker = self.worker()
        self.assertNotEqual(worker, before)
        self.connect("guest2")
        wait_for(lambda: self.descriptors() <= descriptors, "as many descriptors as before")
        self.assertIn("the worker has died: signal 9", self.log())
        self.assertIn("a new worker has taken over", self.log())

    def test_one_that_dies_concerns_no_other_wire(self):
        self.mux.run("wire", "add", "cable", "other")
        front = self.connect("guest1", "other")
        self.connect("guest1")
        os.kill(self.worker(), signal.SIGKILL)
        self.until_log("a new worker has taken over")
        front.negotiate()
        self.assertEqual(self.ports("other")["guest1"]["state"], "connected")

    def test_fifty_wires_come_and_go(self):
        descriptors = self.descriptors()
        for i in range(50):
            self.mux.run("wire", "add", ("cable", "switch")[i % 2], f"wire{i}")
        workers = [self.worker(f"wire{i}") for i in range(50)]
        self.assertEqual(len(set(workers)), 50)
        for i in range(50):
            self.connect("guest1", f"wire{i}")
        for i in range(50):
            self.mux.run("wire", "remove", f"wire{i}")
        wait_for(lambda: not any(map(is_alive, workers)), "the workers have ended")
        wait_for(lambda: self.descriptors() <= descriptors, "as many descriptors as before")
        self.assertEqual(os.listdir(os.path.dirname(self.path())), ["cable0.sock"])

    def test_a_worker_is_named_after_its_wire(self):
        with open(f"/proc/{self.worker()}/cmdline", "rb") as words:
            self.assertEqual(words.read().split(b"\0")[0], b"muxd: wire cable0")
        with open(f"/proc/{self.worker()}/comm", "rb") as comm:
            self.assertEqual(comm.read(), b"cable0\n")


class ConfigurationTest(WireTest):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("""
                [[switch]]
                name = "lan"
                open = false
                [[switch.port]]
                name = "guest1"
                socket = true
                vlan = "access=5"
                allow = ["guest2"]
                [[switch.port]]
                name = "guest2"
                link = false
                [[cable]]
                name = "other"
            """)
            file.flush()
            self.options = ("--config", file.name)
            super().setUp()

    def test_there_are_the_wires_of_the_file(self):
        self.assertEqual(sorted(self.wires()), ["lan", "other"])
        self.assertEqual(
            sorted(os.listdir(os.path.dirname(self.path()))),
            ["lan.guest1.sock", "lan.sock", "other.sock"],
        )
        ports = self.ports("lan")
        self.assertEqual((ports["guest1"]["vlan"], ports["guest1"]["allow"]), ("access=5", ["guest2"]))
        self.assertEqual((ports["guest2"]["link"], ports["guest2"]["state"]), (False, "absent"))

    def test_a_port_has_its_own_socket(self):
        front = self.plug("whoever", "lan.guest1")
        front.negotiate()
        self.until_state("guest1", "connected", "lan")
        self.assertNotIn("whoever", self.ports("lan"))

    def test_strangers_are_refused(self):
        self.assertTrue(self.plug("guest3", "lan").is_closed())
        self.until_log("port guest3: refused: only the ports of muxd.toml", "lan")
        self.connect("guest2", "lan")


class HostileTest(WireTest):
    def test_connections_without_end(self):
        """Open descriptors are as before, and who was there is not disturbed."""
        self.mux.run("wire", "add", "switch", "lan")
        front = self.connect("good", "lan")
        worker, descriptors = self.worker("lan"), self.descriptors()
        streams = []
        for i in range(600):
            streams.append(Frontend(self.path("lan"), f"bad{i}"))
        self.assertTrue(streams[-1].is_closed())  # it is full
        for stream in streams:
            stream.close()
        for i in range(200):
            Frontend(self.path("lan")).close()
        front.negotiate()
        self.until_state("good", "connected", "lan")
        wait_for(lambda: self.descriptors() <= descriptors, "as many descriptors as before")
        self.assertEqual(self.worker("lan"), worker)
        wait_for(
            lambda: self.ports("lan")["good"]["state"] == "connected"
            and sum(port["state"] != "absent" for port in self.ports("lan").values()) == 1,
            "the others are gone",
        )
        self.connect("guest1", "lan")

    def test_a_name_that_comes_again_and_again(self):
        worker = self.worker()
        for _ in range(300):
            self.plug("guest1").close()
        self.connect("guest2")
        front = self.connect("guest1")
        for _ in range(300):
            self.plug("guest1")
        front.negotiate()
        self.assertEqual(self.worker(), worker)

    def test_what_front_ends_say_costs_them_only_their_connection(self):
        front = self.connect("good")
        for bad in (b"\0" * 12, b"\xff" * 64, struct.pack("=III", 1, 1, 0xFFFFFFFF),
                    struct.pack("=III", 99, 1, 0), b"GET / HTTP/1.0\r\n\r\n"):
            stream = self.plug("bad")
            stream.stream.sendall(bad)
            self.assertTrue(stream.is_closed(), bad)
        front.negotiate()
        self.assertIn("port bad: gone", self.log())

    def test_a_log_does_not_grow_with_refusals(self):
        self.connect("guest1")
        self.connect("guest2")
        for _ in range(500):
            with self.plug("guest3") as front:
                front.is_closed()
        self.until_log("refused")
        # 20 lines a second, however many seconds that took.
        self.assertLess(self.log().count("refused"), 500)

    def test_control_clients_get_one_answer_to_anything(self):
        for parameters in ({}, {"wire": 1}, {"wire": "cable0", "snapLength": -1},
                           {"wire": "none"}, {"wire": "cable0", "port": "none"},
                           {"wire": "x" * 100000}, {"wire": "cable0"}):
            with control(self.mux.directory) as stream:
                varlink(stream, "org.vmm.mux.Capture", parameters)  # without "upgrade"
                reply = b""
                while b"\0" not in reply:
                    piece = stream.recv(65536)
                    self.assertTrue(piece)
                    reply += piece
                self.assertIn("error", json.loads(reply.rstrip(b"\0")))
        self.connect("guest1")


class CommandTest(WireTest):
    def test_wires_are_added_and_removed(self):
        self.mux.run("wire", "add", "switch", "lan", "poll=off")
        self.assertEqual(self.wires()["lan"]["poll"], "off")
        self.mux.run("poll", "lan", "always")
        self.assertEqual(self.wires()["lan"]["poll"], "always")
        self.assertIn("there is such a wire already", self.fails("wire", "add", "cable", "lan"))
        front = self.connect("guest1", "lan")
        self.mux.run("wire", "remove", "lan")
        self.assertTrue(front.is_closed())
        self.assertFalse(os.path.exists(self.path("lan")))
        self.assertIn('no wire named "lan"', self.fails("wire", "remove", "lan"))

    def test_words_that_make_no_sense_are_told(self):
        for words in (
            ("wire",), ("wire", "frobnicate"), ("wire", "add"), ("wire", "add", "rope", "x"),
            ("wire", "add", "cable", "a/b"), ("wire", "add", "cable", "x", "poll=soon"),
            ("wire", "add", "cable", "x", "uplink=tap0"),
            ("wire", "add", "switch", "x", "uplink="), ("wire", "add", "switch", "x", "uplink=t%d"),
            ("wire", "add", "switch", "x", "uplink=a/b"), ("wire", "list", "all"),
            ("port",), ("port", "frobnicate"), ("link", "x", "sideways"),
            ("isolate", "x", "maybe"), ("monitor", "x", "maybe"), ("poll", "cable0", "soon"),
            ("impair", "cable0/x", "delay=1year"), ("capture", "cable0"),
        ):
            self.assertTrue(self.fails(*words, status=2), words)
        for words in (
            ("link", "nobody", "up"), ("link", "nowhere/guest1", "up"), ("stats", "nobody"),
            ("port", "list", "nowhere"), ("vlan", "cable0/guest1", "access", "5"),
            ("isolate", "cable0/guest1", "on"), ("poll", "nowhere", "off"),
            ("capture", "nowhere", "-"), ("wire", "remove", "nowhere"),
        ):
            self.assertTrue(self.fails(*words), words)
        self.assertEqual(list(self.wires()), ["cable0"])

    def test_a_port_is_set(self):
        self.mux.run("wire", "add", "switch", "lan")
        self.connect("guest1", "lan")
        for words in (
            ("link", "guest1", "down"), ("vlan", "lan/guest1", "trunk", "5,7-9"),
            ("isolate", "guest1", "on"), ("monitor", "guest1", "on"),
            ("allow", "guest1", "guest2", "guest3"), ("impair", "guest1", "rate=10Mbit"),
        ):
            self.mux.run(*words)
        port = self.ports("lan")["guest1"]
        self.assertEqual(
            {key: port[key] for key in ("link", "vlan", "isolated", "monitor", "allow", "rate")},
            {"link": False, "vlan": "trunk=5,7-9", "isolated": True, "monitor": True,
             "allow": ["guest2", "guest3"], "rate": "10Mbit"},
        )
        text = self.mux.run("port", "list").decode()
        self.assertIn("link down trunk=5,7-9 isolated monitor allow guest2,guest3", text)
        self.assertIn("port guest1: link down", self.log("lan"))
        for words in (
            ("link", "guest1", "up"), ("vlan", "guest1", "none"), ("isolate", "guest1", "off"),
            ("monitor", "guest1", "off"), ("allow", "guest1", "all"), ("impair", "guest1", "off"),
        ):
            self.mux.run(*words)
        self.assertNotIn("allow", self.ports("lan")["guest1"])

    def test_a_port_of_two_wires_has_to_be_told_apart(self):
        self.mux.run("wire", "add", "cable", "other")
        self.connect("guest1")
        self.connect("guest1", "other")
        self.assertIn("cable0/guest1, other/guest1", self.fails("link", "guest1", "down"))
        self.mux.run("link", "other/guest1", "down")
        self.assertTrue(self.ports()["guest1"]["link"])

    def test_the_log_is_a_channel_that_takes_no_input(self):
        self.connect("guest1")
        channel = self.mux.channels()["cable0"]
        self.assertEqual((channel["state"], channel["dead"]), ("log", False))
        viewer = self.mux.attach()
        viewer.follow("cable0", types=True)
        viewer.until(lambda: b"port guest1: connected" in viewer.output("cable0"))
        viewer.type("cable0", b"x" * 5000)
        self.mux.run("list")
        self.assertEqual(self.mux.channels()["cable0"]["input"]["bytes"], 0)

    def test_an_uplink_that_cannot_be_is_told(self):
        message = self.fails("wire", "add", "switch", "lan", "uplink=lo")
        self.assertIn("uplink lo: ", message)
        self.assertNotIn("lan", self.wires())
        self.assertFalse(os.path.exists(self.path("lan")))


def can_make_interfaces():
    """Root in a container may not."""
    done = subprocess.run(
        ["ip", "tuntap", "add", "dev", f"probe{os.getpid()}", "mode", "tap"],
        capture_output=True, check=False,
    )
    if done.returncode == 0:
        subprocess.run(["ip", "link", "del", f"probe{os.getpid()}"], check=True)
    return done.returncode == 0


@unittest.skipUnless(can_make_interfaces(), "this host lets nobody here make a TAP interface")
class UplinkTest(WireTest):
    def setUp(self):
        super().setUp()
        self.tap = f"muxd{os.getpid() % 1000000}"
        self.mux.run("wire", "add", "switch", "lan", f"uplink={self.tap}")
        self.until_state(self.tap, "running", "lan")

    def exists(self):
        return os.path.exists(f"/sys/class/net/{self.tap}")

    def test_it_is_there_as_long_as_the_wire(self):
        self.assertTrue(self.exists())
        self.assertEqual(self.wires()["lan"]["uplink"], self.tap)
        self.mux.run("wire", "remove", "lan")
        wait_for(lambda: not self.exists(), "the interface is gone")

    def test_it_outlives_a_worker(self):
        with open(f"/sys/class/net/{self.tap}/ifindex", encoding="ascii") as file:
            index = file.read()
        worker = self.worker("lan")
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: self.worker("lan") != worker, "another worker")
        self.until_state(self.tap, "running", "lan")
        with open(f"/sys/class/net/{self.tap}/ifindex", encoding="ascii") as file:
            self.assertEqual(file.read(), index)

    def test_frames_pass_between_guests_and_host(self):
        packets = os.path.join(
            os.environ.get("BUILD", os.path.dirname(muxd_program())), "tests/packet_guests"
        )
        every_protocol = socket.htons(3)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, every_protocol) as host:
            subprocess.run(["ip", "link", "set", self.tap, "up"], check=True)
            host.bind((self.tap, 0))
            host.settimeout(TIMEOUT)
            done = subprocess.run(
                [packets, self.path("lan")], stdout=subprocess.PIPE, timeout=TIMEOUT, check=True
            )
            # Nobody has heard of the receiver yet, so the host gets them all, too.
            guest1, lengths = b"\x02\0\0\0\0\1", []
            while len(lengths) < len(done.stdout.splitlines()):
                frame = host.recv(70000)
                if frame[6:12] == guest1:
                    lengths.append(len(frame))
            self.assertGreater(max(lengths), 60000)  # as the guest sent it
            with self.connect("guest3", "lan"):
                sent = self.sent()
                host.send(b"\xff" * 6 + b"\x02\0\0\0\0\x09" + b"\x88\xb5" + bytes(46))
                wait_for(lambda: self.sent() > sent, "a frame of the host")
        self.assertEqual(self.dropped("malformed"), 0)

    def stats(self):
        (port,) = json.loads(self.mux.run("stats", "--json", f"lan/{self.tap}"))
        return port

    def sent(self):
        return self.stats()["sent"]["frames"]

    def dropped(self, reason):
        return self.stats()["dropped"].get(reason, 0)

    def test_nobody_can_have_its_name(self):
        self.assertTrue(self.plug(self.tap, "lan").is_closed())
        self.until_log("this is the name of the uplink", "lan")

    def test_a_second_wire_cannot_have_it(self):
        message = self.fails("wire", "add", "switch", "other", f"uplink={self.tap}")
        self.assertIn("somebody else has it", message)

    def test_without_it_the_wire_goes_on(self):
        front = self.connect("guest1", "lan")
        subprocess.run(["ip", "link", "del", self.tap], check=True)
        self.until_log(f"port {self.tap}: gone", "lan")
        front.negotiate()
        self.assertEqual(self.ports("lan")["guest1"]["state"], "connected")


class TrafficTest(WireTest):
    """With guests that send: those of the benches."""

    def traffic(self, *options):
        program = os.path.join(
            os.environ.get("BUILD", os.path.dirname(muxd_program())), "tests/bench/wire_frontend"
        )
        subprocess.run(
            [program, *options, self.path()], capture_output=True, timeout=TIMEOUT, check=True
        )

    def test_what_goes_over_a_cable_is_counted_at_both_ends(self):
        self.traffic("-l", "100")
        stats = {port["port"]: port for port in json.loads(self.mux.run("stats", "--json"))}
        sent, received = stats["guest1"]["sent"], stats["guest2"]["received"]
        self.assertGreater(received["frames"], 0)
        self.assertLessEqual(received["frames"], sent["frames"])
        self.assertEqual(received["bytes"], received["frames"] * 100)
        self.assertEqual(json.loads(self.mux.run("stats", "--json", "guest1")), [stats["guest1"]])
        self.assertIn(f"received {received['frames']} frames".encode(), self.mux.run("stats"))

    def test_a_capture_is_a_file_that_ends_with_the_command(self):
        path = os.path.join(self.mux.directory, "frames")
        self.worker()
        with subprocess.Popen(self.mux.command("capture", "cable0", path)) as capture:
            wait_for(lambda: os.path.exists(path) and os.path.getsize(path), "a header")
            self.traffic()
            wait_for(lambda: os.path.getsize(path) > 10000, "frames")
            capture.send_signal(signal.SIGINT)
            self.assertEqual(capture.wait(TIMEOUT), 0)
        with open(path, "rb") as file:
            self.assertEqual(struct.unpack("=I", file.read(4))[0], 0x0A0D0D0A)

    def test_a_capture_of_a_pipe_ends_with_its_wire(self):
        self.mux.run("wire", "add", "cable", "other")
        self.worker("other")
        with subprocess.Popen(
            self.mux.command("capture", "other", "-"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as capture:
            self.assertEqual(capture.stdout.read(4), struct.pack("=I", 0x0A0D0D0A))
            self.mux.run("wire", "remove", "other")
            _, errors = capture.communicate(timeout=TIMEOUT)
        self.assertEqual(capture.returncode, 1)
        self.assertIn(b"ended", errors)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(verbosity=2)
