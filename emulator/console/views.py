"""The console's pages: settle, reset, invocations, queue, clock, functions, logs, code, keys."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import TIMEOUT_MAX, Event
from typing import Final

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from emulator.console import documents
from emulator.console.answers import json_answer
from emulator.console.asked_function import asked_function
from emulator.console.nats import NatsViews
from emulator.console.parameters import BadParameterError, Parameters
from emulator.console.rooms import Rooms
from emulator.model import FunctionVersion
from emulator.model.nearest import nearest
from emulator.observe import LogEvent

SETTLE_TIMEOUT_S: Final = 30.0
INVOCATIONS: Final = 100
LOG_LINES: Final = 100
CREDENTIALS_S: Final = 3600.0  # how long a function may use them before it asks again
# Where calendars end, but for a year that deadlines and periods may be added to.
LATEST_S: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
ANYONE_THERE_S: Final = 0.5  # how long a followed log is silent before its client is probed


def make_app(rooms: Rooms, stopping: Event) -> Flask:
    """Make the console's Flask application; setting `stopping` ends followed logs."""
    app = Flask("emulator.console", static_folder=None)
    views = _Views(rooms, stopping)
    nats = NatsViews(rooms)
    for rule, method, view in (
        ("/_emulator/settle", "POST", views.settle),
        ("/_emulator/reset", "POST", views.reset),
        ("/moto-api/reset", "POST", views.reset),
        ("/_emulator/invocations", "GET", views.invocations),
        ("/_emulator/queue", "GET", views.queue),
        ("/_emulator/clock", "GET", views.clock),
        ("/_emulator/clock", "POST", views.move_clock),
        ("/_emulator/functions", "GET", views.functions),
        ("/_emulator/logs", "GET", views.logs),
        ("/_emulator/nats", "GET", nats.show),
        ("/_emulator/nats", "POST", nats.bind),
        ("/_emulator/nats", "DELETE", nats.unbind),
        ("/_emulator/code/<token>", "GET", views.code),
        ("/_emulator/credentials", "GET", views.credentials),
    ):
        app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
    app.register_error_handler(BadParameterError, _bad_parameter)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OSError, _machine_refuses)
    return app


class _Views:
    """One method a page; any thread may call them, they keep nothing."""

    def __init__(self, rooms: Rooms, stopping: Event) -> None:
        self._rooms = rooms
        self._stopping = stopping

    def settle(self) -> Response:
        """Wait until nothing runs and nothing is due: 200, or 504 with what is pending."""
        timeout_s = _query("timeout").seconds("timeout", SETTLE_TIMEOUT_S)
        self._rooms.catch_up()
        if self._rooms.activity.wait_idle(min(timeout_s, TIMEOUT_MAX)):
            return json_answer({"settled": True, "pending": {}})
        pending = self._rooms.activity.pending()
        what = ", ".join(f"{count} {kind}" for kind, count in pending.items())
        message = f"after {timeout_s:g} s there is still pending: {what}"
        return json_answer({"settled": False, "pending": pending, "message": message}, 504)

    def reset(self) -> Response:
        """Empty everything and load the project again."""
        try:
            self._rooms.reset()
        except ValueError as error:  # the project's file has mistakes
            return json_answer({"message": str(error)}, 400)
        return json_answer({"status": "ok"})

    def invocations(self) -> Response:
        """The newest invocations, newest first."""
        query = _query("function", "limit")
        records = self._rooms.records.newest(
            query.text("function"), query.count("limit", INVOCATIONS)
        )
        return json_answer([documents.of_record(record) for record in records])

    def queue(self) -> Response:
        """The asynchronous events that are not over."""
        return json_answer(documents.of_backlog(self._rooms.backlog()))

    def clock(self) -> Response:
        """What time it is."""
        return json_answer(documents.of_clock(self._rooms.clock))

    def move_clock(self) -> Response:
        """Move time forward, stop it, or let it run on."""
        body = Parameters.of_body(request.get_data(), "advance", "freeze")
        advance_s, freeze = body.seconds("advance", 0.0), body.flag("freeze")
        if self._rooms.clock.now() + advance_s > LATEST_S:
            text = f'parameter "advance" must not lead beyond the year 9998, as {advance_s:g} does'
            raise BadParameterError("advance", text)
        if freeze is not None:
            self._rooms.clock.freeze(freeze)
        if advance_s:
            self._rooms.clock.advance(advance_s)
        return self.clock()

    def functions(self) -> Response:
        """Every function of every account and region, by name."""
        versions = sorted(self._rooms.functions(), key=lambda version: version.name)
        return json_answer([documents.of_function(version) for version in versions])

    def logs(self) -> Response:
        """The newest lines of a function's log as text; with `follow` those to come, too."""
        query = _query("function", "follow", "limit")
        version = asked_function(self._rooms.functions(), query.text("function"))
        limit = query.count("limit", LOG_LINES)
        lines = self._lines(version, limit, is_followed=bool(query.flag("follow")))
        return Response(lines, mimetype="text/plain")

    def code(self, token: str) -> Response:
        """The zip that GetFunction's Code.Location points at."""
        archive = self._rooms.archive_for(token)
        if archive is None:
            return json_answer(
                {"message": "no such code: its function was changed or deleted"}, 404
            )
        return Response(archive, mimetype="application/zip")

    def credentials(self) -> Response:
        """Keys for a function that has a token instead of them: SDKs ask for them by themselves."""
        found = self._rooms.container_credentials(request.headers.get("Authorization", ""))
        if found is None:
            return json_answer({"message": "no such token"}, 403)
        # By the clock of this machine, as the function's SDK sees it, not by the emulator's.
        expires = datetime.now(UTC) + timedelta(seconds=CREDENTIALS_S)
        return json_answer(
            {
                "AccessKeyId": found.access_key,
                "SecretAccessKey": found.secret_key,
                "Token": found.token,
                "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
            }
        )

    def _lines(self, version: FunctionVersion, limit: int, *, is_followed: bool) -> Iterator[bytes]:
        book, group = self._rooms.log_book, version.log_group_name
        account, region = version.account, version.region
        page = book.tail(group, account=account, region=region, limit=limit)
        yield _text(page.events)
        while is_followed and not self._stopping.is_set():
            page = book.follow(group, page.position, ANYONE_THERE_S, account=account, region=region)
            yield _text(page.events)  # b"" too: that is how the server finds the client gone


def _query(*known: str) -> Parameters:
    return Parameters(request.args, *known)


def _text(events: Iterable[LogEvent]) -> bytes:
    return "".join(event.message.removesuffix("\n") + "\n" for event in events).encode()


def _bad_parameter(error: BadParameterError) -> Response:
    return json_answer({"message": str(error), "parameter": error.parameter}, 400)


def _machine_refuses(error: OSError) -> Response:
    return json_answer({"message": f"The emulator's machine refuses: {error}"}, 500)


def _http_error(error: HTTPException) -> Response:
    message = f"{request.method} {request.path}: {error.name}"
    if error.code == HTTPStatus.NOT_FOUND:
        message += nearest(request.path, (page.rule for page in current_app.url_map.iter_rules()))
    return json_answer({"message": message}, error.code or 500)
