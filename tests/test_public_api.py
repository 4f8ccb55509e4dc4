"""Every public name can be reached and is documented, and nothing heavy is imported before one is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid

HEAVY = ("numpy", "scipy", "sklearn", "PIL", "llvmlite", "click", "rich", "safetensors")
TREE = ast.parse(Path(inspect.getfile(pellucid)).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name in pellucid.__all__ if name != "__version__"])
def test_public_names_are_there_and_documented(name: str) -> None:
    value = getattr(pellucid, name)
    assert inspect.getdoc(value)


def test_what_type_checkers_see_is_what_there_is() -> None:
    (guarded,) = (node for node in TREE.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    imported = {a.name for node in guarded.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert imported | {"__version__"} == set(pellucid.__all__)
    assert dir(pellucid) == sorted(pellucid.__all__)


def test_unknown_names_are_errors_of_attributes() -> None:
    assert not hasattr(pellucid, "Conv3D")


def test_import_is_lazy() -> None:
    program = f"import sys, pellucid; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_asking_for_a_layer_does_not_import_the_readers_of_images() -> None:
    program = "import sys, pellucid; pellucid.Conv2D; print('PIL' in sys.modules or 'sklearn' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
