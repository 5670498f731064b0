"""Code written into a template: the archive that CloudFormation makes of it."""

import io
import zipfile
from pathlib import Path
from typing import Final

from emulator.aws.stacks.resource_type import ResourceProblem

_MAX_BYTES: Final = 4 * 1024 * 1024
_RESPONSE: Final = Path(__file__).parent / "cfn_response"
_LANGUAGES: Final = {  # beginning of the runtime: file, module that answers for custom resources
    "python": ("index.py", "cfnresponse", "cfnresponse.py"),
    "nodejs": ("index.js", "cfn-response", "cfn-response.js"),
}


def archive_of(source: str, runtime: str) -> bytes:
    """Zip a function's source, the same bytes for the same source; raises ResourceProblem.

    Code that names CloudFormation's response module gets it, too.
    """
    if len(source.encode()) > _MAX_BYTES:
        raise ResourceProblem("Inline source code of a function may have 4 MB at most.")
    language = next((name for name in _LANGUAGES if runtime.startswith(name)), None)
    if language is None:
        raise ResourceProblem(
            "ZipFile can only be used when Runtime is set to a version of nodejs or python."
        )
    main, module, module_file = _LANGUAGES[language]
    files = {main: source}
    if module in source:
        files[module_file] = (_RESPONSE / module_file).read_text()
        if language == "nodejs":  # which `require` finds by its name only here
            files[f"node_modules/{module_file}"] = files.pop(module_file)
    return _zip(files)


def _zip(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # of 1980: its hash tells of the code alone
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, content)
    return archive.getvalue()
