"""Loads Flask, once and whole."""

import importlib
import threading

_lock = threading.Lock()


def load_web_framework() -> None:
    """Import Flask; call this before any import that leads to it.

    Its modules import each other in circles: of two threads that begin at different ends, as moto
    and our own pages do, one meets a module that is half there.
    """
    with _lock:
        importlib.import_module("flask")
