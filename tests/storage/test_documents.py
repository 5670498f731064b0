from pathlib import Path

from emulator.storage import Documents


def test_documents_are_found_again_by_kind_and_key(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    written = Documents(file)
    written.put("mapping", "b", {"n": 1})
    written.put("mapping", "b", {"n": 2})
    written.put("mapping", "a", {"text": "é"})
    written.put("policy", "a", {})
    written.put("policy", "c", {})
    written.delete("policy", "a")
    written.delete("policy", "nothing")
    # Not closed: a killed process closes nothing.
    found = Documents(file)
    assert found.all("mapping") == {"a": {"text": "é"}, "b": {"n": 2}}
    assert found.all("policy") == {"c": {}}
    found.clear()
    assert written.all("mapping") == {}
    found.close()
    written.close()


def test_without_a_file_nothing_is_kept() -> None:
    documents = Documents()
    documents.put("mapping", "a", {})
    assert not documents.are_kept
    assert documents.all("mapping") == {}
