"""Values that are never needed at the same time share their place, so that a pass stays in a small cache.

Only tensors whose storage is nothing but their elements may share: around others lie zeros, which must stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import Nest
from pellucid.formula.expression import Read, reads

__all__ = ["sharing"]


def sharing(nests: Sequence[Nest], tensors: Mapping[str, Tensor], fixed: frozenset[str]) -> dict[str, str]:
    """For each tensor that takes the place of one that is no longer needed, the first one in that place.

    Args:
        nests: of a pass, in order.
        tensors: storage of what they name.
        fixed: tensors with a place of their own.
    """
    last = {r.tensor: number for number, nest in enumerate(nests) for r in nest.accesses}
    owner: dict[str, str] = {}
    free: list[str] = []
    begun: list[str] = []
    for number, nest in enumerate(nests):
        for target in (r for r in nest.written if r.tensor not in begun):
            name = target.tensor
            if not _plain(name, tensors, fixed):
                continue
            ending = [s for s in begun if last[s] == number and _in_place(s, nest, target, tensors)]
            place = next((s for s in [*ending, *free] if tensors[s].size == tensors[name].size), None)
            begun.append(name)
            if place is not None:
                owner[name] = owner.get(place, place)
                begun.remove(place)
                free = [s for s in free if s != place]
        free += [s for s in begun if last[s] == number]
    return owner


def _plain(name: str, tensors: Mapping[str, Tensor], fixed: frozenset[str]) -> bool:
    return name not in fixed and name in tensors and math.prod(tensors[name].shape) == tensors[name].size > 1


def _in_place(name: str, nest: Nest, target: Read, tensors: Mapping[str, Tensor]) -> bool:
    """Whether each cell reads of a tensor just the element that its last store would overwrite."""
    if target != nest.written[-1] or (nest.op != "map" and any(r.tensor == name for r in reads(nest.body))):
        return False
    alike = tensors[name].strides == tensors[target.tensor].strides
    seen = [r for v in nest.values for r in reads(v) if r.tensor == name]
    return alike and all(r.indices == target.indices for r in seen)
