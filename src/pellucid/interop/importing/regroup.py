"""Reshaping as an equation: axes flattened and taken apart again, each only where it must be."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.formula.ranges import Shape

__all__ = ["groups", "regrouping"]

# Index letters before and after; neither holds n, f (the flat vector), x or y.
BEFORE, AFTER = "abcdeghi", "jklmopqr"


def groups(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]]:
    """The axes before and after that have as many elements, as few together as possible.

    >>> groups((9, 4, 4), (3, 3, 4, 4))
    [([0], [0, 1]), ([1], [2]), ([2], [3])]
    """
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(before) and j < len(after):
        left, right = [i], [j]
        here, there = before[i], after[j]
        i, j = i + 1, j + 1
        while here != there:
            if here < there:
                left.append(i)
                here *= before[i]
                i += 1
            else:
                right.append(j)
                there *= after[j]
                j += 1
        found.append((left, right))
    found[-1][0].extend(range(i, len(before)))
    found[-1][1].extend(range(j, len(after)))
    return found


def regrouping(before: Shape, after: Shape) -> tuple[str, dict[str, int]]:
    """An equation of ``y`` in ``x``, and its constants.

    >>> regrouping((9, 4), (3, 3, 4))
    ('y[n,j,k,l] = x[n,(j,k),l]', {'J': 3, 'K': 3, 'L': 4})
    """
    if not before or not after:
        return f"y[{_listed('n', AFTER[: len(after)])}] = x[{_listed('n', '0' * len(before))}]", {
            AFTER[axis].upper(): 1 for axis in range(len(after))
        }
    joined = groups(before, after)
    constants = {AFTER[axis].upper(): size for axis, size in enumerate(after)}
    if all(len(left) == 1 for left, _ in joined):
        reads = [_flat(AFTER, right) for _, right in joined]
        return f"y[{_listed('n', AFTER[: len(after)])}] = x[{_listed('n', reads)}]", constants
    flat = _listed("n", [_flat(BEFORE, left) for left, _ in joined])
    first = f"[{flat}] = x[{_listed('n', BEFORE[: len(before)])}]"
    if all(len(right) == 1 for _, right in joined):
        return f"y{first}", {}
    reads = [_flat(AFTER, right) for _, right in joined]
    return f"f{first}\ny[{_listed('n', AFTER[: len(after)])}] = f[{_listed('n', reads)}]", constants


def _flat(letters: str, axes: Sequence[int]) -> str:
    named = [letters[axis] for axis in axes]
    return named[0] if len(named) == 1 else f"({','.join(named)})"


def _listed(first: str, rest: Sequence[str]) -> str:
    return ",".join([first, *rest])
