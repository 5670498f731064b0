"""`lambda-emulator`, and `python -m emulator`."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C while that is still being imported ends it without a word."""
    try:
        from emulator.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
