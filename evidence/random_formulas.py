"""Formulas that nobody foresaw: text, shapes, values and gradients of thousands from a seeded grammar."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping

from evidence import table
from pellucid.errors import PellucidError
from pellucid.formula.check import passed
from pellucid.formula.expression import Node, Read, Reduce, Where, reads, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import Quotient, Remainder
from tests.formula.grammar import draw
from tests.formula.slow import OutOfRange
from tests.formula.verify import verified

DRAWS = 3_000


def _nodes(formula: Formula) -> list[Node]:
    return [n for e in formula.equations for n in walk(e.value)]


def _indexed_by(formula: Formula, kind: type) -> bool:
    indices = (i for n in _nodes(formula) if isinstance(n, Read) for i in n.indices)
    return any(isinstance(atom, kind) for i in indices for atom in i.atoms())


def _reduced_by(formula: Formula, *ops: str) -> bool:
    return any(isinstance(n, Reduce) and n.op in ops for n in _nodes(formula))


def _conditions(formula: Formula, *, on_values: bool) -> bool:
    found = (n.condition for n in _nodes(formula) if isinstance(n, Where))
    return any(on_values == any(True for _ in reads(c)) for c in found)


def _most_reads(formula: Formula) -> int:
    """How often the tensor is read that is read most."""
    return max(Counter(r.tensor for _, r in formula.reads()).values(), default=0)


CONSTRUCTS: Mapping[str, Callable[[Formula], bool]] = {
    "several equations": lambda f: len(f.equations) > 1,
    "sums or means": lambda f: _reduced_by(f, "sum", "mean"),
    "maxima or minima": lambda f: _reduced_by(f, "max", "min"),
    "padding": lambda f: bool(f.padding),
    "floor quotients": lambda f: _indexed_by(f, Quotient),
    "remainders": lambda f: _indexed_by(f, Remainder),
    "conditions on indices": lambda f: _conditions(f, on_values=False),
    "conditions on values": lambda f: _conditions(f, on_values=True),
    "an operand read more than once": lambda f: _most_reads(f) > 1,
    "letters told apart by primes": lambda f: any("'" in letter for letter in f.letters),
}


def main() -> int:
    """Draw and verify, write the table, and return the number of failures."""
    total: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    messages: list[str] = []
    for seed in range(DRAWS):
        case = draw(seed)
        held = [name for name, has in CONSTRUCTS.items() if has(case.formula())]
        total.update(("all", *held))
        try:
            rows = verified(case, seed)
            wrong = "" if passed(rows) else str(rows)
        except (AssertionError, PellucidError, OutOfRange) as error:
            wrong = f"{type(error).__name__} {error}"
        if wrong:
            failed.update(("all", *held))
            messages.append(f"{seed}: {wrong}")
    table.write(
        "random_formulas",
        "Random formulas",
        question="Does each formula of a seeded grammar print to text that parses to it, have the shapes and "
        "values of its definition (worked out term by term in plain Python), and gradients that parse back, "
        "agree with central differences and stay the same when sizes and constants are put in as numbers?",
        counts={"Formulas": total["all"], "Failures": failed["all"]},
        columns=["with", "formulas", "failed"],
        rows=[[name, total[name], failed[name]] for name in ("all", *CONSTRUCTS)],
    )
    print(*messages, sep="\n", file=sys.stderr)
    return failed["all"]


if __name__ == "__main__":
    sys.exit(main() > 0)
