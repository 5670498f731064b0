"""Speed of the emulator, side by side with the least a Python server can do."""
