"""Compares ways to serve one echo application: requests a second, latency, CPU a request.

    python benchmarks/serving_stacks.py                   # makes a throw-away venv for the rivals
    python benchmarks/serving_stacks.py --python BIN      # a Python that has them installed

Each stack serves in a process of its own; the clients are raw keep-alive sockets in others.
Prints a Markdown table; docs/serving.md holds one such table and what follows from it.
"""

import argparse
import asyncio
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

RIVALS = ("waitress", "cheroot", "werkzeug", "httptools")
CLIENTS = (1, 8, 32)
BODY = b'{"key": "' + b"x" * 1013 + b'"}'
REQUEST = (
    b"POST /2015-03-31/functions/hello/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
THREADS = 40  # for the stacks with a fixed pool


def echo(environ, start_response):
    """Answer with the request's body."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


# --- servers: each listens, tells its port, and serves until it is killed ------------------------


def serve_granian(ready):
    from emulator.gateway import serve

    ready(serve(echo, "127.0.0.1", 0).port)
    threading.Event().wait()


def serve_waitress(ready):
    from waitress.server import create_server

    server = create_server(echo, host="127.0.0.1", port=0, threads=THREADS)
    ready(server.effective_port)
    server.run()


def serve_cheroot(ready):
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), echo, numthreads=THREADS)
    server.prepare()
    ready(server.bind_addr[1])
    server.serve()


def serve_werkzeug(ready):
    from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keep-alive

        def log_request(self, code="-", size="-"):
            pass

    server = ThreadedWSGIServer("127.0.0.1", 0, echo, handler=Quiet)
    ready(server.port)
    server.serve_forever()


def serve_asyncio(ready):
    from httptools import HttpRequestParser

    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.parser, self.body = transport, HttpRequestParser(self), b""

        def data_received(self, data):
            self.parser.feed_data(data)

        def on_body(self, body):
            self.body += body

        def on_message_complete(self):
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            self.transport.write(head % len(self.body) + self.body)
            self.body = b""

    async def run():
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


SERVERS = {
    "granian, in process": serve_granian,
    "waitress": serve_waitress,
    "cheroot": serve_cheroot,
    "werkzeug, threaded": serve_werkzeug,
    "asyncio + httptools (no WSGI)": serve_asyncio,
}


# --- one client process ---------------------------------------------------------------------------


def drive(port, clients, seconds):
    """Keep `clients` connections busy; print the latencies in microseconds as JSON."""
    size, is_kept = answer_form(port)
    selector = selectors.DefaultSelector()
    latencies = []

    def connect():
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, [time.perf_counter(), 0])
        connection.sendall(REQUEST)

    for _ in range(clients):
        connect()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for key, _ in selector.select(1.0):
            connection, state = key.fileobj, key.data
            state[1] += len(connection.recv(65_536))
            if state[1] < size:
                continue
            now = time.perf_counter()
            latencies.append(int((now - state[0]) * 1e6))
            if is_kept:
                state[:] = now, 0
                connection.sendall(REQUEST)
            else:
                selector.unregister(connection)
                connection.close()
                connect()
    json.dump(latencies, sys.stdout)


def answer_form(port):
    """Bytes of a whole answer, and whether the connection can be used again."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while not answer.endswith(BODY):
            answer += connection.recv(65_536)
    return len(answer), b"connection: close" not in answer.lower()


# --- the comparison -------------------------------------------------------------------------------


def cpu_s(pid):
    """User and system time of a process so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, port, clients, seconds):
    """Requests a second, p50 and p99 in ms, CPU µs a request of the server."""
    processes = min(clients, 2)
    command = [sys.executable, __file__, "--drive", str(port), str(clients // processes)]
    before, started = cpu_s(server.pid), time.perf_counter()
    drivers = [
        subprocess.Popen([*command, str(seconds)], stdout=subprocess.PIPE) for _ in range(processes)
    ]
    latencies = sorted(us for driver in drivers for us in json.loads(driver.communicate()[0]))
    elapsed, after = time.perf_counter() - started, cpu_s(server.pid)
    count = len(latencies)
    cpu = None if before is None or after is None else (after - before) / count * 1e6
    rate = count / min(seconds, elapsed)
    return rate, latencies[count // 2] / 1e3, latencies[count * 99 // 100] / 1e3, cpu


def compare(python, seconds):
    columns = [f"{clients} at once: /s, p50, p99" for clients in CLIENTS]
    print(f"| stack | {' | '.join(columns)} | CPU a request |")
    print("|---" * (len(CLIENTS) + 2) + "|")
    for name in SERVERS:
        binary = sys.executable if name.startswith("granian") else python
        server = subprocess.Popen(
            [binary, __file__, "--serve", name], stdout=subprocess.PIPE, text=True
        )
        try:
            port = int(server.stdout.readline())
            results = [measure(server, port, clients, seconds) for clients in CLIENTS]
        finally:
            server.kill()
            server.wait()
        cells = [f"{rate:,.0f}, {p50:.2f} ms, {p99:.2f} ms" for rate, p50, p99, _ in results]
        cpu = results[-1][3]
        cells.append("" if cpu is None else f"{cpu:.0f} µs")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="a Python with " + ", ".join(RIVALS))
    parser.add_argument("--seconds", type=float, default=2.0, help="per measurement (2)")
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--drive", nargs=3, type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        SERVERS[arguments.serve](lambda port: print(port, flush=True))
    elif arguments.drive:
        port, clients, seconds = arguments.drive
        drive(int(port), int(clients), seconds)
    elif arguments.python:
        compare(arguments.python, arguments.seconds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=True)
            python = str(Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python")
            subprocess.run([python, "-m", "pip", "install", "-q", *RIVALS], check=True)
            compare(python, arguments.seconds)


if __name__ == "__main__":
    main()
