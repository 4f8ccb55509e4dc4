"""docs/articles: for each seed a page that says where each of its formulas is, and where it is imprecise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evidence.seeds.matching import exact, in_case, layer_of
from evidence.seeds.record import Chain, Example, Imprecise, Lines, Said, Seed, Shape, Size
from evidence.seeds.seed_000 import SEED as SEED_000
from evidence.seeds.seed_001 import SEED as SEED_001
from evidence.seeds.seed_002 import SEED as SEED_002
from evidence.seeds.seed_003 import SEED as SEED_003
from evidence.seeds.seed_004 import SEED as SEED_004
from pellucid.formula.expression import reads

__all__ = ["FOLDER", "SEEDS", "chain_of", "contents", "exactly", "page", "write_pages"]

SEEDS: Sequence[Seed] = (SEED_000, SEED_001, SEED_002, SEED_003, SEED_004)
FOLDER = Path(__file__).parents[2] / "docs" / "articles"
Row = Sequence[str]
CONTENTS = """\
# The seeds, regenerated

pellucid grew from five texts, the seeds, that each explain one convolutional network with formulas written
by hand. They are not part of this repository. These pages hold what they state: each formula, with the line
of the seed where it stands, beside the equation that pellucid has or derives, and each place where a seed
is imprecise, with the exact statement.

{table}

`make articles` writes these pages anew. It also trains each network for a moment on real images and writes
its article, with the derivations and with numbers that can be clicked, to `build/articles/`. The tests
compare every formula with pellucid's by structure, show for each imprecise one in what it differs, and
check that the pages are as this command writes them.
"""
HEAD = """\
# Seed {number}

It describes {subject}.
Its text has {length} lines, counted from 1, and is not part of this repository.

Its network is `{network}` here: {layers}.
`make articles` trains it for a moment on real images and writes its article to
`build/articles/seed-{number}.html`; all formulas of that article come from the layers' equations. See
[what the seeds are](README.md) and [the language of formulas](../formulas.md).

## Its formulas, and where the article has them

The formula is in the seed's own letters, in the language of formulas. The equation is the one that pellucid
has or derives, in general letters and, below, in the seed's case: with this network's numbers, or with the
constants that the seed leaves out. With the names of the table below, formula and equation are the same, by
structure.
"""


def write_pages(folder: Path = FOLDER) -> None:
    """Writes the page of each seed, and one that leads to them."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        (folder / f"seed-{seed.number}.md").write_text(page(seed), encoding="utf-8")
    (folder / "README.md").write_text(contents(), encoding="utf-8")


def contents() -> str:
    """The page that leads to the others."""
    rows = [
        (f"[{s.number}](seed-{s.number}.md)", s.subject, f"`{s.network.name}`", *_counts(s)) for s in SEEDS
    ]
    table = _table(("seed", "about", "network", "formulas", "imprecise places"), rows)
    return CONTENTS.format(table="\n".join(table))


def _counts(seed: Seed) -> tuple[str, str]:
    return str(len(seed.formulas)), str(len(seed.imprecise))


def page(seed: Seed) -> str:
    """One seed's page, in Markdown."""
    layers = ", ".join(node.name for node in seed.network.nodes)
    head = HEAD.format(
        number=seed.number,
        subject=seed.subject,
        length=seed.length,
        network=seed.network.name,
        layers=layers,
    )
    return "\n".join([head, *_formulas(seed), *_facts(seed), *_names(seed), *_imprecise(seed)])


def _formulas(seed: Seed) -> Iterator[str]:
    rows = [
        (_lines(s.lines), s.what, _code(s.text), _equation(s, seed), _section(s, seed), s.remark)
        for s in seed.formulas
    ]
    yield from _table(("line", "what", "formula", "equation", "in the article", "beside it"), rows)
    yield ""


def _equation(said: Said, seed: Seed) -> str:
    """Pellucid's equation, with the results inside the layer that it stands for, and in the seed's case."""
    layer, general = layer_of(said, seed), exact(said, seed)
    if said.opened and layer is not None:
        inside = frozenset({general.name, *(read.tensor for read in reads(general.value))})
        equations = dict.fromkeys((*layer.forward.upto(inside).equations, general))
        return "<br>".join(_code(repr(equation)) for equation in equations)
    case = in_case(general, said, layer)
    return "<br>".join(_code(text) for text in dict.fromkeys((repr(general), repr(case))))


def _section(said: Said, seed: Seed) -> str:
    title, name = said.where.section(layer_of(said, seed))
    return ", ".join(part for part in (title, _code(name) if name else "") if part)


def _facts(seed: Seed) -> Iterator[str]:
    rows = [
        *((s.lines, *_shape(s)) for s in seed.shapes),
        *((s.lines, *_size(s)) for s in seed.sizes),
        *((c.lines, *_chain(c, seed)) for c in seed.chains),
        *((e.lines, *_example(e)) for e in seed.examples),
    ]  # fmt: skip
    if rows:
        yield "## Sizes, shapes, charts and examples"
        yield ""
        yield from _table(
            ("line", "in the seed", "in pellucid"), [(_lines(a), b, c) for a, b, c in sorted(rows)]
        )
        yield ""


def _shape(shape: Shape) -> tuple[str, str]:
    sizes = ", ".join(f"{letter} takes {size} values" for letter, size in shape.sizes.items())
    return f"shape: {shape.text}", f"{shape.step}, {_code(shape.element)}: {sizes}"


def _size(size: Size) -> tuple[str, str]:
    return (
        f"{size.what}: {_code(size.text)}",
        "solved from the equation's index ranges; equal for all sizes tried",
    )


def _chain(chain: Chain, seed: Seed) -> tuple[str, str]:
    arrow = " ← " if chain.backward else " → "
    return f"chart: {arrow.join(chain.kinds)}", arrow.join(chain_of(seed))


def chain_of(seed: Seed) -> list[str]:
    """The kinds of the network's layers, and the softmax in its loss."""
    return [*(node.layer.kind for node in seed.network.nodes), "softmax"]


def _example(example: Example) -> tuple[str, str]:
    given = f"image {_matrix(example.image)}, filter {_matrix(example.kernel)}, at its first place"
    return given, f"`Conv2D` gives {example.value:g}, then `ReLU` {example.rectified:g}, as the seed says"


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    return "[" + "; ".join(" ".join(f"{v:g}" for v in row) for row in rows) + "]"


def _names(seed: Seed) -> Iterator[str]:
    yield "## What its names stand for"
    yield ""
    known: dict[str, tuple[list[str], str, str]] = {}
    for said in seed.formulas:
        names = said.names
        tensors = ", ".join(f"{_code(mine)} is {_code(theirs)}" for mine, theirs in names.tensors.items())
        letters = ", ".join(f"{mine} is {theirs}" for mine, theirs in names.letters.items())
        lines, *_ = known.setdefault(str(names), ([], tensors, letters or "the same"))
        lines.append(_lines(said.lines))
    rows = [(", ".join(lines), tensors, letters) for lines, tensors, letters in known.values()]
    yield from _table(("lines", "tensors, element by element", "letters"), rows)
    yield ""


def _imprecise(seed: Seed) -> Iterator[str]:
    yield "## Where it is imprecise"
    yield ""
    rows = [
        (_lines(i.lines), i.what, _stands(i), exactly(i, seed), i.differs.value)
        for i in sorted(seed.imprecise, key=lambda i: i.lines)
    ]
    yield from _table(("line", "what is imprecise", "as it stands", "exactly", "so that"), rows)
    yield ""


def _stands(imprecise: Imprecise) -> str:
    if imprecise.size is not None:
        return _code(imprecise.size.text)
    return _code(imprecise.said.text) if imprecise.said is not None and imprecise.said.text else ""


def exactly(imprecise: Imprecise, seed: Seed) -> str:
    """The exact statement."""
    if imprecise.said is None:
        return imprecise.exact
    equation = _code(repr(exact(imprecise.said, seed)))
    return (imprecise.exact or "{}").format(equation)


def _lines(lines: Lines) -> str:
    first, last = lines
    return str(first) if first == last else f"{first} to {last}"


def _code(text: str) -> str:
    return f"`{text}`"


def _table(headings: Row, rows: Sequence[Row]) -> Iterator[str]:
    for row in (headings, ["---"] * len(headings), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
