import json

from tests.cli.conftest import FUNCTIONS, Run


def test_functions_are_listed_as_a_table(run: Run) -> None:
    done = run("list")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "FUNCTION  RUNTIME     HANDLER      TIMEOUT  MEMORY   CODE",
        "orders    python3.12  app.handler  3 s      128 MiB  /home/me/orders",
        "resize    python3.12  app.handler  3 s      128 MiB  /home/me/resize",
    ]


def test_programs_get_the_documents_of_the_server(run: Run) -> None:
    assert json.loads(run("list", "--json").stdout) == FUNCTIONS
