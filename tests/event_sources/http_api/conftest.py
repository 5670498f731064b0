"""HTTP APIs through a front end on a real server."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from emulator.event_sources.api_gateway.front import ApiGateway
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import (
    HttpApi,
    HttpClient,
    answers,
    gateway,
    running,
)
from tests.event_sources.conftest import FakeInvoker

__all__ = ["gateway", "running"]


@pytest.fixture
def call(aws: Aws, invoker: FakeInvoker, gateway: ApiGateway, running: HttpClient) -> HttpClient:
    gateway.reset()
    invoker.answer = answers(lambda event: event)  # functions answer with their event
    return running


@pytest.fixture
def api(call: HttpClient, client: Callable[..., Any]) -> HttpApi:
    return HttpApi(client("apigatewayv2"))


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256"})
