"""Names under a function's folder whose changes are never a change of its code."""

import re
from typing import Final

_FOLDERS: Final = (
    *(r"__pycache__", r"node_modules", r"\.git", r"\.hg", r"\.svn", r"\.venv", r"\.tox", r"\.nox"),
    *(r"\.\w+_cache", r"\.idea", r"\.vscode", r"\.aws-sam"),
)
_FILES: Final = (
    *(r".*\.py[co]", r".*\.log", r"\.DS_Store"),
    *(r"\..*\.sw.", r".*~", r"4913"),  # vim; 4913 is how it asks whether it may write here
    *(r"\.#.*", r"#.*#"),  # emacs
    *(r"\.goutputstream-.*", r".*\.kate-swp", r".*___jb_(tmp|old)___"),  # gedit, kate, JetBrains
)
_IGNORED: Final = re.compile("|".join(_FOLDERS + _FILES))


def is_ignored(name: str) -> bool:
    """True for caches, version control, swap and backup files, and for node_modules.

    node_modules counts as ignored although functions load from it: it may hold ten thousand
    folders, and whatever changes it also changes package.json or a lock file next to it.
    """
    return _IGNORED.fullmatch(name) is not None
