"""Tells each environment when its container ends, as the engine reports it."""

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

JOIN_S = 5.0


class Exits:
    """Reads the engine's events on the thread "docker-events", from the first `watch` on.

    Any thread may call. `_lock` guards the table of pipes and the writing to them, `_listening`
    the connection, and who needs it waits until it is there. What is written: `pid N` and, once,
    `exit STATUS`, `oom STATUS` or `refused WHY`; then the pipe closes.
    """

    def __init__(self, client: "docker.APIClient", label: str) -> None:
        self._client = client
        self._label = label
        self._lock = threading.Lock()
        self._listening = threading.Lock()
        self._pipes: dict[str, int] = {}  # by container: where to write
        self._starved: set[str] = set()  # containers that were out of memory
        self._stream: Any = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def watch(self, container: str) -> int:
        """Return a descriptor to read from; call before the container starts."""
        with self._listening:
            if self._stream is None and not self._is_closed:
                self._listen()
        read, write = os.pipe()
        os.set_blocking(read, False)
        with self._lock:
            self._pipes[container] = write
            self._starved.discard(container)
        return read

    def tell(self, container: str, line: str) -> None:
        """Write a line for who watches `container`."""
        with self._lock:
            if (pipe := self._pipes.get(container)) is not None:
                os.write(pipe, line.encode() + b"\n")

    def refuse(self, container: str, why: str) -> None:
        """Tell that `container` could not be started."""
        self.tell(container, f"refused {why}")
        self.forget(container)

    def forget(self, container: str) -> None:
        """Nobody reads about `container` any more."""
        with self._lock:
            self._end(container)
            self._starved.discard(container)

    def close(self) -> None:
        """Close all pipes, and end the thread."""
        with self._listening:
            self._is_closed = True
            stream, thread = self._stream, self._thread
        if stream is not None and thread is not None:
            # It may wait for the engine's next word for ever.
            with contextlib.suppress(OSError):
                stream.close()
            thread.join(JOIN_S)

    def _listen(self) -> None:
        filters = {"label": self._label, "type": "container", "event": ["die", "oom"]}
        self._stream = self._client.events(decode=True, filters=filters)
        self._thread = threading.Thread(
            target=self._read, args=(self._stream,), name="docker-events", daemon=True
        )
        self._thread.start()

    def _end(self, container: str) -> None:  # under the lock
        pipe = self._pipes.pop(container, None)
        if pipe is not None:
            os.close(pipe)

    # On the thread.

    def _read(self, stream: Any) -> None:
        try:
            for event in stream:
                self._take(event)
        except Exception:  # noqa: BLE001  whatever a broken connection raises in three libraries
            pass
        # The engine is gone, and for all we know the containers with it.
        with self._listening:
            self._stream = None
        with self._lock:
            for container in list(self._pipes):
                self._end(container)

    def _take(self, event: dict[str, Any]) -> None:
        container = event["Actor"]["ID"]
        with self._lock:
            if container not in self._pipes:
                return
            if event["Action"] == "oom":
                self._starved.add(container)
                return
            word = "oom" if container in self._starved else "exit"
            status = event["Actor"]["Attributes"].get("exitCode", "0")
            os.write(self._pipes[container], f"{word} {status}\n".encode())
            self._end(container)
