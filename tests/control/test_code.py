import base64
import hashlib
import io
import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.control import CodeStore
from emulator.model import LambdaError


def zipped(text: str = "code") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(zipfile.ZipInfo("app.py"), text)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path / "store")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.py").write_text("code")
    return folder


def test_a_package_has_the_hash_and_size_of_its_archive(store: CodeStore) -> None:
    content = zipped()
    package = store.from_zip(content)
    assert package.sha256 == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert package.size_bytes == len(content)
    assert (package.folder / "app.py").read_text() == "code"
    assert not package.is_live


def test_equal_archives_are_unpacked_once(store: CodeStore) -> None:
    assert store.from_zip(zipped()) is store.from_zip(zipped())


def test_threads_that_unpack_the_same_archive_get_the_same_package(
    store: CodeStore, tmp_path: Path
) -> None:
    barrier = threading.Barrier(8)

    def unpack() -> Path:
        barrier.wait()
        return store.from_zip(zipped()).folder

    with ThreadPoolExecutor(8) as threads:
        folders = {each.result() for each in [threads.submit(unpack) for _ in range(8)]}
    assert len(folders) == 1
    assert len(os.listdir(tmp_path / "store")) == 1


def test_a_refused_archive_leaves_nothing_behind(store: CodeStore, tmp_path: Path) -> None:
    with pytest.raises(LambdaError):
        store.from_zip(b"no zip")
    assert os.listdir(tmp_path / "store") == []


def test_what_a_killed_process_left_is_replaced(store: CodeStore, tmp_path: Path) -> None:
    package = store.from_zip(zipped())
    other = CodeStore(tmp_path / "store")
    (package.folder / "app.py").unlink()
    assert (other.from_zip(zipped()).folder / "app.py").read_text() == "code"


def test_a_live_folder_is_used_in_place(store: CodeStore, source: Path) -> None:
    before = store.from_folder(source, live=True)
    assert (before.folder, before.is_live, before.archive) == (source, True, None)
    assert before.size_bytes == 4
    (source / "app.py").write_text("longer")
    assert store.from_folder(source, live=True).sha256 != before.sha256


def test_a_frozen_folder_no_longer_changes(store: CodeStore, source: Path) -> None:
    frozen = store.frozen(store.from_folder(source, live=True))
    (source / "app.py").write_text("changed")
    assert not frozen.is_live
    assert (frozen.folder / "app.py").read_text() == "code"
    assert store.frozen(frozen) is frozen


def test_a_missing_folder_is_refused(store: CodeStore, tmp_path: Path) -> None:
    with pytest.raises(LambdaError, match="does not exist or is not a folder"):
        store.from_folder(tmp_path / "nowhere", live=True)


def test_packages_can_be_downloaded_by_their_token(store: CodeStore, source: Path) -> None:
    package = store.from_zip(zipped())
    assert store.archive_for(store.token(package)) == zipped()
    live = store.from_folder(source, live=True)
    (source / "later.py").write_text("x")
    content = store.archive_for(store.token(live))
    assert content is not None
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        assert made.namelist() == ["app.py", "later.py"]
    for token in ("", "0" * 64, "../store"):
        assert store.archive_for(token) is None


def test_a_package_goes_when_it_was_unused_for_long_enough(store: CodeStore, source: Path) -> None:
    used, unused = store.from_zip(zipped("used")), store.from_zip(zipped("unused"))
    live = store.from_folder(source, live=True)
    store.collect([used])
    assert unused.folder.exists()
    store.collect([used], unused_s=0)
    assert not unused.folder.exists()
    assert store.archive_for(store.token(unused)) is None
    assert used.folder.exists()
    assert live.folder.exists()  # the developer's own
    assert store.archive_for(store.token(live)) is None
    assert (store.from_zip(zipped("unused")).folder / "app.py").exists()


def test_a_package_that_is_taken_again_stays(store: CodeStore) -> None:
    package = store.from_zip(zipped())
    for _ in range(3):  # however many functions change meanwhile
        store.collect([])
    assert store.from_zip(zipped()) is package
    assert package.folder.exists()
