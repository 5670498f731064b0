"""Which Node.js is found, and which of them runs a runtime."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.sandbox import interpreters, languages, nodes

PLACES = {
    "nvm": ".nvm/versions/node/v{}/bin",
    "fnm": ".local/share/fnm/node-versions/v{}/installation/bin",
    "volta": ".volta/tools/image/node/{}/bin",
    "asdf": ".asdf/installs/nodejs/{}/bin",
    "mise": ".local/share/mise/installs/node/{}/bin",
    "nodenv": ".nodenv/versions/{}/bin",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder on a machine without any Node.js."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(interpreters, "_SYSTEM", ())
    for variable, _, _ in nodes._MANAGERS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("N_PREFIX", str(tmp_path / "n-prefix"))
    nodes.nodes.cache_clear()
    yield tmp_path
    nodes.nodes.cache_clear()


def install(folder: Path, version: str, program: Path | None = None) -> Path:
    """Put a program into `folder` that says it is Node.js of that version, and where it stands."""
    folder.mkdir(parents=True)
    path = folder / "node"
    path.write_text(f'#!/bin/sh\necho "v{version} {program or path}"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_is_found_where_version_managers_keep_it(home: Path, place: str) -> None:
    path = install(home / place.format("22.1.0"), "22.1.0")

    found = nodes.nodes()

    assert {name: item.path for name, item in found.items()} == {"nodejs22.x": path}


def test_n_keeps_it_below_its_prefix(home: Path) -> None:
    path = install(home / "n-prefix/n/versions/node/18.3.0/bin", "18.3.0")
    assert nodes.nodes()["nodejs18.x"].path == path


def test_path_comes_first_and_among_others_the_newest(home: Path) -> None:
    managed = {version: home / PLACES["nvm"].format(version) for version in ("22.9.0", "22.10.0")}
    programs = {version: install(folder, version) for version, folder in managed.items()}
    assert nodes.nodes()["nodejs22.x"].path == programs["22.10.0"]

    own = install(home / "bin", "22.2.0")
    nodes.nodes.cache_clear()
    assert nodes.nodes()["nodejs22.x"].path == own


def test_a_script_of_a_version_manager_says_which_program_really_runs(home: Path) -> None:
    real = home / "real" / "bin" / "node"
    install(home / "bin", "20.1.0", program=real)
    assert nodes.nodes()["nodejs20.x"].path == real


def test_what_does_not_run_or_is_too_old_is_left_out(home: Path) -> None:
    install(home / PLACES["nvm"].format("14.0.0"), "14.0.0")
    broken = install(home / PLACES["nvm"].format("18.0.0"), "18.0.0")
    broken.write_text("#!/bin/sh\nexit 1\n")
    assert nodes.nodes() == {}
    assert languages.find("nodejs22.x") is None


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        ("nodejs20.x", "nodejs20.x"),
        ("nodejs16.x", "nodejs18.x"),
        ("nodejs22.x", "nodejs24.x"),
        ("nodejs26.x", "nodejs24.x"),
    ],
)
def test_a_runtime_runs_on_its_own_version_else_the_next_newer_else_the_newest(
    home: Path, runtime: str, expected: str
) -> None:
    for version in ("18.1.0", "20.1.0", "24.1.0"):
        install(home / PLACES["nvm"].format(version), version)

    found = languages.find(runtime)

    assert found is not None
    assert found.runtime == expected
