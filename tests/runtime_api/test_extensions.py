"""The rules of the Extensions API, without a socket."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.model import CodePackage, FunctionVersion
from emulator.runtime_api import Extension, Extensions, ExtensionState, extension_states
from emulator.runtime_api.extension_states import ExtensionSignal
from emulator.runtime_api.extensions import (
    EXIT_ERROR_PATH,
    INIT_ERROR_PATH,
    NEXT_PATH,
    REGISTER_PATH,
)
from emulator.runtime_api.rules import Reply, Request

VERSION = FunctionVersion(
    account="123456789012",
    region="us-east-1",
    name="watched",
    deployment=1,
    runtime="python3.13",
    handler="app.handler",
    role="arn:aws:iam::123456789012:role/r",
    code=CodePackage(folder=Path("/"), sha256="", size_bytes=1),
)
BOTH = b'{"events": ["INVOKE", "SHUTDOWN"]}'


def register(name: str = "watcher", body: bytes = BOTH, **headers: str) -> Request:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Request(
        method="POST",
        path=REGISTER_PATH,
        headers={"lambda-extension-name": name, **named},
        body=body,
    )


def ask(path: str, identifier: str | None, error_type: str | None = "App.Error") -> Request:
    headers = {
        "lambda-extension-identifier": identifier,
        "lambda-extension-function-error-type": error_type,
    }
    return Request(
        method="GET" if path == NEXT_PATH else "POST",
        path=path,
        headers={name: value for name, value in headers.items() if value is not None},
        body=b"",
    )


def external(*names: str) -> Extensions:
    extensions = Extensions(VERSION)
    extensions.expect(names or ("watcher",))
    return extensions


def identifier_of(reply: Reply | None) -> str:
    assert reply is not None
    assert reply.headers is not None
    return reply.headers["Lambda-Extension-Identifier"]


def registered() -> tuple[Extensions, str]:
    extensions = external()
    return extensions, identifier_of(extensions.handle(register()))


def error_of(reply: Reply | None) -> tuple[int, str, str]:
    assert reply is not None
    body = json.loads(reply.body)
    return reply.status, body["errorType"], body["errorMessage"]


def test_the_diagram_in_the_docstring_is_the_table() -> None:
    drawn = {
        (ExtensionState[source], ExtensionSignal[signal], ExtensionState[target])
        for source, signal, target in re.findall(
            r"^([A-Z_]+) -+([A-Z_]+)-+> ([A-Z_]+)$", extension_states.__doc__ or "", re.MULTILINE
        )
    }
    assert drawn == {(*key, target) for key, target in extension_states.TRANSITIONS.items()}


def test_who_registers_gets_an_identifier_and_what_the_function_is() -> None:
    reply = external().handle(register())
    assert reply is not None
    assert reply.status == 200
    assert uuid.UUID(identifier_of(reply)).version == 4
    assert json.loads(reply.body) == {
        "functionName": "watched",
        "functionVersion": "$LATEST",
        "handler": "app.handler",
    }


@pytest.mark.parametrize("features", ["accountId", "other, accountId"])
def test_the_account_is_told_to_who_accepts_it(features: str) -> None:
    reply = external().handle(register(lambda_extension_accept_feature=features))
    assert reply is not None
    assert json.loads(reply.body)["accountId"] == "123456789012"


def test_everybody_external_has_to_register_and_all_have_to_ask_before_they_are_ready() -> None:
    extensions = external("a", "b")
    first = identifier_of(extensions.handle(register("a")))
    assert not extensions.have_registered
    second = identifier_of(extensions.handle(register("b", b'{"events": []}')))
    assert extensions.have_registered
    assert extensions.handle(ask(NEXT_PATH, first)) is None
    assert not extensions.are_ready
    assert extensions.handle(ask(NEXT_PATH, second)) is None
    assert extensions.are_ready
    assert [each.name for each in extensions.subscribers("INVOKE")] == ["a"]


def test_an_internal_extension_registers_under_any_name_and_asks_for_no_shutdown() -> None:
    extensions = external()
    extensions.handle(register("thread", b'{"events": ["INVOKE"]}'))
    assert [(each.name, each.is_external) for each in extensions.all] == [
        ("watcher", True),
        ("thread", False),
    ]


@pytest.mark.parametrize(
    ("path", "state"),
    [(INIT_ERROR_PATH, ExtensionState.INIT_ERROR), (EXIT_ERROR_PATH, ExtensionState.EXIT_ERROR)],
)
def test_an_error_is_kept_with_the_type_it_was_told_with(path: str, state: ExtensionState) -> None:
    extensions, identifier = registered()
    reply = extensions.handle(ask(path, identifier, "Watcher.NoConfig"))
    assert reply is not None
    assert (reply.status, reply.body) == (202, b'{"status":"OK"}\n')
    failed = extensions.failed
    assert failed is not None
    assert (failed.state, failed.error_type) == (state, "Watcher.NoConfig")


def full() -> Extensions:
    extensions = Extensions(VERSION)
    for number in range(10):
        extensions.handle(register(f"thread-{number}", b'{"events": []}'))
    return extensions


def closed() -> Extensions:
    extensions = external()
    extensions.close_registration()
    return extensions


def twice() -> Extensions:
    return registered()[0]


REFUSED: list[tuple[str, Callable[[], Extensions], Request, str, str]] = [
    ("no name", external, register(""), "Extension.InvalidExtensionName", "Empty extension name"),
    ("no JSON", external, register(body=b"events"), "InvalidRequestFormat", ""),
    ("no object", external, register(body=b"[]"), "InvalidRequestFormat", ""),
    ("nested beyond reason", external, register(body=b"[" * 99_999), "InvalidRequestFormat", ""),
    (
        "events of another kind",
        external,
        register(body=b'{"events": 1}'),
        "InvalidRequestFormat",
        "",
    ),
    (
        "an unknown event",
        external,
        register(body=b'{"events": ["PAUSE"]}'),
        "Extension.InvalidEventType",
        "",
    ),
    (
        "an internal extension that wants SHUTDOWN",
        external,
        register("thread"),
        "Extension.InvalidEventType",
        "",
    ),
    (
        "a late one",
        closed,
        register(),
        "Extension.RegistrationClosed",
        "Extension registration closed already",
    ),
    (
        "the eleventh",
        full,
        register("thread-10", b'{"events": []}'),
        "Extension.TooManyExtensions",
        "Extension limit (10) reached",
    ),
    (
        "a name twice",
        twice,
        register(),
        "Extension.InvalidExtensionState",
        "State transition from Registered to Registered failed for extension watcher. "
        "Error: State transition is not allowed",
    ),
    (
        "an internal name twice",
        full,
        register("thread-3", b'{"events": []}'),
        "Extension.InvalidExtensionState",
        "",
    ),
    (
        "no identifier",
        external,
        ask(NEXT_PATH, None),
        "Extension.MissingExtensionIdentifier",
        "Missing Lambda-Extension-Identifier header",
    ),
    (
        "a malformed identifier",
        external,
        ask(NEXT_PATH, "me"),
        "Extension.InvalidExtensionIdentifier",
        "Invalid Lambda-Extension-Identifier",
    ),
    (
        "an unknown identifier",
        external,
        ask(INIT_ERROR_PATH, "11111111-2222-4333-8444-555555555555"),
        "Extension.UnknownExtensionIdentifier",
        "Unknown extension 11111111-2222-4333-8444-555555555555",
    ),
]


@pytest.mark.parametrize(
    ("start", "request_", "error_type", "message"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_misuse_is_refused(
    start: Callable[[], Extensions], request_: Request, error_type: str, message: str
) -> None:
    status, told, text = error_of(start().handle(request_))
    assert (status, told) == (403, error_type)
    assert text == message or not message


def test_an_error_without_its_type_is_refused() -> None:
    extensions, identifier = registered()
    reply = extensions.handle(ask(EXIT_ERROR_PATH, identifier, None))
    assert error_of(reply)[:2] == (403, "Extension.MissingHeader")
    assert extensions.failed is None


def test_an_init_error_after_the_init_phase_names_the_states() -> None:
    extensions, identifier = registered()
    extensions.handle(ask(NEXT_PATH, identifier))
    assert error_of(extensions.handle(ask(INIT_ERROR_PATH, identifier))) == (
        403,
        "Extension.InvalidExtensionState",
        "State transition from Ready to InitError failed for extension watcher. "
        "Error: State transition is not allowed",
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", REGISTER_PATH, 405),
        ("POST", NEXT_PATH, 405),
        ("GET", INIT_ERROR_PATH, 405),
        ("POST", "/2020-01-01/extension", 404),
        ("GET", "/2020-01-01/extension/event", 404),
    ],
)
def test_other_methods_and_paths_are_refused(method: str, path: str, status: int) -> None:
    reply = external().handle(Request(method=method, path=path, headers={}, body=b""))
    assert error_of(reply)[0] == status


def test_an_extension_that_hung_up_asks_again() -> None:
    extensions, identifier = registered()
    extensions.handle(ask(NEXT_PATH, identifier))
    extension = extensions.identify(ask(NEXT_PATH, identifier))
    assert isinstance(extension, Extension)
    extension.step(ExtensionSignal.HANG_UP)
    assert not extensions.are_ready
    assert extensions.handle(ask(NEXT_PATH, identifier)) is None
    assert extensions.are_ready
