"""REST APIs through a front end on a real server."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator.event_sources.api_gateway.front import ApiGateway
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import (
    HttpClient,
    RestApi,
    answers,
    gateway,
    running,
    says,
)
from tests.event_sources.conftest import FakeInvoker

__all__ = ["gateway", "running"]


@pytest.fixture
def call(aws: Aws, invoker: FakeInvoker, gateway: ApiGateway, running: HttpClient) -> HttpClient:
    gateway.reset()
    invoker.answer = answers(says)  # functions answer with their event
    return running


@pytest.fixture
def api(call: HttpClient, client: Callable[..., Any]) -> RestApi:
    return RestApi(client("apigateway"))
