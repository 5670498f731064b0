"""Layers that outlive the process."""

from pathlib import Path

from emulator.control import CodeStore, FunctionStore, LayerStore
from emulator.control.layer_store import LayerKey
from emulator.control.policy import new_policy
from emulator.control.spec import CodeObject, FunctionSpec
from emulator.model import Clock
from emulator.storage import Documents

KEY: LayerKey = ("000000000000", "us-east-1", "shared")


def test_layers_are_the_same_again_and_their_code_is_not_swept_away(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "shared.py").write_text("x = 1")

    def open_stores() -> tuple[CodeStore, LayerStore, FunctionStore]:
        code = CodeStore(tmp_path / "code")
        documents = Documents(tmp_path / "documents.sqlite")
        layers = LayerStore(code, documents)
        layers.restore()
        functions = FunctionStore(Clock(), code, documents)
        functions.restore()
        return code, layers, functions

    code, layers, functions = open_stores()
    package = code.from_folder(source, live=False)
    where = CodeObject(bucket="b", key="k")
    first = layers.publish(
        KEY, package, 1.0, runtimes=("python3.13",), license="MIT", code_object=where
    )
    layers.publish(KEY, package, 2.0, description="second")
    layers.delete(KEY, 2)
    shared = new_policy().with_statement({"Sid": "s", "Principal": {"AWS": ["111111111111"]}})
    first = layers.change_policy(KEY, 1, lambda _: shared)
    spec = FunctionSpec(
        name="f", runtime="python3.13", handler="app.h", role="r", layers=(first.arn,)
    )
    functions.create(spec, package, [package])

    _, layers, functions = open_stores()
    assert layers.versions(KEY) == [first]
    assert (layers.get(KEY, 1).package.folder / "shared.py").read_text() == "x = 1"
    (version,) = functions.functions()
    assert version.layers == (package,)
    assert layers.publish(KEY, package, 3.0).number == 3
