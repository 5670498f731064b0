import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emulator.control import archive
from emulator.model import LambdaError, limits

UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."


def zipped(*entries: tuple[str, str, int | None]) -> bytes:
    """An archive of (name, content, mode with file type); no mode means one made on Windows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 1 if mode is None else mode << 16  # 1: read-only, in MS-DOS
            made.writestr(entry, content)
    return buffer.getvalue()


FILE = stat.S_IFREG | 0o644
LINK = stat.S_IFLNK | 0o777


def test_files_folders_and_links_are_unpacked(tmp_path: Path) -> None:
    content = zipped(
        ("empty/", "", stat.S_IFDIR | 0o755),
        ("lib/libfoo.so.1", "library", FILE),
        ("lib/libfoo.so", "libfoo.so.1", LINK),
        ("app.py", "code", FILE),
    )
    archive.unpack(content, tmp_path)
    assert (tmp_path / "empty").is_dir()
    assert (tmp_path / "app.py").read_text() == "code"
    assert (tmp_path / "lib" / "libfoo.so").is_symlink()
    assert (tmp_path / "lib" / "libfoo.so").read_text() == "library"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o755, 0o755),
        (0o644, 0o644),
        (0o444, 0o444),
        (0o666, 0o644),
        (0o600, 0o644),
        (0o700, 0o755),
        (None, 0o644),
    ],
)
def test_mode_bits_are_kept_for_everybody_to_read_and_run(
    tmp_path: Path, mode: int | None, expected: int
) -> None:
    archive.unpack(zipped(("bootstrap", "#!/bin/sh", mode and stat.S_IFREG | mode)), tmp_path)
    assert stat.S_IMODE((tmp_path / "bootstrap").stat().st_mode) == expected


@pytest.mark.parametrize(
    ("mode", "is_warned"), [(0o755, False), (0o644, False), (None, False), (0o600, True)]
)
def test_files_that_lambda_could_not_read_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int | None, is_warned: bool
) -> None:
    archive.unpack(zipped(("app.py", "code", mode and stat.S_IFREG | mode)), tmp_path)
    assert ("code.private file=app.py files=1" in caplog.text) is is_warned


def test_the_last_entry_of_a_name_wins(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(("app.py", "old", FILE), ("app.py", "new", FILE))
    archive.unpack(content, tmp_path)
    assert (tmp_path / "app.py").read_text() == "new"


def encrypted() -> bytes:
    content = bytearray(zipped(("app.py", "code", FILE)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def damaged() -> bytes:
    content = bytearray(zipped(("app.py", "code" * 100, FILE)))
    content[40] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"no zip at all",
        zipped(("app.py", "code", FILE))[:-30],
        damaged(),
        encrypted(),
        zipped(("../app.py", "code", FILE)),
        zipped(("a/../../app.py", "code", FILE)),
        zipped(("/etc/app.py", "code", FILE)),
        zipped(("a", "file", FILE), ("a/b", "file in a file", FILE)),
        zipped(("n" * 300, "code", FILE)),
        zipped(("link", "/etc/passwd", LINK)),
        zipped(("link", "../outside", LINK)),
        zipped(("a/b/c/up", "../../..", LINK), ("out", "a/b/c/up/../../..", LINK)),
        zipped(("out", "..", LINK), ("out/app.py", "code", FILE)),
        zipped(("loop", "loop", LINK)),
    ],
)
def test_an_archive_that_is_broken_or_reaches_outside_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "inner" / "code"
    folder.mkdir(parents=True)
    with pytest.raises(LambdaError) as caught:
        archive.unpack(content, folder)
    assert caught.value.code == "InvalidParameterValueException"
    assert caught.value.message == UNREADABLE
    assert os.listdir(tmp_path) == ["inner"]
    assert os.listdir(tmp_path / "inner") == ["code"]


@pytest.mark.parametrize("content", [b"", zipped()])
def test_an_empty_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(LambdaError) as caught:
        archive.unpack(content, tmp_path)
    assert caught.value.message == "Uploaded file must be a non-empty zip"


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(6):
            made.writestr(f"{number}", bytes(50_000_000))
    with pytest.raises(LambdaError) as caught:
        archive.unpack(buffer.getvalue(), tmp_path)
    assert (
        caught.value.message == f"Unzipped size must be smaller than {limits.UNZIPPED_BYTES} bytes"
    )
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_not_the_archives_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match="No space left"):
        archive.unpack(zipped(("app.py", "code", FILE)), tmp_path)


def test_a_folder_survives_packing_and_unpacking(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "tool").write_text("#!/bin/sh")
    (source / "bin" / "tool").chmod(0o700)
    (source / "app.py").write_text("code")
    (source / "app.py").chmod(0o600)
    (source / "link").symlink_to("bin")
    for skipped in (".git", "__pycache__"):
        (source / skipped).mkdir()
        (source / skipped / "file").write_text("x")
    os.mkfifo(source / "pipe")
    target.mkdir()
    archive.unpack(archive.pack(source), target)
    assert sorted(os.listdir(target)) == ["app.py", "bin", "link"]
    assert stat.S_IMODE((target / "bin" / "tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "app.py").stat().st_mode) == 0o644
    assert os.readlink(target / "link") == "bin"


def test_equal_folders_make_equal_archives(tmp_path: Path) -> None:
    packed: list[bytes] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for file in ("b.py", "a.py") if name == "one" else ("a.py", "b.py"):
            (tmp_path / name / file).write_text(file)
        os.utime(tmp_path / name / "a.py", (1, len(packed)))
        packed.append(archive.pack(tmp_path / name))
    assert packed[0] == packed[1]
