"""Requests from the emulator to a zygote: JSON lines on a socket, descriptors beside them."""

import array
import json
import os
import socket

READ_BYTES = 1 << 14
FDS_OF_A_MESSAGE = 4


class Requests:
    """Reads requests off the socket, which may hand out several at a time, or a part of one."""

    def __init__(self, control):
        self.control = control
        self.text = b""
        self.fds = []  # in the order in which their messages came

    def receive(self):
        """Return complete requests, each with its descriptors; None when the emulator is gone."""
        fds = array.array("i")
        space = socket.CMSG_SPACE(FDS_OF_A_MESSAGE * fds.itemsize)
        try:
            data, ancillary, _, _ = self.control.recvmsg(READ_BYTES, space)
        except ConnectionError:
            return None
        if not data:
            return None
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        for fd in fds:
            os.set_inheritable(fd, False)
        self.fds += fds
        *lines, self.text = (self.text + data).split(b"\n")
        return [self.with_fds(json.loads(line)) for line in lines]

    def with_fds(self, message):
        """Pair a message with as many descriptors as it says."""
        count = message["fds"]
        fds, self.fds = self.fds[:count], self.fds[count:]
        return message, fds
