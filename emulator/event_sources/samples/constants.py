"""What all samples share, so that the same command prints the same event every time."""

from typing import Final

from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION

ACCOUNT: Final = DEFAULT_ACCOUNT
REGION: Final = DEFAULT_REGION
AT_S: Final = 1_795_255_200.123  # 2026-11-21T10:00:00.123Z
REQUEST_ID: Final = "d1b9a1f0-5d3c-4f6e-9a57-0c1f5a2e7b11"
SOURCE_IP: Final = "203.0.113.5"
