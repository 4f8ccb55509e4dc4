"""The site can be built without a warning, needs no network, and has every public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make site` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    done = subprocess.run([*command, str(DOCS), str(folder)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = {str(page.relative_to(DOCS).with_suffix(".html")) for page in DOCS.rglob("*.md")}
    assert {str(page.relative_to(site)) for page in site.rglob("*.html")} >= pages


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    documented = set(re.findall(r'id="pellucid\.([\w.]+)"', shown))
    names = {*pellucid.__all__, *(f"data.{name}" for name in pellucid.data.__all__)} - {
        "__version__",
        "data",
        "zoo",
    }
    names -= {f"data.{name}" for name in pellucid.__all__}
    assert names | {"zoo.load", "Network.run", "Run.explain", "Model.evaluate"} <= documented


def test_a_reader_needs_no_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|iframe|link)[^>]+(?:src|href)="(?:https?:)?//[^"]*"', text), (
            page
        )


def test_formulas_are_set_as_mathml(tmp_path: Path) -> None:
    sys_docs = tmp_path / "docs"
    sys_docs.mkdir()
    (sys_docs / "conf.py").write_text((DOCS / "conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    (sys_docs / "static").mkdir()
    (sys_docs / "index.md").write_text("# Page\n\nHere $x_i^2$.\n\n$$\\sum_{i=1}^n x_i$$\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(sys_docs), str(tmp_path / "site")]
    subprocess.run(command, check=True, capture_output=True)
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert page.count("<math") == 2
    assert "<msubsup>" in page
