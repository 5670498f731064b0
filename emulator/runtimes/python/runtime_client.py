"""The Python runtime's connection to the Runtime API.

Runs inside an execution environment, on every CPython from 3.9 on.
"""

import os
import socket

NEXT_PATH = "/2018-06-01/runtime/invocation/next"
API = "/2018-06-01/runtime/"
# What mostly stands before an event: the answer to the result of the last one.
ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
    b'{"status":"OK"}\n'
)


class RuntimeApi:
    """One keep-alive connection to the Runtime API."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.host = address
        self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.socket.settimeout(None)  # whatever default a function has set
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.next_request = self.request("GET", NEXT_PATH)

    def request(self, method, path, body=b"", headers=""):
        """Return the bytes of a request."""
        if method == "POST":
            headers += "Content-Length: {}\r\n".format(len(body))
        head = "{} {} HTTP/1.1\r\nHost: {}\r\n{}\r\n".format(method, path, self.host, headers)
        return head.encode() + body

    def first(self):
        """Ask for the first event, which ends the init phase; return its headers and body."""
        self.socket.sendall(self.next_request)
        return self.read_event()

    def answer(self, request_id, kind, body, headers):
        """Post a result and ask for the next event in one segment; return the next event."""
        path = API + "invocation/" + request_id + "/" + kind
        self.socket.sendall(self.request("POST", path, body, headers) + self.next_request)
        self.receive()
        if self.buffer.startswith(ACCEPTED):
            self.buffer = self.buffer[len(ACCEPTED) :]
        return self.read_event()

    def init_error(self, body, headers):
        """Tell why the init phase failed."""
        self.post(API + "init/error", body, headers)

    def post(self, path, body, headers=""):
        """Tell something, and wait until it has been heard."""
        self.socket.sendall(self.request("POST", path, body, headers))
        self.read()

    def tell_debugger_port(self, port):
        """Tell the emulator where a debugger can attach."""
        text = "{} {}".format(port, os.environ["LAMBDA_TASK_ROOT"])
        self.post("/2026-11-22/debugger", text.encode())

    def read_event(self):
        """Read answers up to the one that is an event."""
        while True:
            headers, body = self.read()
            if "lambda-runtime-aws-request-id" in headers:
                return headers, body

    def read(self):
        """Read one answer: headers with lower-case names, and the body."""
        while b"\r\n\r\n" not in self.buffer:
            self.receive()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        left = int(headers.get("content-length", 0)) - len(rest)
        if left > 0:
            body = rest + self.receive_exactly(left)
            self.buffer = b""
        else:
            end = len(rest) + left
            body, self.buffer = rest[:end], rest[end:]
        return headers, body

    def receive(self):
        """Read some more; the process ends when the emulator has closed the connection."""
        data = self.socket.recv(16384)
        if not data:
            raise SystemExit(0)
        self.buffer += data

    def receive_exactly(self, count):
        """Read `count` bytes."""
        body = bytearray(count)
        view = memoryview(body)
        while count:
            got = self.socket.recv_into(view, count)
            if not got:
                raise SystemExit(0)
            view, count = view[got:], count - got
        return bytes(body)
