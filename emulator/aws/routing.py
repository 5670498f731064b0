"""Which service, account and region a request is for."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs

from emulator.model import DEFAULT_REGION

Environ = dict[str, Any]

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,&]+)/\d{8}/(?:(?P<region>[^/]+)/)?(?P<service>[^/]+)/aws4_request"
)
_SIGV2 = re.compile(r"AWS (?P<key>[^:]+):")
FORM: Final = "application/x-www-form-urlencoded"

# What token verifiers fetch of a Cognito user pool; the pool's id begins with its region.
_WELL_KNOWN = re.compile(
    r"/(?P<region>[a-z-]+\d)_[^/]+/\.well-known/(?:jwks\.json|openid-configuration)/?$"
)

# Where functions send what became of a custom resource; no bucket's name has an underscore.
_CUSTOM_RESOURCE = re.compile(r"/cloudformation_(?P<region>[a-z0-9-]+)/cfnresponse")

# X-Amz-Target up to its first dot, for requests that nobody signed.
_TARGETS: Final = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSEvents": "events",
    "AWSStepFunctions": "states",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "DynamoDBStreams_20120810": "dynamodb",
    "DynamoDB_20120810": "dynamodb",
    "Firehose_20150804": "firehose",
    "Kinesis_20131202": "kinesis",
    "Logs_20140328": "logs",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
# `Version` of a query API; each names one service.
_VERSIONS: Final = {
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "monitoring",
    "2010-12-01": "email",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2016-11-15": "ec2",
}
# `Action` where the request has no `Version`.
_ACTIONS: Final = {
    **dict.fromkeys(
        (
            "ChangeMessageVisibility",
            "CreateQueue",
            "DeleteMessage",
            "DeleteQueue",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ListQueues",
            "PurgeQueue",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
            "SetQueueAttributes",
        ),
        "sqs",
    ),
    **dict.fromkeys(
        ("CreateTopic", "DeleteTopic", "ListTopics", "Publish", "Subscribe", "Unsubscribe"), "sns"
    ),
    **dict.fromkeys(
        (
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "GetCallerIdentity",
            "GetSessionToken",
        ),
        "sts",
    ),
}
_HOST = re.compile(
    r"(?:.+\.)?(?P<service>apigateway|cloudformation|cognito-identity|cognito-idp|dynamodb|events"
    r"|firehose|iam|kinesis|kms|lambda|logs|s3|secretsmanager|sns|sqs|ssm|states|sts)"
    r"(?:\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.(?:amazonaws\.com|localhost\.localstack\.cloud)"
)

# Signing name to moto's name for it, where the two differ or nothing else decides.
_BACKENDS: Final = {
    "apigateway": "apigateway",
    "cloudformation": "cloudformation",
    "cognito-identity": "cognitoidentity",
    "cognito-idp": "cognitoidp",
    "ec2": "ec2",
    "elasticloadbalancing": "elbv2",  # its application serves the older API, too
    "events": "events",
    "firehose": "firehose",
    "iam": "iam",
    "kinesis": "kinesis",
    "kms": "kms",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "states": "stepfunctions",
    "sts": "sts",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What the credentials, or failing those the request itself, say about where it goes."""

    service: str | None  # signing name; None when nothing tells
    region: str
    access_key: str | None
    is_in_header: bool  # signed by header: moto reads that itself


def scope_of(environ: Environ) -> Scope:
    """Find service, region and access key of a request, and remember them in `environ`."""
    known = environ.get("emulator.scope")
    if isinstance(known, Scope):
        return known
    scope = _signed(environ) or _unsigned(environ)
    environ["emulator.scope"] = scope
    return scope


def backend_of(service: str | None, environ: Environ) -> str | None:
    """Moto's name for the service of a request; None when only moto's own tables can tell."""
    path: str = environ.get("PATH_INFO", "")
    if path.startswith("/moto-api") or path == "/favicon.ico":
        return "moto_api"
    if service is None or service in ("s3", "s3express"):
        is_control = path.startswith("/v20180820/") or "s3-control" in environ.get("HTTP_HOST", "")
        return "s3control" if is_control else "s3"
    if service == "dynamodb":
        target: str = environ.get("HTTP_X_AMZ_TARGET", "")
        return "dynamodbstreams" if target.startswith("DynamoDBStreams") else "dynamodb"
    return _BACKENDS.get(service)


def action_of(environ: Environ) -> str:
    """What a request asks for, as far as it can be read: an operation, else method and path."""
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rpartition(".")[2]
    action = _form_values(environ).get("Action")
    return action or f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"


def is_form(environ: Environ) -> bool:
    """True for the body of a query API."""
    return str(environ.get("CONTENT_TYPE", "")).startswith(FORM)


def _signed(environ: Environ) -> Scope | None:
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    if match := _CREDENTIAL.search(authorization):
        return _from_credential(match[0], True)
    if match := _SIGV2.match(authorization):
        return Scope("s3", DEFAULT_REGION, match["key"], is_in_header=True)
    query: str = environ.get("QUERY_STRING", "")
    if "X-Amz-Credential=" in query:
        credential = parse_qs(query)["X-Amz-Credential"][0]
        if match := _CREDENTIAL.search(f"Credential={credential}"):
            return _from_credential(match[0], False)
    if "AWSAccessKeyId=" in query and "Signature=" in query:
        key = parse_qs(query)["AWSAccessKeyId"][0]
        return Scope("s3", DEFAULT_REGION, key, is_in_header=False)
    return None


@lru_cache(maxsize=1024)  # a client's credential is the same all day
def _from_credential(credential: str, is_in_header: bool) -> Scope:
    match = _CREDENTIAL.fullmatch(credential)
    assert match is not None
    region = match["region"] or DEFAULT_REGION
    return Scope(match["service"].lower(), region, match["key"], is_in_header)


def _unsigned(environ: Environ) -> Scope:
    host = str(environ.get("HTTP_HOST", "")).partition(":")[0].lower()
    match = _HOST.fullmatch(host)
    region = (match and match["region"]) or _region_of_path(environ) or DEFAULT_REGION
    service = _service_by_content(environ) or (match["service"] if match else None)
    return Scope(service, region, None, is_in_header=False)


def _service_by_content(environ: Environ) -> str | None:
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return _TARGETS.get(target.partition(".")[0])
    if _WELL_KNOWN.match(environ.get("PATH_INFO", "")):
        return "cognito-idp"
    if _CUSTOM_RESOURCE.fullmatch(environ.get("PATH_INFO", "")):
        return "cloudformation"
    values = _form_values(environ)
    if "Action" not in values:
        return None
    return _VERSIONS.get(values.get("Version", "")) or _ACTIONS.get(values["Action"])


def _region_of_path(environ: Environ) -> str | None:
    path = environ.get("PATH_INFO", "")
    match = _WELL_KNOWN.match(path) or _CUSTOM_RESOURCE.fullmatch(path)
    return match["region"] if match else None


def _form_values(environ: Environ) -> Mapping[str, str]:
    """`Action` and `Version` of a query API, from the query string or a form's body."""
    text: str = environ.get("QUERY_STRING", "")
    if "Action=" not in text:
        if not is_form(environ) or environ.get("REQUEST_METHOD") != "POST":
            return {}
        text = whole_body(environ).decode("utf-8", "replace")
    if "Action=" not in text:
        return {}
    return {name: values[0] for name, values in parse_qs(text).items()}


def whole_body(environ: Environ) -> bytes:
    """The body, which can still be read afterwards."""
    if not isinstance(environ["wsgi.input"], io.BytesIO):
        body = read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
    content: bytes = environ["wsgi.input"].getvalue()  # whole, also when it has been read
    return content


def read_body(environ: Environ) -> bytes:
    """Read the whole body; it may be shorter than promised when the client went away."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        return bytes(environ["wsgi.input"].read(int(length)))
    if environ.get("wsgi.input_terminated") or "HTTP_TRANSFER_ENCODING" in environ:
        return bytes(environ["wsgi.input"].read())
    return b""
