"""Why a command could not do its work."""


class CommandError(Exception):
    """Ends the command with exit status 2; the text says what is wrong and what to do."""
