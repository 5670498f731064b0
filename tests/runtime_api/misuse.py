"""Calls of the APIs of an environment that nobody should make: malformed, and out of order.

Standard library only: a test runs it inside a function, too.
"""

import random

VERBS = (*["GET"] * 6, *["POST"] * 9, "PUT", "HEAD", "DELETE", "CONNECT", "GARBAGE", "")
PATHS = (
    "/2018-06-01/runtime/invocation/next",
    "/2018-06-01/runtime/invocation/{id}/response",
    "/2018-06-01/runtime/invocation/{id}/error",
    "/2018-06-01/runtime/invocation/other/response",
    "/2018-06-01/runtime/init/error",
    "/2018-06-01/runtime/restore/next",
    "/2018-06-01/ping",
    "/2020-01-01/extension/register",
    "/2020-01-01/extension/event/next",
    "/2020-01-01/extension/init/error",
    "/2020-01-01/extension/exit/error",
    "/2020-08-15/logs",
    "/2022-07-01/telemetry",
    "/",
    "*",
    "/2018-06-01/" + "x" * 5000,
    "/2018-06-01/\xff\x00",
)
HEADERS = (
    "Host: x",
    "Content-Type: application/vnd.aws.lambda.error.cause+json",
    "Lambda-Runtime-Function-Response-Mode: streaming",
    "Lambda-Runtime-Function-Response-Mode: other",
    "Lambda-Runtime-Function-Error-Type: Runtime.\xe9",
    "Lambda-Extension-Name: fuzzer",
    "Lambda-Extension-Name: ",
    "Lambda-Extension-Identifier: 11111111-2222-4333-8444-555555555555",
    "Lambda-Extension-Identifier: {}",
    "Lambda-Extension-Function-Error-Type: X",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Trailer: Lambda-Runtime-Function-Error-Type",
    "Connection: close",
    "Connection: Upgrade",
    "Upgrade: h2c",
    "Expect: 100-continue",
    "Content-Length: 4",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "no colon",
    ": no name",
)
BODIES = (
    b"",
    b"null",
    b'{"events": ["INVOKE"]}',
    b'{"events": [["INVOKE"]]}',
    b"[" * 3000,
    b"4\r\nnull\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\nLambda-Runtime-Function-Error-Type: X\r\nLambda-Runtime-Function-Error-Body: ?\r\n\r\n",
    b"\x00\xff" * 100,
)


RIGHT = (
    ("GET", "/2018-06-01/runtime/invocation/next", ()),
    ("GET", "/2018-06-01/runtime/invocation/next", ()),
    ("POST", "/2018-06-01/runtime/invocation/{id}/response", ()),
    ("POST", "/2018-06-01/runtime/invocation/{id}/response", (HEADERS[2],)),
    ("POST", "/2018-06-01/runtime/invocation/{id}/error", ()),
    ("POST", "/2018-06-01/runtime/init/error", ()),
    ("POST", "/2020-01-01/extension/register", ("Lambda-Extension-Name: fuzzer",)),
    ("GET", "/2020-01-01/extension/event/next", ("Lambda-Extension-Identifier: {extension}",)),
    ("GET", "/2020-01-01/extension/event/next", ("Lambda-Extension-Identifier: {extension}",)),
    ("POST", "/2020-01-01/extension/exit/error", ("Lambda-Extension-Identifier: {extension}",)),
)


def call(chance: random.Random, request_id: str, extension: str = "") -> bytes:
    """Make one request that may be right but out of order, half right, or no request at all."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(1, 300))
    if chance.random() < 0.6:
        method, path, headers = chance.choice(RIGHT)
        body = b'{"events": ["INVOKE"]}' if method == "POST" else b""
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *headers, f"Content-Length: {len(body)}"])
        head = head.replace("{id}", request_id).replace("{extension}", extension)
        return f"{head}\r\n\r\n".encode() + body
    path = chance.choice(PATHS).replace("{id}", request_id)
    body = chance.choice(BODIES)
    lines = [f"{chance.choice(VERBS)} {path} HTTP/1.{chance.choice('0112')}"]
    lines += chance.sample(HEADERS, chance.randrange(5))
    if chance.random() < 0.5:
        lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    if chance.random() < 0.3:
        place = chance.randrange(len(text))
        text = text[:place] + chance.randbytes(chance.randrange(3)) + text[place + 1 :]
    return text[: chance.randrange(len(text))] if chance.random() < 0.1 else text
