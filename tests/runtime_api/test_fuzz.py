"""Nothing that a client sends breaks the endpoint, or keeps it from serving the next process."""

import random
import select
import socket
from contextlib import ExitStack

import pytest

from tests.runtime_api.misuse import call
from tests.runtime_api.test_endpoint import Served, get_next, post_response, read_until


@pytest.fixture
def served() -> Served:
    return Served()


def pump(served: Served) -> None:
    """Serve until nothing is left to do."""
    for _ in range(200):
        ready = served.selector.select(0)
        if not ready:
            return
        for key, _ in ready:
            key.data()


def calls(served: Served, chance: random.Random) -> bytes:
    """One or several calls; an extension that has registered is among those who make them."""
    extension = next(iter(served.endpoint.extensions.rules.registered), "nobody")
    return b"".join(call(chance, "id-1", extension) for _ in range(chance.choice((1, 1, 3))))


def misuse(served: Served, chance: random.Random) -> None:
    """One life of a process that behaves badly on several connections."""
    with ExitStack() as stack:
        clients: list[socket.socket] = []
        for _ in range(chance.randrange(5, 40)):
            if not clients or chance.random() < 0.2:
                clients.append(stack.enter_context(served.raw()))
                clients[-1].setblocking(False)
            client = chance.choice(clients)
            try:
                client.sendall(calls(served, chance))
                if chance.random() < 0.1:
                    client.shutdown(socket.SHUT_WR)
            except OSError:  # it was closed, or is not read any more
                clients.remove(client)
            pump(served)
            if served.endpoint.is_ready and chance.random() < 0.5:
                served.deliver()
            if chance.random() < 0.1:
                served.endpoint.extensions.send("INVOKE", {"eventType": "INVOKE"})
    pump(served)


@pytest.mark.parametrize("seed", range(150))
def test_misuse_is_survived(served: Served, seed: int) -> None:
    misuse(served, random.Random(seed))
    served.endpoint.restart()
    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(b'"event"')
        assert read_until(client, b'"event"')
        client.sendall(post_response())
        served.until(lambda: served.endpoint.answer)
        served.until(lambda: bool(select.select([client], [], [], 0)[0]))
        assert client.recv(65536).startswith(b"HTTP/1.1 202 ")
    pump(served)
    assert len(served.selector.get_map()) == 1  # the listener: nothing is left of the clients
    served.endpoint.close()
    served.selector.close()
