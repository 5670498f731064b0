import pytest

from emulator.project.inference import CannotInferError, infer


class FakeFiles:
    def __init__(self, files: dict[str, str], executable: tuple[str, ...] = ()) -> None:
        self._files, self._executable = files, executable

    def names(self) -> list[str]:
        return list(self._files)

    def text(self, name: str) -> str:
        return self._files[name]

    def is_executable(self, name: str) -> bool:
        return name in self._executable


HANDLER = "def handler(event, context): ...\n"
LAMBDA_HANDLER = "async def lambda_handler(event, context): ...\n"
SCRIPT = "export const handler = async () => 1"


@pytest.mark.parametrize(
    ("files", "runtime", "handler"),
    [
        ({"app.py": HANDLER}, "python", "app.handler"),
        ({"lambda_function.py": LAMBDA_HANDLER}, "python", "lambda_function.lambda_handler"),
        ({"handler.py": HANDLER, "orders.py": HANDLER}, "python", "handler.handler"),
        ({"orders.py": "import x\n" + HANDLER, "x.py": "y = 1"}, "python", "orders.handler"),
        ({"orders.py": "from web import app as handler"}, "python", "orders.handler"),
        ({"orders.py": "handler = make()"}, "python", "orders.handler"),
        ({"app.py": HANDLER, "broken.py": "def ("}, "python", "app.handler"),
        ({"index.js": ""}, "nodejs", "index.handler"),
        ({"index.mjs": SCRIPT, "other.mjs": SCRIPT}, "nodejs", "index.handler"),
        ({"orders.mjs": SCRIPT}, "nodejs", "orders.handler"),
        ({"orders.cjs": "exports.handler = x"}, "nodejs", "orders.handler"),
        ({"package.json": '{"main": "dist/main.js"}'}, "nodejs", "dist/main.handler"),
        ({"package.json": '{"main": "./lib"}', "a.js": ""}, "nodejs", "lib.handler"),
        ({"package.json": "{", "index.js": ""}, "nodejs", "index.handler"),
        ({"package.json": '{"type": "module"}', "index.js": ""}, "nodejs", "index.handler"),
        ({"bootstrap": "#!", "app.py": HANDLER}, "provided.al2023", "bootstrap"),
    ],
)
def test_a_handler_is_found(files: dict[str, str], runtime: str, handler: str) -> None:
    found = infer(FakeFiles(files, executable=("bootstrap",)), lambda language: language)
    assert (found.runtime, found.handler) == (runtime, handler)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, "no handler found"),
        ({"app.py": "def main(): ..."}, "no handler found"),
        ({"util.js": "module.exports = 1"}, "no handler found"),
        ({"a.py": HANDLER, "b.py": HANDLER}, "several handlers: a.handler, b.handler. Pass"),
        ({"app.py": HANDLER, "index.js": ""}, "several handlers: app.handler, index.handler"),
        ({"bootstrap": "#!"}, "bootstrap is not executable: chmod"),
    ],
)
def test_what_the_files_do_not_tell_is_asked_for(files: dict[str, str], text: str) -> None:
    with pytest.raises(CannotInferError, match=text):
        infer(FakeFiles(files), lambda language: language)
