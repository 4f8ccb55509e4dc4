"""The article as LaTeX and Markdown, and as a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.explain.article.content import Number
from pellucid.explain.article.latex import escaped
from pellucid.explain.article.markdown import _shaded
from pellucid.explain.article.words import mantissa
from pellucid.layers import Dense, SoftmaxCrossEntropy
from pellucid.model import Model
from pellucid.network import Network
from tests.explain.article.articles import NAMES, article, network


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_balanced_and_for_any_tex(name: str) -> None:
    text = article(name).latex()
    assert text.startswith("% For pdflatex")
    assert text.rstrip().endswith(r"\end{document}")
    assert text.isascii()
    opened = re.findall(r"\\begin\{(\w+\*?)\}", text)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+\*?)\}", text))
    plain = re.sub(r"\\.", "", text)
    assert plain.count("{") == plain.count("}")
    for node in network(name).nodes:
        assert rf"\texttt{{{escaped(node.name)}}}" in text


@pytest.mark.parametrize("name", NAMES)
def test_markdown_renders(name: str) -> None:
    tokens = _rendered(article(name).markdown())
    kinds = [token.type for token in tokens]
    assert kinds.count("math_block") > 20
    tables = kinds.count("table_open")
    assert tables == len(re.findall(r"^\| --", article(name).markdown(), re.MULTILINE))
    assert tables > 10
    headings = [tokens[place + 1].content for place, kind in enumerate(kinds) if kind == "heading_open"]
    assert {f"`{node.name}`" for node in network(name).nodes} <= {h.split(" ", 1)[1] for h in headings[1:]}


def test_markdown_escapes_what_is_no_markup() -> None:
    text = article("regression").markdown()
    assert text.startswith("# regression & \\<more\\>\n")
    assert not re.search(r"\$\$[^$]*\\[,{}\\]", text)


def _rendered(text: str) -> list:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it is not installed")
    plugins = pytest.importorskip("mdit_py_plugins.dollarmath", reason="its plugins are not installed")
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    return parser.use(plugins.dollarmath_plugin).parse(text)


def test_files_have_the_form_that_their_ending_names(tmp_path: Path) -> None:
    made = article("no-loss")
    for ending, text in ((".html", made.html()), (".tex", made.latex()), (".md", made.markdown())):
        path = tmp_path / f"net{ending}"
        made.write(path)
        assert path.read_text(encoding="utf-8") == text
    made.write(tmp_path / "net.txt", "markdown")
    assert (tmp_path / "net.txt").read_text(encoding="utf-8") == made.markdown()


@pytest.mark.parametrize(("path", "form"), [("net.pdf", None), ("net", None), ("net.md", "pdf")])
def test_other_forms_are_refused(path: str, form: str | None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"html|\.tex"):
        article("no-loss").write(tmp_path / path, form)
    assert not (tmp_path / path).exists()


def test_what_latex_takes_for_commands_is_text() -> None:
    assert escaped(r"a_b\c{50%}~^") == r"a\_b\textbackslash{}c\{50\%\}\textasciitilde{}\textasciicircum{}"
    assert escaped("Ü 中") == r"\texttt{U+00DC} \texttt{U+4E2D}"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (Number(0.0), ("0", 0)),
        (Number(-0.0), ("0", 0)),
        (Number(-12.5), ("-12.5", 0)),
        (Number(0.00099, 2), ("9.9", -4)),
        (Number(-1.5e-7, 3), ("-1.5", -7)),
        (Number(1.23456e12, 3), ("1.23", 12)),
        (Number(1e-4, 1), ("1", -4)),
        (Number(float("nan")), ("nan", 0)),
        (Number(float("-inf")), ("-inf", 0)),
    ],
)
def test_numbers_are_digits_and_a_power_of_ten(number: Number, written: tuple[str, int]) -> None:
    assert mantissa(number) == written


def test_the_name_of_an_image_set_brings_no_lines_and_no_controls() -> None:
    net = Network([Dense(2)], (3,), SoftmaxCrossEntropy())
    row = {"epoch": 1, "loss": 1.0}
    parameters = net.initial_parameters(0)
    model = Model(net, parameters, history=(row,), metadata={"data": "a\n# b\x1b[2J"})
    assert model.article().notes[0].endswith("on the images a\ufffd# b\ufffd[2J.")


def test_what_is_no_number_has_no_shade() -> None:
    assert _shaded(np.array([[1.0, np.nan, 0.5]])) == "```text\n██  ▒▒\n```\n"
