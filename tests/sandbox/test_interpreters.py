"""Which folders of the machine a function sees for its interpreter's sake."""

from pathlib import Path

import pytest

from emulator.sandbox import interpreters
from emulator.sandbox.interpreters import Interpreter


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("{home}/.pyenv/versions/3.12.1/bin/python3.12", ["{home}/.pyenv/versions/3.12.1"]),
        ("{home}/bin/node", ["{home}/bin"]),  # not the home it stands in
        ("{home}/node", ["{home}/node"]),
        ("{home}/.local/bin/node", ["{home}/.local/bin"]),  # .local/share holds keys and mail
        ("/nix/store/x-python3-3.12/bin/python3.12", ["/nix/store"]),
        (
            "/home/linuxbrew/.linuxbrew/Cellar/node/22.1.0/bin/node",
            ["/home/linuxbrew/.linuxbrew"],  # its libraries are packages beside it
        ),
    ],
)
def test_an_interpreter_shows_its_own_folder_and_never_a_home(
    program: str, shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = Interpreter(runtime="x", path=Path(program.format(home=tmp_path)))
    expected = [Path(folder.format(home=tmp_path)) for folder in shown]
    assert interpreters.folders_of([found]) == expected
