"""The Flask application that answers every operation of the Lambda API."""

from collections.abc import Iterable, Mapping
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import flask
from botocore.model import OperationModel
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from emulator.api.answer import Answer, error_answer
from emulator.api.invoke_http import Invoker, invoke
from emulator.api.operating import find
from emulator.api.parsing import parse
from emulator.api.rendering import render
from emulator.api.service_model import Route, routes
from emulator.api.validation import check
from emulator.control import Operation, RequestContext
from emulator.invoke.identity import new_request_id
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION, Clock, LambdaError, limits
from emulator.model.steps import finish

_UNKNOWN: Final = Answer(
    404,
    [("Content-Type", "application/xml"), ("x-amzn-ErrorType", "UnknownOperationException")],
    b"<UnknownOperationException/>",
)


class _Response(flask.Response):
    """An answer without a Content-Type has none: Flask would say text/html."""

    default_mimetype = None


def make_app(operations: Mapping[str, Operation], invoker: Invoker, clock: Clock) -> flask.Flask:
    """Route every operation of the service model; those without a function answer 501."""
    app = flask.Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    for route in routes():
        app.add_url_rule(
            route.path,
            endpoint=f"{route.method} {route.path}",
            view_func=_View(route, operations, invoker, clock),
            methods=[route.method],
            provide_automatic_options=False,
        )
    app.wsgi_app = _without_last_slash(app.wsgi_app)  # type: ignore[assignment] # as Flask tells to
    app.register_error_handler(NotFound, _unknown_operation)
    app.register_error_handler(MethodNotAllowed, _unknown_operation)
    app.register_error_handler(500, _internal_error)
    return app


def _without_last_slash(wsgi: WSGIApplication) -> WSGIApplication:
    """Older SDKs end some paths with a slash that the service model has no longer."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix("/")
        return wsgi(environ, start_response)

    return application


class _View:
    """Answers the operations of one route."""

    def __init__(
        self, route: Route, operations: Mapping[str, Operation], invoker: Invoker, clock: Clock
    ) -> None:
        self._route = route
        self._operations = operations
        self._invoker = invoker
        self._clock = clock

    def __call__(self, **uri: str) -> flask.Response:
        request = flask.request
        operation = self._route.choose(request.args)
        if operation is None:
            return _respond(_UNKNOWN)
        if operation.name == "Invoke":
            body = request.get_data()
            return _respond(
                finish(
                    invoke(self._invoker, self._clock, request.environ, uri["FunctionName"], body)
                )
            )
        request_id = new_request_id()
        try:
            return _respond(self._answer(operation, uri, request_id))
        except LambdaError as error:
            return _respond(error_answer(error, request_id))
        except ConnectionError:
            raise  # the client went away; nobody wants an answer
        except OSError as error:  # a full disk, and the like
            refused = LambdaError("ServiceException", f"The emulator's machine refuses: {error}")
            return _respond(error_answer(refused, request_id))

    def _answer(self, operation: OperationModel, uri: Mapping[str, str], request_id: str) -> Answer:
        run = find(self._operations, operation.name)
        request = flask.request
        body = request.get_data()
        if len(body) > limits.CREATE_REQUEST_BYTES:
            raise LambdaError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limits.CREATE_REQUEST_BYTES} bytes for the"
                f" {operation.name} operation",
            )
        members = parse(operation, uri, request.args, request.headers, body)
        check(operation, members)
        context = RequestContext(
            account=request.environ.get("emulator.account", DEFAULT_ACCOUNT),
            region=request.environ.get("emulator.region", DEFAULT_REGION),
            endpoint=request.host_url.rstrip("/"),
            request_id=request_id,
        )
        return render(operation, run(context, members), request_id)


def _respond(answer: Answer) -> flask.Response:
    return _Response(answer.body, answer.status, answer.headers)


def _unknown_operation(_error: HTTPException) -> flask.Response:
    return _respond(_UNKNOWN)


def _internal_error(_error: HTTPException) -> flask.Response:
    """Answer after Flask has logged the traceback."""
    error = LambdaError("ServiceException", "Internal error: the emulator's log has the cause.")
    return _respond(error_answer(error, new_request_id()))
