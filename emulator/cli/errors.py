"""How a command ends that could not do its work."""

from typing import Final

INTERRUPTED: Final = 130  # what a shell shows for a program that Ctrl-C ended


class CommandError(Exception):
    """Ends the command with exit status 2; the text says what is wrong and what to do."""
