"""Firehose: records that a function transforms are told; moto would put them as they are."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.firehose_facts import (
    FirehoseDeletedFact,
    FirehoseRecord,
    FirehoseRecordsFact,
    Transformation,
)
from emulator.aws.patches.patching import Patch, PatchContext

_BACKEND: Final = "moto.firehose.models:FirehoseBackend"
_MIB: Final = 1_048_576
_PROCESSORS: Final = ("Lambda", "AppendDelimiterToRecord")


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.firehose."""
    return [
        Patch(
            f"{_BACKEND}.put_s3_records",
            "self, delivery_stream_name, version_id, s3_destination, records",
            _put_s3_records(context),
        ),
        Patch(f"{_BACKEND}.delete_delivery_stream", "self, delivery_stream_name", _delete(context)),
        Patch(
            f"{_BACKEND}.create_delivery_stream",
            _CREATE,
            _checked(context, _CREATE, "extended_s3_destination_configuration"),
        ),
        Patch(
            f"{_BACKEND}.update_destination",
            _UPDATE,
            _checked(context, _UPDATE, "extended_s3_destination_update"),
        ),
    ]


_CREATE: Final = (
    "self, region, delivery_stream_name, delivery_stream_type, "
    "kinesis_stream_source_configuration, delivery_stream_encryption_configuration_input, "
    "s3_destination_configuration, extended_s3_destination_configuration, "
    "redshift_destination_configuration, elasticsearch_destination_configuration, "
    "splunk_destination_configuration, http_endpoint_destination_configuration, "
    "snowflake_destination_configuration, iceberg_destination_configuration, tags"
)

_UPDATE: Final = (
    "self, delivery_stream_name, current_delivery_stream_version_id, destination_id, "
    "s3_destination_update, extended_s3_destination_update, s3_backup_mode, "
    "redshift_destination_update, elasticsearch_destination_update, splunk_destination_update, "
    "http_endpoint_destination_update, snowflake_destination_configuration, "
    "iceberg_destination_update"
)


def transformation_of(destination: Mapping[str, Any]) -> Transformation | None:
    """What a destination's function is to do with records; None: there is none."""
    processing = destination.get("ProcessingConfiguration") or {}
    processors = processing.get("Processors") or []
    found = {each["Type"]: _parameters(each) for each in processors}
    function = found.get("Lambda", {}).get("LambdaArn")
    if not processing.get("Enabled") or not function:
        return None
    partitioning = destination.get("DynamicPartitioningConfiguration") or {}
    return Transformation(
        function_arn=function,
        bucket=destination["BucketARN"].rpartition(":")[2],
        **_buffering(found["Lambda"]),
        delimiter=_delimiter(found.get("AppendDelimiterToRecord")),
        prefix=destination.get("Prefix") or "",
        error_prefix=destination.get("ErrorOutputPrefix"),
        extension=destination.get("FileExtension") or "",
        is_compressed=destination.get("CompressionFormat") == "GZIP",
        is_partitioned=bool(partitioning.get("Enabled")),
        time_zone=destination.get("CustomTimeZone") or "UTC",
        not_built=tuple(_not_built(destination, found)),
    )


def _buffering(parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "retries": int(parameters.get("NumberOfRetries", 3)),
        "buffer_bytes": int(float(parameters.get("BufferSizeInMBs", 1)) * _MIB),
        "buffer_s": float(parameters.get("BufferIntervalInSeconds", 60)),
    }


def _delimiter(parameters: Mapping[str, str] | None) -> bytes:
    if parameters is None:
        return b""
    return parameters.get("Delimiter", "\\n").encode().decode("unicode_escape").encode()


def _not_built(destination: Mapping[str, Any], processors: Mapping[str, Any]) -> list[str]:
    """Settings of AWS's that the bucket would show, and that we do not obey."""
    names = [f"processor {name}" for name in processors if name not in _PROCESSORS]
    if destination.get("CompressionFormat") not in (None, "UNCOMPRESSED", "GZIP"):
        names.append(f"CompressionFormat {destination['CompressionFormat']}")
    if destination.get("S3BackupMode") == "Enabled":
        names.append("S3BackupMode")
    conversion = destination.get("DataFormatConversionConfiguration") or {}
    if conversion.get("Enabled"):
        names.append("DataFormatConversionConfiguration")
    return names


def _parameters(processor: Mapping[str, Any]) -> dict[str, str]:
    return {
        each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters") or []
    }


def _checked(context: PatchContext, parameters: str, destination: str) -> Callable[[Any], Any]:
    """A function's ARN, and numbers, are looked at before anything is stored."""
    place = parameters.split(", ").index(destination) - 1

    def make(original: Any) -> Any:
        def change(self: Any, *arguments: Any, **more: Any) -> Any:
            from moto.firehose.exceptions import InvalidArgumentException

            found = arguments[place] if place < len(arguments) else more.get(destination)
            try:
                transformation_of({"BucketARN": "", **(found or {})})
            except (ValueError, KeyError) as error:
                message = f"The processing configuration is not valid: {error}"
                raise InvalidArgumentException(message) from None
            if "KinesisStreamAsSource" in (*arguments, *more.values()):
                context.reporter.event(
                    "firehose.source_not_read",
                    hint="delivery streams get what is put into them; no stream is read for them",
                )
            return original(self, *arguments, **more)

        return change

    return make


def _put_s3_records(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_s3_records(
            self: Any,
            delivery_stream_name: str,
            version_id: str,
            s3_destination: dict[str, Any],
            records: list[dict[str, bytes]],
        ) -> Any:
            transformation = transformation_of(s3_destination)
            if transformation is None:
                return original(self, delivery_stream_name, version_id, s3_destination, records)
            from moto.moto_api._internal import mock_random

            now_s = context.clock.now()
            put = tuple(
                FirehoseRecord(id=str(mock_random.uuid4()), data=bytes(each["Data"]), at_s=now_s)
                for each in records
            )
            context.buffer.tell(
                FirehoseRecordsFact(
                    stream_arn=self.delivery_streams[delivery_stream_name].delivery_stream_arn,
                    version=version_id,
                    transformation=transformation,
                    records=put,
                )
            )
            return [{"RecordId": each.id} for each in put]

        return put_s3_records

    return make


def _delete(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_delivery_stream(self: Any, delivery_stream_name: str) -> None:
            stream = self.delivery_streams.get(delivery_stream_name)
            original(self, delivery_stream_name)
            context.buffer.tell(FirehoseDeletedFact(stream_arn=stream.delivery_stream_arn))

        return delete_delivery_stream

    return make
