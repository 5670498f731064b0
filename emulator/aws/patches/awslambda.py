"""Lambda: whoever in moto looks for a function finds ours; moto itself runs none."""

from collections.abc import Iterator
from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import Call


def patches(context: PatchContext) -> list[Patch]:
    """The one patch of moto.awslambda: the class behind its backends."""
    return [
        Patch(
            "moto.awslambda.models:lambda_backends.backend",
            "region_name, account_id",
            lambda original: adapter(original, context),
        )
    ]


def _refuse(name: str) -> Any:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"{name} is not connected to the emulator's functions yet")

    return refuse


class _OurFunctions:
    """moto's view of the functions of one account and region: what its services call."""

    context: PatchContext
    region_name: str
    account_id: str

    def get_function(self, name_or_arn: str, qualifier: str | None = None) -> "Function":
        from moto.awslambda.exceptions import UnknownFunctionException

        function = self.get_function_by_arn(self._arn(name_or_arn, qualifier))
        if function is None:
            raise UnknownFunctionException(name_or_arn)
        return function

    def get_function_by_arn(self, arn: str) -> "Function | None":
        return Function(arn, self.context) if self.context.functions.exists(arn) else None

    def list_functions(self, func_version: str | None = None) -> list[Any]:
        return []  # for API calls; ours answers them

    def iter_tagged_resources(self) -> Iterator[Any]:
        from moto.core.resource_tagging import TaggedResource

        for arn, tags in self.context.functions.tagged(self.account_id, self.region_name):
            yield TaggedResource(arn, dict(tags), f"lambda:{arn.split(':')[5]}")

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        return self.get_function(function_name, qualifier).invoke(body, headers, response_headers)

    create_function = _refuse("AWS::Lambda::Function")
    create_event_source_mapping = _refuse("AWS::Lambda::EventSourceMapping")
    publish_function = _refuse("AWS::Lambda::Version")
    publish_layer_version = _refuse("AWS::Lambda::LayerVersion")
    send_dynamodb_items = _refuse("DynamoDB to Lambda")
    send_kinesis_message = _refuse("Kinesis to Lambda")
    send_sqs_batch = _refuse("SQS to Lambda")

    def _arn(self, name_or_arn: str, qualifier: str | None) -> str:
        arn = name_or_arn
        if not arn.startswith("arn:"):
            arn = f"arn:aws:lambda:{self.region_name}:{self.account_id}:function:{arn}"
        return f"{arn}:{qualifier}" if qualifier else arn


def adapter(lambda_backend: type[Any], context: PatchContext) -> type[Any]:
    """A LambdaBackend, so that reset and isinstance work, that leads to our functions."""
    return type("Adapter", (_OurFunctions, lambda_backend), {"context": context})


class Function:
    """One of our functions as moto's services handle it."""

    def __init__(self, arn: str, context: PatchContext) -> None:
        self.function_arn = arn
        self.function_name = arn.split(":")[6]
        self.tags: dict[str, str] = {}
        self.policy = None
        self._context = context

    def invoke(self, body: str | bytes, request_headers: Any, response_headers: Any) -> bytes:
        """Run it and wait, with no lock held: it may call the service that waits for it."""
        payload = body.encode() if isinstance(body, str) else body
        call = Call.to(self.function_arn, payload or b"{}", source="aws")
        with self._context.locks.released():
            return self._context.functions.invoke(call).payload
