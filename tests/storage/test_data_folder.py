import os
from pathlib import Path

import pytest

from emulator.storage import DataFolder, StorageError


def test_a_folder_is_made_and_found_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "data")
    folder.documents.put("kind", "key", {"n": 1})
    folder.close()
    again = DataFolder(tmp_path / "a" / "data")
    assert again.documents.all("kind") == {"key": {"n": 1}}
    again.close()


def test_a_folder_belongs_to_one_emulator(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    with pytest.raises(StorageError, match=rf"in use by another emulator \(process {os.getpid()}"):
        DataFolder(tmp_path)
    first.close()
    DataFolder(tmp_path).close()


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file cannot be used: File exists"):
        DataFolder(tmp_path / "file")


def test_a_damaged_file_leaves_the_folder_unlocked(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").write_text("nothing" * 1000)
    with pytest.raises(StorageError, match="not a database"):
        DataFolder(tmp_path)
    (tmp_path / "events.sqlite").unlink()
    DataFolder(tmp_path).close()
