"""Samples to learn from, each once, in an order that depends on nothing but themselves.

Equal samples become one, whose weight is the sum of theirs, and those of weight 0 go.  So a sample that is
given twice is one of weight 2, a sample of weight 0 is one that was not given, and the order in which samples
are given does not matter: such sets are the same set here, and give the same network, bit for bit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distinct", "distinct"]

Array = NDArray[Any]
_BYTES = 16  # of a fingerprint; two samples have the same one by chance once in 10**38 pairs


@dataclass(frozen=True, eq=False)
class Distinct:
    """Samples that all differ, in the order of their fingerprints.

    Attributes:
        rows: (N, features), the pixels.
        targets: (N, ...).
        weights: (N,) float64, above 0; None if all are alike.
    """

    rows: Array
    targets: Array
    weights: Array | None

    def __len__(self) -> int:
        return len(self.rows)


def distinct(rows: Array, targets: Array, weights: Array) -> Distinct:
    """The different samples among these.

    Args:
        rows: (N, features), the pixels.
        targets: (N, ...).
        weights: (N,), at least 0.

    >>> rows, labels = np.array([[5], [7], [5], [6]]), np.array([1, 0, 1, 0])
    >>> found = distinct(rows, labels, np.array([1.0, 2.0, 1.0, 0.0]))
    >>> sorted(found.rows.tolist()), found.weights
    ([[5], [7]], None)
    """
    kept = np.flatnonzero(weights)
    prints = b"".join(_fingerprint(rows[n], targets[n]) for n in kept.tolist())
    names = np.frombuffer(prints, f"S{_BYTES}")
    _, first, group = np.unique(names, return_index=True, return_inverse=True)
    totals = np.bincount(group, weights[kept])
    at = kept[first]
    alike = bool((totals == totals[0]).all())
    return Distinct(rows[at], targets[at], None if alike else totals)


def _fingerprint(row: Array, target: Array) -> bytes:
    """Of the numbers, whatever their types; 0 is added so that -0 is 0."""
    digest = hashlib.blake2b((row.astype(np.float64) + 0.0).data, digest_size=_BYTES)
    digest.update((target.astype(np.float64) + 0.0).tobytes())
    return digest.digest()
