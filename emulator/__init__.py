"""A local AWS Lambda emulator."""

__version__ = "0.1.0"
