"""How a request for a function says that its code runs from a folder of this machine."""

from typing import Final

HOT_RELOAD_BUCKET: Final = "hot-reload"  # no bucket: S3Key is then the path of a folder or archive
ARCHIVES: Final = (".zip", ".jar")  # what code may be beside a folder
