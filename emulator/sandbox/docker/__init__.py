"""The second backend: execution environments are containers of a Docker engine.

Imported when the first function needs it: a start without Docker does not pay for it.
"""
