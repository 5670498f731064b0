"""What Create-, Get-, Update-, Delete- and ListFunctionUrlConfigs do."""

import secrets
import string
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from emulator.control.function import Function
from emulator.control.names import Target
from emulator.control.paging import page
from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.store import FunctionStore
from emulator.control.tenancy import refuse_tenants
from emulator.model import LATEST, Clock, LambdaError, function_arn
from emulator.model.function_url import BUFFERED, FunctionUrl, UrlCors, url_address

PAGE: Final = 50
_ID_CHARS: Final = string.ascii_lowercase + string.digits
_CORS_FIELDS: Final = {
    "AllowCredentials": "allow_credentials",
    "AllowHeaders": "allow_headers",
    "AllowMethods": "allow_methods",
    "AllowOrigins": "allow_origins",
    "ExposeHeaders": "expose_headers",
    "MaxAge": "max_age_s",
}


class UrlOperations:
    """Operations on function URLs, by qualifier. Any thread may call.

    The service model lets no other qualifier through than one in the form of an alias.
    """

    def __init__(self, store: FunctionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create_function_url_config(self, context: RequestContext, request: Request) -> Response:
        """Give a function or an alias a URL."""
        where = addressed(self._store, context, request, "CreateFunctionUrlConfig")
        self._check_exists(where)
        now = self._clock.now()
        made = FunctionUrl(
            url_id="".join(secrets.choice(_ID_CHARS) for _ in range(32)),
            auth_type=request["AuthType"],
            invoke_mode=request.get("InvokeMode"),
            cors=_cors(request.get("Cors")),
            created_at=now,
            modified_at=now,
        )

        def create(function: Function) -> None:
            if _key(where) in function.urls:
                raise LambdaError(
                    "ResourceConflictException",
                    f"Failed to create function url config for [functionArn = {where.arn}]. Error"
                    " message:  FunctionUrlConfig exists for this Lambda function",
                )
            function.urls[_key(where)] = made

        self._store.change(where, create)
        answer = shown(where, made, context)
        del answer["LastModifiedTime"]
        if made.invoke_mode is None:
            del answer["InvokeMode"]
        return answer

    def get_function_url_config(self, context: RequestContext, request: Request) -> Response:
        """The URL of a function or an alias."""
        where = addressed(self._store, context, request, "GetFunctionUrlConfig")
        return shown(where, self._found(where), context)

    def update_function_url_config(self, context: RequestContext, request: Request) -> Response:
        """Replace what is given; a Cors without members takes the rules away."""
        where = addressed(self._store, context, request, "UpdateFunctionUrlConfig")
        self._check_exists(where)
        changes: dict[str, Any] = {"modified_at": self._clock.now()}
        for member, field in (("AuthType", "auth_type"), ("InvokeMode", "invoke_mode")):
            if member in request:
                changes[field] = request[member]
        if "Cors" in request:
            changes["cors"] = _cors(request["Cors"])

        def update(function: Function) -> FunctionUrl:
            changed = replace(_url_of(function, where), **changes)
            function.urls[_key(where)] = changed
            return changed

        return shown(where, self._store.change(where, update), context)

    def delete_function_url_config(self, context: RequestContext, request: Request) -> Response:
        """Take the URL away; those of other qualifiers stay."""
        where = addressed(self._store, context, request, "DeleteFunctionUrlConfig")
        self._found(where)

        def delete(function: Function) -> None:
            function.urls.pop(_key(where), None)

        self._store.change(where, delete)
        return {}

    def list_function_url_configs(self, context: RequestContext, request: Request) -> Response:
        """One page of the URLs of a function and its aliases."""
        where = addressed(self._store, context, request, "ListFunctionUrlConfigs")
        self._check_exists(where)
        urls = self._store.read(where, lambda function: dict(function.urls))
        found, marker = page(request, sorted(urls), str, PAGE)
        return {
            "FunctionUrlConfigs": [
                shown(_qualified(where, qualifier), urls[qualifier], context) for qualifier in found
            ],
            **marker,
        }

    def _check_exists(self, where: Target) -> None:
        try:
            spec = self._store.get(where).spec
        except LambdaError as error:
            text = "Function does not exist"
            raise LambdaError("ResourceNotFoundException", text) from error
        refuse_tenants(spec, "A function URL")

    def _found(self, where: Target) -> FunctionUrl:
        try:
            return self._store.read(where, lambda function: _url_of(function, where))
        except LambdaError as error:  # of a function that is missing, the same is said
            raise _no_url() from error


def shown(where: Target, url: FunctionUrl, context: RequestContext) -> Response:
    """FunctionUrlConfig, as every operation but Create answers it."""
    answer: Response = {
        "FunctionUrl": url_address(url.url_id, where.region, urlsplit(context.endpoint).port),
        "FunctionArn": function_arn(where.account, where.region, where.name, where.qualifier),
        "AuthType": url.auth_type,
        "CreationTime": _time(url.created_at),
        "LastModifiedTime": _time(url.modified_at),
        "InvokeMode": url.invoke_mode or BUFFERED,
    }
    if url.cors is not None:
        answer["Cors"] = _cors_shown(url.cors)
    return answer


def _cors(members: Request | None) -> UrlCors | None:
    if not members:
        return None
    fields: dict[str, Any] = {
        field: tuple(value) if isinstance(value := members[member], list) else value
        for member, field in _CORS_FIELDS.items()
        if member in members
    }
    return UrlCors(**fields)


def _cors_shown(cors: UrlCors) -> dict[str, Any]:
    return {
        member: value
        for member, field in _CORS_FIELDS.items()
        if (value := getattr(cors, field)) is not None
    }


def _key(where: Target) -> str:
    return where.qualifier or LATEST


def _qualified(where: Target, qualifier: str) -> Target:
    return replace(where, qualifier=None if qualifier == LATEST else qualifier)


def _url_of(function: Function, where: Target) -> FunctionUrl:
    url = function.urls.get(_key(where))
    if url is None:
        raise _no_url()
    return url


def _no_url() -> LambdaError:
    text = "The resource you requested does not exist."
    return LambdaError("ResourceNotFoundException", text)


def _time(seconds: float) -> str:
    """`2026-11-21T10:00:00.123456Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
