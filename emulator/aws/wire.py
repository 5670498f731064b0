"""A request as moto wants to see it: body decoded, path raw, bucket in the path."""

import io
import re
from typing import Final
from urllib.parse import parse_qs, quote

from emulator.aws import chunked
from emulator.aws.chunked import IncompleteBody
from emulator.aws.routing import FORM, Environ, Scope, read_body

_SIGNED_HEADERS = re.compile(r"SignedHeaders=(?P<names>[^,\s]+)")
# The key under which moto looks for header names that PEP 3333 cannot carry.
_PRESERVED: Final = "moto.preserved_header_names"
_S3_SUFFIX = re.compile(
    r"(?:^|\.)s3(?:\.dualstack|-fips|-accelerate)?(?:[.-][a-z]{2}(?:-[a-z]+)+-\d)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)$"
)
_LOCAL_SUFFIX = re.compile(r"\.localhost(?:\.localstack\.cloud)?$")
_ACCOUNT_HEADER: Final = "HTTP_X_MOTO_ACCOUNT_ID"


def prepare(environ: Environ, backend: str, scope: Scope, account: str) -> None:
    """Rewrite `environ` in place. Raises IncompleteBody when the client went away."""
    environ[_ACCOUNT_HEADER] = account
    environ.setdefault("RAW_URI", quote(environ.get("PATH_INFO", "/").encode("latin-1")))
    _take_body(environ)
    if backend == "s3":
        _put_bucket_into_path(environ)
        _restore_header_names(environ)
        _decode_chunks(environ)
        return
    if not scope.is_in_header and scope.service:
        _state_scope(environ, scope)
    if "Action=" in environ.get("QUERY_STRING", "") and not environ.get("CONTENT_TYPE"):
        environ["CONTENT_TYPE"] = FORM  # SQS would answer in JSON


def bucket_of_host(host: str) -> str | None:
    """The bucket in `bkt.s3.us-east-1.amazonaws.com`, `bkt.localhost:4566` and their like."""
    name = host.partition(":")[0].lower()
    match = _S3_SUFFIX.search(name) or _LOCAL_SUFFIX.search(name)
    bucket = name[: match.start()] if match else ""
    return bucket if bucket not in ("", "s3") else None


def _take_body(environ: Environ) -> None:
    promised = environ.get("CONTENT_LENGTH")
    body = read_body(environ)
    if promised and len(body) < int(promised):
        raise IncompleteBody(f"{len(body)} bytes came, {promised} were announced")
    _set_body(environ, body)


def _set_body(environ: Environ, body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _put_bucket_into_path(environ: Environ) -> None:
    """moto guesses a bucket from any dotted host; we tell it, so that every other host is none."""
    host: str = environ.get("HTTP_HOST", "localhost")
    if ".s3-accesspoint." in host:
        return
    bucket = bucket_of_host(host)
    if bucket is not None:
        environ["PATH_INFO"] = f"/{bucket}{environ.get('PATH_INFO') or '/'}"
        environ["RAW_URI"] = f"/{bucket}{_path_of(environ['RAW_URI'])}"
    port = re.search(r":\d+$", host)
    environ["HTTP_HOST"] = f"localhost{port.group() if port else ''}"


def _path_of(raw_uri: str) -> str:
    """The path of a RAW_URI that some servers give as a whole URL."""
    return re.sub(r"^[a-z]+://[^/]*", "", raw_uri) or "/"


def _restore_header_names(environ: Environ) -> None:
    """Metadata names may hold `_`, which WSGI folds into `-`; the signature still has them."""
    match = _SIGNED_HEADERS.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match:
        names = match["names"]
    elif "X-Amz-SignedHeaders=" in environ.get("QUERY_STRING", ""):
        names = parse_qs(environ["QUERY_STRING"])["X-Amz-SignedHeaders"][0]
    else:
        return
    if "_" not in names:
        return
    preserved = environ.setdefault(_PRESERVED, {})
    for name in names.split(";"):
        if "_" in name and name.startswith("x-amz-meta-"):
            preserved[f"HTTP_{name.upper().replace('-', '_')}"] = name


def _decode_chunks(environ: Environ) -> None:
    encodings = [part.strip() for part in environ.get("HTTP_CONTENT_ENCODING", "").split(",")]
    is_streaming = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING-")
    if not is_streaming and "aws-chunked" not in encodings:
        return
    announced = environ.get("HTTP_X_AMZ_DECODED_CONTENT_LENGTH")
    decoded = chunked.decode(
        environ["wsgi.input"].getvalue(), None if announced is None else int(announced)
    )
    _set_body(environ, decoded.content)
    environ.pop("HTTP_X_AMZ_CONTENT_SHA256", None)  # else moto would decode again
    left = ",".join(part for part in encodings if part not in ("", "aws-chunked"))
    environ["HTTP_CONTENT_ENCODING"] = left
    if not left:
        del environ["HTTP_CONTENT_ENCODING"]
    for name, value in decoded.trailers.items():
        if name.startswith("x-amz-checksum-"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value


def _state_scope(environ: Environ, scope: Scope) -> None:
    """Say in a header what a query-presigned or unsigned request says elsewhere."""
    environ["HTTP_AUTHORIZATION"] = (
        f"AWS4-HMAC-SHA256 Credential={scope.access_key or 'AKIAIOSFODNN7EXAMPLE'}"
        f"/20260101/{scope.region}/{scope.service}/aws4_request, SignedHeaders=host, Signature=0"
    )
