"""First values of parameters.

He normal before a ReLU (He, Zhang, Ren and Sun, 2015), Glorot uniform elsewhere (Glorot and Bengio, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.formula.expression import Reduce, walk
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index, flat_parts
from pellucid.network.node import Node

__all__ = ["fans", "first_value"]


def first_value(nodes: Sequence[Node], node: Node, operand: str, seed: int) -> NDArray[np.float64]:
    """The first value of one parameter: the same on every machine for the same seed."""
    name, shape = node.parameters[operand]
    init = node.layer.parameters[operand].init
    if not isinstance(init, str):
        return np.full(shape, init)
    key = random.key(seed, "init", name)
    if init == "auto":
        init = "he" if any(n.layer.rectifies for n in nodes if node.name in n.sources) else "glorot"
    inward, outward = fans(node, operand)
    values: NDArray[Any]
    if init == "he":
        values = random.normal(key, shape) * math.sqrt(2 / inward)
    else:
        values = (2 * random.uniform(key, shape) - 1) * math.sqrt(6 / (inward + outward))
    return values


def fans(node: Node, operand: str) -> tuple[int, int]:
    """How many inputs one output sees through a parameter, and how many outputs one input reaches."""
    formula, shape = node.formula, node.ranges.shapes[operand]
    outputs = {s for e in formula.equations for s in target_letters(e)}
    reductions = (n for e in formula.equations for n in walk(e.value) if isinstance(n, Reduce))
    summed = {b.letter for n in reductions for b in n.letters}
    others = (r for _, r in formula.reads() if r.tensor not in node.parameters)
    own = {s for r in others for i in r.indices for s in _letters(i)}
    axes = [(size, set(_letters(i))) for size, i in zip(shape, formula.axes[operand], strict=True)]
    seen = math.prod(size for size, letters in axes if letters & outputs)
    fed = math.prod(size for size, letters in axes if letters & summed & own)
    total = math.prod(shape)
    return max(1, total // seen), max(1, total // fed)


def _letters(index: Index) -> tuple[str, ...]:
    return flat_parts(index) or (index.letter or "",)
