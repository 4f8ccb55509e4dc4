"""The articles of all named networks: as pages in a browser, as LaTeX through pdflatex, as Markdown."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from playwright.sync_api import Browser

from evidence import table
from pellucid.explain.article import Article
from tests.explain.article.articles import NAMES, network
from tests.explain.page.chromium import launched

LARGEST = 3_000_000
WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SECONDS = 300


@dataclass
class Result:
    """What was found for one article."""

    bytes: int = 0
    violations: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    wide: list[int] = field(default_factory=list)
    pages: int = 0
    errors: int = 0
    tables: int = 0
    formulas: int = 0

    @property
    def failed(self) -> bool:
        wrong = (self.violations, self.said, self.asked, self.wide, self.errors)
        return any(wrong) or not self.pages or self.bytes > LARGEST or not self.tables

    def cells(self) -> list[object]:
        """Of the table's row."""
        counts = [len(found) for found in (self.violations, self.said, self.asked, self.wide)]
        verdict = "FAILED" if self.failed else "right"
        return [self.bytes, *counts, self.pages, self.errors, self.tables, self.formulas, verdict]


def viewed(browser: Browser, path: Path, result: Result) -> None:
    """Opens the page wide and narrow, light and dark, and audits it with axe."""
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.on("console", lambda message: result.said.append(message.text))
            page.on("pageerror", lambda error: result.said.append(str(error)))
            page.on("request", lambda request: result.asked.append(request.url))
            page.goto(path.as_uri())
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            if page.evaluate("document.documentElement.scrollWidth") > width:
                result.wide.append(width)
            found = Axe().run(page)
            result.violations += [violation["id"] for violation in found.response["violations"]]
            page.close()
    result.asked = [url for url in result.asked if url != path.as_uri() and not url.startswith("data:")]


def typeset(article: Article, folder: Path, result: Result) -> None:
    """Runs pdflatex twice, and counts pages and errors."""
    article.write(folder / "article.tex")
    for _ in range(2):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "article.tex"],
            cwd=folder, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    text = done.stdout.decode("utf-8", "replace")
    result.errors = len(re.findall(r"^!", text, re.MULTILINE)) + bool(done.returncode)
    pages = re.search(r"\((\d+) pages", text)
    result.pages = int(pages[1]) if pages else 0


def rendered(article: Article, result: Result) -> None:
    """Reads the Markdown, and counts its tables and formulas."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin)
    kinds = [token.type for token in parser.parse(article.markdown())]
    result.tables, result.formulas = kinds.count("table_open"), kinds.count("math_block")


def main() -> int:
    """Write and look at every article, write the table, and return the number of failures."""
    rows: list[list[object]] = []
    failed = 0
    with launched() as browser, tempfile.TemporaryDirectory() as place:
        for name in NAMES:
            article, result, path = network(name).article(), Result(), Path(place) / f"{name}.html"
            article.write(path)
            result.bytes = path.stat().st_size
            viewed(browser, path, result)
            typeset(article, Path(place), result)
            rendered(article, result)
            if result.failed:
                print(name, result, file=sys.stderr)
            failed += result.failed
            rows.append([name, *result.cells()])
    table.write(
        "articles",
        "Articles of networks",
        question=(
            "Each network was written out. The page was opened in headless Chromium, "
            f"{' and '.join(map(str, WIDTHS))} pixels wide, light and dark, with everything unfolded, and "
            f"audited by axe; it may have {LARGEST:,} bytes, say nothing on the console, ask for nothing and "
            "scroll sideways nowhere but inside its parts. The LaTeX went through pdflatex, the Markdown "
            "through markdown-it."
        ),
        counts={"articles": len(rows), "views": len(rows) * len(WIDTHS) * len(SCHEMES), "failures": failed},
        columns=[
            "network", "bytes", "violations", "messages", "requests", "too wide", "pages of PDF",
            "errors of TeX", "tables of Markdown", "formulas of Markdown", "result",
        ],
        rows=rows,
    )  # fmt: skip
    return failed


if __name__ == "__main__":
    sys.exit(main() > 0)
