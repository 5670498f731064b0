"""The command `lambda-emulator`."""

from emulator.cli.main import cli, main

__all__ = ["cli", "main"]
