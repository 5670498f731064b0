import ast
import importlib
import inspect

import emulator.aws


def test_every_public_name_is_found_where_type_checkers_see_it() -> None:
    tree = ast.parse(inspect.getsource(emulator.aws))
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emulator.")
        for alias in node.names
    }
    assert sorted(seen) == sorted(emulator.aws.__all__)
    for name, (module, there) in seen.items():
        assert getattr(emulator.aws, name) is getattr(importlib.import_module(str(module)), there)
