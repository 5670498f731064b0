import io
from typing import Any

import pytest

from emulator.aws.chunked import IncompleteBody
from emulator.aws.routing import Scope
from emulator.aws.wire import bucket_of_host, prepare


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("bkt.s3.amazonaws.com", "bkt"),
        ("bkt.s3.eu-west-1.amazonaws.com", "bkt"),
        ("bkt.s3-eu-west-1.amazonaws.com", "bkt"),
        ("bkt.s3.dualstack.eu-west-1.amazonaws.com", "bkt"),
        ("my.bkt.s3.amazonaws.com", "my.bkt"),
        ("mys3.s3.amazonaws.com", "mys3"),
        ("bkt.localhost:4566", "bkt"),
        ("bkt.s3.localhost:4566", "bkt"),
        ("bkt.s3.localhost.localstack.cloud:4566", "bkt"),
        ("bkt.s3.us-east-1.localhost.localstack.cloud:4566", "bkt"),
        ("bkt.localhost.localstack.cloud:4566", "bkt"),
        ("s3.amazonaws.com", None),
        ("s3.eu-west-1.amazonaws.com", None),
        ("s3.localhost.localstack.cloud:4566", None),
        ("localhost.localstack.cloud:4566", None),
        ("localhost:4566", None),
        ("127.0.0.1:4566", None),
        ("[::1]:4566", None),
        ("emulator.internal:4566", None),
    ],
)
def test_a_bucket_is_read_from_the_hosts_that_name_one(host: str, bucket: str | None) -> None:
    assert bucket_of_host(host) == bucket


def prepared(*, backend: str = "s3", body: bytes = b"", **more: Any) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/bkt/key",
        "HTTP_HOST": "localhost:4566",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **more,
    }
    scope = Scope(backend, "eu-west-1", "AKIA", is_in_header="HTTP_AUTHORIZATION" in environ)
    prepare(environ, backend, scope, "123456789012")
    return environ


def test_the_decoded_path_is_encoded_again_so_that_moto_decodes_it_only_once() -> None:
    path = "/bkt/a%20b c+d/é".encode().decode("latin-1")
    assert prepared(PATH_INFO=path)["RAW_URI"] == "/bkt/a%2520b%20c%2Bd/%C3%A9"


def test_a_bucket_in_the_host_moves_into_the_path() -> None:
    environ = prepared(PATH_INFO="/key", HTTP_HOST="bkt.s3.localhost:4566")
    assert environ["PATH_INFO"] == environ["RAW_URI"] == "/bkt/key"
    assert environ["HTTP_HOST"] == "localhost:4566"


def test_a_body_without_length_gets_one() -> None:
    unframed: dict[str, Any] = {
        "wsgi.input": io.BytesIO(b"hello"),
        "wsgi.input_terminated": True,
    }
    environ = prepared(
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
        **unframed,
    )
    assert environ["CONTENT_LENGTH"] == "5"
    assert environ["wsgi.input"].read() == b"hello"


def test_a_body_shorter_than_promised_is_refused() -> None:
    with pytest.raises(IncompleteBody):
        prepared(body=b"hello", CONTENT_LENGTH="6")


def test_metadata_names_get_their_underscores_back_from_the_signature() -> None:
    environ = prepared(
        HTTP_AUTHORIZATION="AWS4-HMAC-SHA256 Credential=k/20261122/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-meta-a-b;x-amz-meta-c_d, Signature=0"
    )
    assert environ["moto.preserved_header_names"] == {"HTTP_X_AMZ_META_C_D": "x-amz-meta-c_d"}


def test_an_aws_chunked_body_is_stored_decoded_with_its_trailing_checksum() -> None:
    environ = prepared(
        body=b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        HTTP_CONTENT_ENCODING="gzip,aws-chunked",
        HTTP_X_AMZ_CONTENT_SHA256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        HTTP_X_AMZ_DECODED_CONTENT_LENGTH="5",
    )
    assert environ["wsgi.input"].read() == b"hello"
    assert environ["CONTENT_LENGTH"] == "5"
    assert environ["HTTP_CONTENT_ENCODING"] == "gzip"
    assert environ["HTTP_X_AMZ_CHECKSUM_CRC32"] == "NhCmhg=="


def test_the_account_is_ours_to_say() -> None:
    environ = prepared(HTTP_X_MOTO_ACCOUNT_ID="111111111111")
    assert environ["HTTP_X_MOTO_ACCOUNT_ID"] == "123456789012"


def test_a_request_signed_in_its_query_says_so_in_a_header_too() -> None:
    environ = prepared(backend="sts", QUERY_STRING="X-Amz-Credential=…")
    assert "Credential=AKIA/20260101/eu-west-1/sts/aws4_request" in environ["HTTP_AUTHORIZATION"]
