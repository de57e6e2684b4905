"""A vhost-user front-end for tests of wires: it has a name and talks, but moves no frames."""

import itertools
import os
import socket
import struct

from console_link import TIMEOUT

GET_FEATURES, SET_FEATURES, SET_OWNER = 1, 2, 3
VERSION, REPLY = 1, 4
VIRTIO_F_VERSION_1 = 1 << 32

unique = itertools.count()


class Frontend:
    """Connects at once. name None: it says none."""

    def __init__(self, path, name=None):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(TIMEOUT)
        if name is not None:
            self.bind(name if isinstance(name, bytes) else name.encode())
        try:
            self.stream.connect(path)
        except OSError:
            self.stream.close()
            raise

    def bind(self, name):
        self.stream.bind(b"\0vmm-net/" + name + b"/%d.%d" % (os.getpid(), next(unique)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()

    def say(self, request, payload=b"", flags=VERSION):
        self.stream.sendall(struct.pack("=III", request, flags, len(payload)) + payload)

    def receive(self, length):
        data = b""
        while len(data) < length:
            piece = self.stream.recv(length - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data

    def hear(self, request):
        answered, flags, size = struct.unpack("=III", self.receive(12))
        assert answered == request and flags & REPLY, (answered, flags)
        return self.receive(size)

    def negotiate(self):
        """Until its wire calls it connected; what was offered."""
        self.say(GET_FEATURES)
        (offered,) = struct.unpack("=Q", self.hear(GET_FEATURES))
        self.say(SET_OWNER)
        self.say(SET_FEATURES, struct.pack("=Q", offered & VIRTIO_F_VERSION_1))
        return offered

    def is_closed(self):
        """Waits for it."""
        try:
            while self.stream.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True
