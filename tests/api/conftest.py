"""The Lambda API over a real HTTP server."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.serving import make_server

from emulator.api import LambdaApi
from emulator.control import (
    CapacityProviderStore,
    CodeSigningStore,
    CodeStore,
    FunctionStore,
    LayerStore,
    MappingStore,
    OtherServices,
    Stores,
    operations,
)
from emulator.model import Clock
from emulator.model.mapping import SourceDescription
from emulator.model.provisioned import NONE_YET
from tests.api.durable_lab import durable_executions
from tests.api.lab import ROLE, FakeInvoker, Lab, archive, fetch_from, find_vpc

LabMaker = Callable[..., Lab]


class Switchboard:
    """One server for all tests; the lab behind it is the newest."""

    lab: Lab

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        return self.lab.wsgi(environ, start_response)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Switchboard, str]]:
    switchboard = Switchboard()
    made = make_server("127.0.0.1", 0, switchboard, threaded=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), name="test server")
    thread.start()
    yield switchboard, f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def make_lab(tmp_path: Path, server: tuple[Switchboard, str]) -> LabMaker:
    return lab_maker(tmp_path, *server)


def lab_maker(folder: Path, switchboard: Switchboard, endpoint: str) -> LabMaker:
    """Makes labs that keep their code in `folder`."""

    def make(**settings: Any) -> Lab:
        clock = Clock()
        code = CodeStore(folder / "code")
        store = FunctionStore(clock, code, **settings)
        invoker = FakeInvoker(store)
        objects: dict[tuple[str, str], bytes] = {}
        mappings = MappingStore(clock, **settings)
        sources: dict[str, SourceDescription] = {}
        revoked: set[str] = set()
        told: list[str] = []
        others = OtherServices(
            fetch_object=fetch_from(objects),
            describe_source=sources.get,
            target_exists=lambda arn: not arn.endswith(":missing"),
            find_vpc=find_vpc,
            tell=told.append,
            provisioned_state=lambda _: NONE_YET,
            is_revoked=lambda signature: signature.job_arn in revoked,
        )
        stores = Stores(
            functions=store,
            code=code,
            layers=LayerStore(code),
            mappings=mappings,
            signing_configs=CodeSigningStore(clock),
            providers=CapacityProviderStore(clock),
        )
        made = operations(stores, others, clock)
        durable = durable_executions(store, clock).operations
        api = LambdaApi({**made, **durable}, invoker, clock)
        switchboard.lab = Lab(
            clock, code, store, mappings, invoker, api, objects, sources, revoked, told, endpoint
        )
        return switchboard.lab

    return make


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, server: tuple[Switchboard, str]) -> Lab:
    """For all tests of a module; each can have an account of its own there."""
    return lab_maker(tmp_path_factory.mktemp("lab"), *server)()


@pytest.fixture
def lab(make_lab: LabMaker) -> Lab:
    return make_lab()


@pytest.fixture
def client(lab: Lab) -> Any:
    return lab.client()


@pytest.fixture
def create(client: Any) -> Callable[..., Any]:
    """Create a function; any member can be replaced, or left out by None."""

    def make(name: str = "hello", **members: Any) -> Any:
        request = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": archive()},
            **members,
        }
        return client.create_function(
            **{key: value for key, value in request.items() if value is not None}
        )

    return make
