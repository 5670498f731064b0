"""What every service of moto shares: request ids, memory, and lookups that cost too much."""

import importlib
import os
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import DEFAULT_ACCOUNT


def patches(context: PatchContext) -> list[Patch]:
    """Patches to apply before any service is loaded."""
    return [
        Patch("moto.core.common_models:BaseModel.__new__", "cls, args, kwargs", _untracked),
        Patch("moto.core.responses:gen_amzn_requestid_long", "headerdict", _request_id(context)),
        Patch("moto.core.responses:method_names_from_class", "clazz", cache),
        Patch("moto.backends:list_of_moto_modules", "", _listed_once),
        Patch("moto.core.base_backend:AccountSpecificBackend.get_session", "cls", _session),
    ]


def set_default_account() -> None:
    """moto's own default differs from ours; services copy it when they are imported."""
    os.environ.pop("MOTO_ACCOUNT_ID", None)  # it would beat the account of the credentials
    for name in ("moto.core", "moto.core.models"):
        importlib.import_module(name).__dict__["DEFAULT_ACCOUNT_ID"] = DEFAULT_ACCOUNT


def _untracked(original: Any) -> Any:
    """moto keeps every object it ever made, for a debug page; that is a leak in a server."""

    def new(cls: type, *args: object, **kwargs: object) -> object:
        return object.__new__(cls)

    return new


def _request_id(context: PatchContext) -> Callable[[Any], Any]:
    """Answer with the id that facts of this request carry, in the headers the service uses."""

    def make(original: Any) -> Any:
        def gen_amzn_requestid_long(headerdict: dict[str, Any] | None = None) -> str:
            requester = context.buffer.requester
            request_id = requester.request_id if requester else str(uuid.uuid4())
            if headerdict is not None:
                if requester and requester.host_id:
                    headerdict["x-amz-request-id"] = request_id
                    headerdict["x-amz-id-2"] = requester.host_id
                else:
                    headerdict["x-amzn-requestid"] = request_id
            return request_id

        return gen_amzn_requestid_long

    return make


def _session(original: Any) -> Any:
    """moto wants names of regions only; a profile that does not exist is none of its business."""

    @cache
    def make() -> Any:
        boto3, botocore = (importlib.import_module(name) for name in ("boto3", "botocore.session"))
        no_profile = {"profile": (None, None, None, None)}
        return boto3.Session(botocore_session=botocore.Session(session_vars=no_profile))

    return classmethod(lambda cls: make())


def _listed_once(original: Callable[[], Any]) -> Callable[[], frozenset[str]]:
    """moto lists its own folder for each request."""
    modules = cache(lambda: frozenset(original()))
    return lambda: modules()
