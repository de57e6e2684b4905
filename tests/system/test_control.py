#!/usr/bin/env python3
"""The varlink interface of control.sock: every method and error as its description has them."""

import base64
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from console_link import KEEP, POWERED_OFF, Guest  # noqa: E402
from limited import LimitedTest  # noqa: E402
from mux import Mux  # noqa: E402
from varlink import Interface, VarlinkError  # noqa: E402


class ControlTest(LimitedTest):
    def setUp(self):
        self.mux = self.enterContext(Mux())
        self.control = self.interface()
        self.guests = []

    def interface(self):
        path = os.path.join(self.mux.directory, "control.sock")
        return self.enterContext(Interface(path, "org.vmm.mux"))

    def guest(self, name="one", output=b"", **options):
        guest = Guest(self.mux.directory, name, **options)
        guest.write(output)
        guest.until(lambda: guest.stream and guest.welcomed)
        guest.flush()
        self.guests.append(guest)  # else it would end
        return guest

    def assert_error(self, error, method, **parameters):
        with self.assertRaises(VarlinkError) as raised:
            self.control.call(method, **parameters)
        self.assertEqual(raised.exception.name, error)
        return raised.exception.parameters

    def channel(self, name="one"):
        (channel,) = (c for c in self.control.call("List")["channels"] if c["name"] == name)
        return channel

    def test_methods_without_parameters_answer_as_described(self):
        self.guest()
        self.assertEqual(self.control.call("Info")["pid"], self.mux.process.pid)
        self.assertEqual(self.channel()["state"], "running")
        self.assertEqual([wire["name"] for wire in self.control.call("ListWires")["wires"]],
                         ["cable0"])
        self.mux.run("link", "cable0/one", "down")
        self.assertEqual([port["name"] for port in self.control.call("ListPorts")["ports"]], ["one"])
        self.assertEqual(self.control.call("Stats")["ports"][0]["sent"], {"frames": 0, "bytes": 0})

    def test_what_is_not_there_is_a_typed_error_with_its_name(self):
        for method in ("Read", "Send", "Set", "Drop"):
            more = {"shown": True} if method == "Set" else {}
            problem = self.assert_error("ChannelNotFound", method, channel="none", **more)
            self.assertEqual(problem["name"], "none")
        self.assert_error("WireNotFound", "ListPorts", wire="none")
        self.assert_error("PortNotFound", "Stats", of="none")
        for name in ("ü" * 100, "x" + "ü" * 1000):  # too long to be told whole
            problem = self.assert_error("ChannelNotFound", "Read", channel=name)
            self.assertIn(name[:31], problem["message"])
            self.assertEqual(problem["name"], name[:len(problem["name"])])

    def test_parameters_that_are_none_are_refused(self):
        for method, parameters in (
            ("Read", {}), ("Read", {"channel": 1}),
            ("Read", {"channel": "one", "position": -1}),
            ("Read", {"channel": "one", "lines": "x"}), ("Read", {"channel": "x" * 9000}),
            ("Send", {"channel": "one", "bytes": "!!!!"}),
            ("Send", {"channel": "one", "bytes": "abc"}),
            ("Send", {"channel": "one", "text": "a", "bytes": "YQ=="}),
            ("Send", {"channel": "one", "enter": 1}), ("Wait", {"channel": "one", "timeoutMs": "1"}),
            ("Set", {"channel": "one", "shown": "yes"}), ("Say", {}), ("Stats", {"of": []}),
        ):
            self.control.send(f"org.vmm.mux.{method}", parameters)
            self.assertEqual(self.control.reply()["error"], "org.varlink.service.InvalidParameter",
                             (method, parameters))

    def test_a_history_is_read_in_pieces(self):
        output = "".join(f"line {i} ü\r\n" for i in range(3000)).encode()
        self.guest(output=output)
        first = self.control.call("Read", channel="one")
        self.assertTrue(0 < first["next"] < len(output) == first["end"])
        text = "".join(reply.get("text", "") for reply in self.control.more("Read", channel="one"))
        self.assertEqual(text.encode(), output)
        rest = "".join(reply.get("text", "") for reply in
                       self.control.more("Read", channel="one", position=first["next"]))
        self.assertEqual(first["text"] + rest, text)
        (last, end) = self.control.more("Read", channel="one", lines=2)
        self.assertEqual(last["text"], "line 2998 ü\r\nline 2999 ü\r\n")
        self.assertEqual(end["next"], len(output))

    def test_what_is_lost_is_counted_and_what_is_no_text_is_base64(self):
        data = bytes(range(256)) * 2000
        self.guest(output=b"", ring=1 << 20).write(b"")
        guest = self.guest("two", ring=1 << 20)
        guest.write(data)
        guest.flush()
        replies = list(self.control.more("Read", channel="two"))
        got = b"".join(base64.b64decode(r["bytes"]) if "bytes" in r else r.get("text", "").encode()
                       for r in replies)
        self.assertEqual(replies[0]["lost"], len(data) - len(got))
        self.assertEqual(got, data[-len(got):])

    def test_times_come_with_pieces_of_one_time(self):
        guest = self.guest(output=b"one\r\n")
        while self.control.call("Read", channel="one", times=True)["end"] < 10:
            guest.write(b"two\r\n")
            guest.flush()
        replies = [r for r in self.control.more("Read", channel="one", times=True) if "timeMs" in r]
        times = [reply["timeMs"] for reply in replies]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], 1_600_000_000_000)

    def test_what_comes_is_followed_until_the_channel_is_dropped(self):
        guest = self.guest(output=b"one\r\n")
        following = self.interface().more("Read", channel="one", follow=True)
        self.assertEqual(next(following)["text"], "one\r\n")
        guest.write(b"two\r\n")
        guest.flush()
        self.assertEqual(next(following)["text"], "two\r\n")
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        while not self.channel()["dead"]:
            pass
        self.control.call("Drop", channel="one")
        self.assertNotIn("text", [*following][-1])

    def test_text_and_bytes_are_sent_as_they_are(self):
        guest = self.guest()
        self.control.call("Send", channel="one", text="a\\n 'b' ü", enter=True)
        self.control.call("Send", channel="one", bytes=base64.b64encode(b"\0\xff--").decode())
        guest.until(lambda: guest.input == "a\\n 'b' ü\r".encode() + b"\0\xff--")
        problem = self.assert_error("CommandFailed", "Send", channel="one", text="x" * 8000)
        self.assertEqual(problem["status"], 2)

    def test_a_long_text_is_sent_whole(self):
        guest = self.guest()
        for text in ("ü" * 2000, "\\" * 2048):
            guest.input = b""
            self.control.call("Send", channel="one", text=text)
            guest.until(lambda: len(guest.input) == len(text.encode()))
            self.assertEqual(guest.input.decode(), text)

    def test_no_lines_are_none_and_one_is_the_last(self):
        self.guest(output=b"a\nb\nc\n")
        for lines, text in ((0, None), (1, "c\n"), (2, "b\nc\n"), (9, "a\nb\nc\n")):
            self.assertEqual(self.control.call("Read", channel="one", lines=lines).get("text"), text)

    def test_waiting_ends_with_the_line_or_a_typed_error(self):
        guest = self.guest(output=b"one login: ")
        self.assertEqual(self.control.call("Wait", channel="one", pattern="login:"),
                         {"line": "one login: "})
        problem = self.assert_error("TimedOut", "Wait", channel="one", pattern="x", timeoutMs=0)
        self.assertEqual(problem["name"], "one")
        self.assertEqual(self.control.call("Wait", channel="one", state="running"), {"line": ""})
        self.assert_error("CommandFailed", "Wait", channel="one", pattern="(")
        self.control.begin("Wait", channel="one", pattern="more")
        while self.mux.json("info")["commands"] != 2:
            pass
        guest.set_state(POWERED_OFF)
        guest.flush()
        guest.close()
        self.assertEqual(self.control.reply()["error"], "org.vmm.mux.GuestEnded")

    def test_settings_are_set_and_only_those_given(self):
        self.guest(flags=KEEP)
        self.guest("*")
        self.control.call("Set", channel="*", shown=False, keep=True, key="x", timestamps="utc")
        star, one = self.channel("*"), self.channel()
        self.assertEqual((star["shown"], star["keep"], star["key"], star["timestamps"]),
                         (False, True, "x", "utc"))
        self.assertEqual((one["shown"], one["keep"], one["key"]), (True, True, ""))
        self.control.call("Set", channel="one", keep=False)
        self.control.call("Set", channel="*", key="")
        self.assertEqual((self.channel()["keep"], self.channel("*")["key"]), (False, ""))
        problem = self.assert_error("CommandFailed", "Set", channel="one", key="e")
        self.assertEqual(problem["status"], 2)

    def test_viewers_are_told(self):
        viewer = self.mux.attach()
        viewer.until(lambda: viewer.ready)
        self.control.call("Say", text="--json")
        viewer.until(lambda: viewer.notices == ["--json"])

    def test_who_goes_away_is_not_followed_for(self):
        guest = self.guest(output=b"x" * 100000)
        for follow in (True, False):
            other = self.interface()
            next(other.more("Read", channel="one", follow=follow))
            other.stream.close()
        guest.write(b"more\r\n")
        guest.flush()
        self.assertEqual(self.mux.json("info")["commands"], 1)


if __name__ == "__main__":
    unittest.main()
