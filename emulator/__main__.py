"""`python -m emulator` is `lambda-emulator`."""

from emulator.cli import main

main()
