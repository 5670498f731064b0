"""The user's files: emulator.toml and hot reload."""
