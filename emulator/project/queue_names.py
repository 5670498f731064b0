"""What a queue may be called."""

from typing import Final

QUEUE: Final = r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?"
QUEUE_FORM: Final = (
    "a queue's name: up to 80 letters, digits, - or _, with .fifo behind for a FIFO queue"
)
