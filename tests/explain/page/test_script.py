"""The page's script as a text: what it has to know of the language of formulas."""

from __future__ import annotations

import re
from importlib.resources import files

from pellucid.explain import page
from pellucid.explain.page.assets import SCRIPTS
from pellucid.formula.expression import COMPARISONS, FUNCTIONS


def keys(table: str) -> set[str]:
    """Of a constant of the script."""
    (body,) = re.findall(rf"^const {table} = \{{(.*?)\}};", page.script(), re.DOTALL | re.MULTILINE)
    return set(re.findall(r'(?:^|[{,])\s*"?([\w<>=!]+)"?: ', body, re.MULTILINE))


def test_the_page_computes_every_function_and_comparison_of_the_language() -> None:
    assert keys("SLOPES") | keys("CHOICES") == FUNCTIONS.keys()
    assert keys("COMPARISONS") == {*COMPARISONS}


def test_every_file_is_part_of_the_script() -> None:
    folder = files(page) / "scripts"
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.js" for name in SCRIPTS)
