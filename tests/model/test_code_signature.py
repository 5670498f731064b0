"""Archives that are signed, and changed afterwards."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.model.code_signature import (
    SIGNATURE_FILE,
    CodeSignature,
    NotSignable,
    read_signature,
    sign_archive,
)

SIGNATURE = CodeSignature(
    profile_version_arn="arn:aws:signer:us-east-1:000000000000:/signing-profiles/mine/0123456789",
    job_arn="arn:aws:signer:us-east-1:000000000000:/signing-jobs/1",
    signed_at=1.25,
    expires_at=1e9 + 0.1,
)


def archive(files: dict[str, str], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as zipped:
        for name, text in files.items():
            zipped.writestr(zipfile.ZipInfo(name), text, compression)
    return buffer.getvalue()


def files_of(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


FILES = {"app.py": "x = 1", "lib/other.py": ""}
SIGNED = sign_archive(archive(FILES), SIGNATURE)


def test_a_signed_archive_has_all_its_files_and_tells_who_signed_it() -> None:
    assert FILES.items() <= files_of(SIGNED).items()
    assert read_signature(SIGNED) == SIGNATURE


def test_an_archive_packed_anew_with_the_same_files_is_as_it_was() -> None:
    again = dict(reversed(files_of(SIGNED).items()))
    assert read_signature(archive(again, zipfile.ZIP_DEFLATED)) == SIGNATURE


def _said(member: str, value: object) -> Callable[[dict[str, str]], dict[str, str]]:
    def change(files: dict[str, str]) -> dict[str, str]:
        document = json.loads(files[SIGNATURE_FILE])
        return {**files, SIGNATURE_FILE: json.dumps({**document, member: value})}

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda files: {**files, "app.py": "x = 2"},
        lambda files: {**files, "more.py": ""},
        lambda files: {name: files[name] for name in files if name != "lib/other.py"},
        lambda files: {name.replace("other", "another"): text for name, text in files.items()},
        _said("expiresAt", 2e9),
        _said("signingJobArn", "another"),
        _said("contentSha384", "0"),
        _said("seal", "0"),
        _said("more", 1),
    ],
)
def test_whatever_was_changed_breaks_the_signature(
    change: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    found = read_signature(archive(change(files_of(SIGNED))))
    assert found is not None
    assert found.is_intact is False


@pytest.mark.parametrize(
    "files",
    [
        FILES,
        {**FILES, SIGNATURE_FILE: "a signature of AWS"},
        {**FILES, SIGNATURE_FILE: "[1]"},
        {**FILES, SIGNATURE_FILE: '{"signingJobArn":"x"}'},
        {"about.txt": SIGNATURE_FILE},
    ],
)
def test_other_archives_are_not_signed(files: dict[str, str]) -> None:
    assert read_signature(archive(files)) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [(archive({}), "empty"), (SIGNED, "already"), (b"no zip", "no zip"), (b"", "no zip")],
)
def test_what_cannot_be_signed_is_said(content: bytes, reason: str) -> None:
    with pytest.raises(NotSignable, match=reason):
        sign_archive(content, replace(SIGNATURE, job_arn="2"))
