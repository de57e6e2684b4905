"""A varlink client that believes the description of an interface: it checks calls and replies by it.

    with Interface(path, "org.vmm.mux") as mux:
        mux.call("List")["channels"]
        for reply in mux.more("Read", channel="guest1", follow=True): ...

A reply that is not as described is an AssertionError, an error of the service a VarlinkError.
"""

import json
import re
import socket

from console_link import TIMEOUT

TOKEN = re.compile(r"#[^\n]*\n|\s+|(?P<token>\[\]|\[string\]|[A-Za-z][A-Za-z0-9_.]*|->|[():,?])")
PLAIN = {"string": str, "int": int, "bool": bool, "float": float, "object": dict}


class VarlinkError(Exception):
    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name = name.rpartition(".")[2]
        self.parameters = parameters


class Description:
    """The types, methods and errors of an interface."""

    def __init__(self, text):
        self.tokens = [match["token"] for match in self._split(text) if match["token"]]
        self.types, self.methods, self.errors = {}, {}, {}
        self._take("interface")
        self.name = self.tokens.pop(0)
        while self.tokens:
            keyword, name = self.tokens.pop(0), self.tokens.pop(0)
            struct = self._struct()
            if keyword == "method":
                self._take("->")
                self.methods[name] = (struct, self._struct())
            else:
                {"type": self.types, "error": self.errors}[keyword][name] = struct

    @staticmethod
    def _split(text):
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            assert match, f"no varlink: {text[position:position + 40]!r}"
            yield match
            position = match.end()

    def _take(self, token):
        assert self.tokens[0] == token, self.tokens[:10]
        self.tokens.pop(0)

    def _struct(self):
        members = {}
        self._take("(")
        while self.tokens[0] != ")":
            name = self.tokens.pop(0)
            self._take(":")
            members[name] = self._type()
            if self.tokens[0] != ")":
                self._take(",")
        self._take(")")
        return members

    def _type(self):
        token = self.tokens.pop(0)
        if token in ("?", "[]", "[string]"):
            return (token, self._type())
        assert token in PLAIN or token[0].isupper(), token
        return token

    def check(self, kind, value, where):
        if isinstance(kind, tuple) and kind[0] == "?":
            if value is not None:
                self.check(kind[1], value, where)
        elif isinstance(kind, tuple):
            assert isinstance(value, list if kind[0] == "[]" else dict), (where, value)
            for part in value if kind[0] == "[]" else value.values():
                self.check(kind[1], part, where)
        elif kind in PLAIN:
            right = isinstance(value, PLAIN[kind]) and (kind == "bool") == isinstance(value, bool)
            assert right, (where, kind, value)
        else:
            self.check_struct(self.types[kind], value, where)

    def check_struct(self, members, value, where):
        assert set(value) <= set(members), (where, set(value) - set(members))
        for name, kind in members.items():
            self.check(kind, value.get(name), f"{where}.{name}")


class Interface:
    def __init__(self, path, name):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(TIMEOUT)
        self.stream.connect(path)
        self.received = bytearray()
        self.send("org.varlink.service.GetInterfaceDescription", {"interface": name})
        self.description = Description(self.reply()["parameters"]["description"])
        assert self.description.name == name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, method, parameters, **flags):
        request = {"method": method, "parameters": parameters, **flags}
        self.stream.sendall(json.dumps(request).encode() + b"\0")

    def reply(self):
        while b"\0" not in self.received:
            data = self.stream.recv(65536)
            assert data, "the connection has ended"
            self.received += data
        text, _, rest = bytes(self.received).partition(b"\0")
        self.received = bytearray(rest)
        return json.loads(text)

    def _checked(self, method):
        reply = self.reply()
        parameters = reply.get("parameters") or {}
        error = reply.get("error")
        if error:
            errors = self.description.errors
            name = error.removeprefix(self.description.name + ".")
            assert name in errors or error.startswith("org.varlink.service."), error
            if name in errors:
                self.description.check_struct(errors[name], parameters, name)
            raise VarlinkError(error, parameters)
        self.description.check_struct(self.description.methods[method][1], parameters, method)
        return parameters, reply.get("continues", False)

    def begin(self, method, more=False, **parameters):
        self.description.check_struct(self.description.methods[method][0], parameters, method)
        self.send(f"{self.description.name}.{method}", parameters, **({"more": True} if more else {}))

    def call(self, method, **parameters):
        self.begin(method, **parameters)
        return self._checked(method)[0]

    def more(self, method, **parameters):
        self.begin(method, more=True, **parameters)
        continues = True
        while continues:
            reply, continues = self._checked(method)
            yield reply
