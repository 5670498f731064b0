"""Quotas and sizes of Lambda, in the units of their names. Source: Lambda quotas page."""

from typing import Final

SYNC_REQUEST_BYTES: Final = 6_291_456
SYNC_RESPONSE_BYTES: Final = 6_291_556  # 6 MiB and 100 bytes, the JSON quotes included
STREAMED_RESPONSE_BYTES: Final = 209_715_200
ASYNC_REQUEST_BYTES: Final = 1_048_576
INVOKE_ASYNC_BYTES: Final = 262_144  # the old operation was never given more
LOG_TAIL_BYTES: Final = 4_096
CLIENT_CONTEXT_CHARS: Final = 3_583

ACCOUNT_CONCURRENCY: Final = 1_000
UNRESERVED_CONCURRENCY: Final = 100  # what reservations must leave of it
INIT_TIMEOUT_S: Final = 10.0
RESTORE_TIMEOUT_S: Final = 10.0  # of SnapStart
PROVISIONED_INIT_TIMEOUT_S: Final = 130.0  # or the function's timeout, if that is longer

ZIP_BYTES: Final = 52_428_800
CODE_STORAGE_BYTES: Final = 300 * 1024**3  # of all functions and layers in a region
UNZIPPED_BYTES: Final = 262_144_000
CREATE_REQUEST_BYTES: Final = 70_167_211
ENVIRONMENT_BYTES: Final = 4_096
LAYERS: Final = 5
TAGS: Final = 50
MEMORY_MIB: Final = 10_240
TIMEOUT_S: Final = 900
EPHEMERAL_STORAGE_MIB: Final = 10_240

ASYNC_RETRY_DELAYS_S: Final = (60.0, 120.0)
ASYNC_MAX_AGE_S: Final = 21_600.0
ASYNC_THROTTLE_DELAY_S: Final = (1.0, 300.0)  # first back-off, largest back-off
