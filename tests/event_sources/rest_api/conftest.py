"""REST APIs through a front end on a real server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.api_gateway.front import ApiGateway
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import (
    HttpClient,
    RestApi,
    answers,
    says,
    served,
)
from tests.event_sources.conftest import FakeInvoker


@pytest.fixture(scope="module")
def gateway(surroundings: Surroundings) -> Iterator[ApiGateway]:
    gateway = ApiGateway(surroundings)
    yield gateway
    gateway.stop(1)


@pytest.fixture(scope="module")
def running(gateway: ApiGateway) -> Iterator[HttpClient]:
    with served(gateway.wsgi) as call:
        yield call


@pytest.fixture
def call(aws: Aws, invoker: FakeInvoker, gateway: ApiGateway, running: HttpClient) -> HttpClient:
    gateway.reset()
    invoker.answer = answers(says)  # functions answer with their event
    return running


@pytest.fixture
def api(call: HttpClient, client: Callable[..., Any]) -> RestApi:
    return RestApi(client("apigateway"))
