"""Samples of S3 notifications."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import ObjectFact, Requester
from emulator.event_sources.s3 import record
from emulator.event_sources.samples import constants

_CONFIGURATION_ID: Final = "8f1c3b52-6f0f-4f0e-9a53-6c1f0b7a2d11"
_REQUESTER: Final = Requester(
    account=constants.ACCOUNT,
    principal="AWS:AROAEXAMPLE:session",
    source_ip=constants.SOURCE_IP,
    request_id="C3D13FE58DE4C810",
    host_id="FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
)


def _sample(name: str, **more: Any) -> Callable[..., dict[str, Any]]:
    def with_content(
        *,
        bucket: str = "photos",
        key: str = "china.jpg",
        size: int = 196_653,
        etag: str = "1c6116212e35016fa7c3b67c81ec1335",
        region: str = constants.REGION,
        account: str = constants.ACCOUNT,
    ) -> dict[str, Any]:
        fact = ObjectFact(
            name=name,
            account=account,
            region=region,
            bucket=bucket,
            key=key,
            at_s=constants.AT_S,
            sequencer="0055AED6DCD90281E5",
            requester=_REQUESTER,
            size=size,
            etag=etag,
            **more,
        )
        return {"Records": [record(fact, _CONFIGURATION_ID)]}

    with_content.__doc__ = f"The event {name} of a bucket."
    return with_content


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "put": _sample("ObjectCreated:Put"),
    "post": _sample("ObjectCreated:Post"),
    "copy": _sample("ObjectCreated:Copy"),
    "multipart": _sample("ObjectCreated:CompleteMultipartUpload"),
    "delete": _sample("ObjectRemoved:Delete"),
    "delete-marker": _sample(
        "ObjectRemoved:DeleteMarkerCreated", version_id="3HL4kqtJvjVBH40Nrjfkd"
    ),
    "restore": _sample(
        "ObjectRestore:Completed",
        restored_until="2026-11-28T00:00:00.000Z",
        storage_class="GLACIER",
    ),
    "acl": _sample("ObjectAcl:Put"),
    "tagging": _sample("ObjectTagging:Put"),
}
