"""The code on every page runs, from top to bottom, and prints what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import BLOCK, alike, ran

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = {"python", "pycon", "console", "sh"}


def by_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if RUN & {kind for kind, *_ in BLOCK.findall(text_of(page))}], ids=by_name
)
def test_a_page_runs_and_says_what_its_code_prints(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make docs` writes what is printed now."""
    if shutil.which("bash") is None:
        pytest.skip("the commands of the pages are for bash")
    monkeypatch.chdir(tmp_path)
    now, left_out = ran(text_of(page), page.name)
    if not alike(now, text_of(page)):
        assert now == text_of(page)
    if left_out:
        pytest.skip("; ".join(sorted(set(left_out))))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not link.startswith(("http://", "https://")):
            assert (page.parent / link).exists(), link


def test_every_page_is_seen() -> None:
    assert {"README.md", "docs/formulas.md", "docs/compiler.md"} <= set(map(by_name, PAGES))


def test_a_page_whose_code_prints_something_else_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = "```python\na = 1\n```\n```pycon\n>>> a + 1\n3\n```\n```toml x.toml\nname = 1\n```\n"
    page += "```python\nimport pathlib\nassert pathlib.Path('x.toml').read_text() == 'name = 1\\n'\n```\n"
    page += "```python nowhere\n1/0\n```\n"
    now, left_out = ran(page, "page")
    assert now == page.replace("3\n", "2\n")
    assert left_out == ["nowhere is not installed"]
    with pytest.raises(ZeroDivisionError):
        ran("```python\n1/0\n```\n", "page")
    with pytest.raises(AssertionError, match="No such option"):
        ran("```sh\npellucid train --nothing\n```\n", "page")
    with pytest.raises(AssertionError, match="printed nothing"):
        ran("```console\n$ true\n```\n", "page")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("sum 4.034, difference -5.07e-07", "sum 4.031,  difference 6.6e-08", True),
        ("sum 4.034", "sum 4.334", False),
        ("accuracy 95.54%", "accuracy 95.82%", True),
        ("117", "118", False),
        ("conv1[0,1]", "conv1[0,2]", False),
        ("0.1 a", "0.1 b", False),
        ("LLVM 22.1.0", "LLVM 22.1.1", False),
    ],
)
def test_pages_are_compared_as_a_reader_would(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same
