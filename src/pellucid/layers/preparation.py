"""What surrounds a network: its input normalised, labels as targets, answers counted.  Equations, as all."""

from __future__ import annotations

from pellucid.errors import GeometryError
from pellucid.formula.formula import Formula
from pellucid.layers.layer import letters_for

__all__ = ["CONFUSION", "CORRECT", "ONE_HOT", "SQUARED_NORM", "clipping", "normalisation"]

# Rows of targets (N, K) from labels (N,).
ONE_HOT = Formula.parse("y[n,k] = [label[n] == k]")

# The number of images whose largest output is the target's largest element; the first of equals counts.
CORRECT = Formula.parse(
    """
    guess[n] = argmax[k] x[n,k]
    answer[n] = argmax[k] y[n,k]
    correct = sum[n] [guess[n] == answer[n]]
    """
)

# How many images of class a were taken for class k.
CONFUSION = Formula.parse("count[a,k] = sum[n] [label[n] == a] * [guess[n] == k]")

# The sum of squares of one gradient, flattened.
SQUARED_NORM = Formula.parse("norm = sum[d] g[d]^2")


def normalisation(axes: int) -> Formula:
    """``image`` in deviations from the average of its channel or feature, for arrays of this many axes.

    >>> print(normalisation(4))
    x[n,c,i,j] = (image[n,c,i,j]*scale - average[c])/deviation[c]
    """
    letters = letters_for((1,) * axes, "a normalisation")
    if axes < 2:
        raise GeometryError(f"inputs have at least 2 axes, (N, features), not {axes}")
    each = letters.split(",")[1]
    return Formula.parse(f"x[{letters}] = (image[{letters}] * scale - average[{each}]) / deviation[{each}]")


def clipping() -> Formula:
    """A gradient scaled down so that the norm of all gradients together is at most ``limit``."""
    return Formula.parse("clipped[d] = g[d] * minimum(1, limit / (sqrt(total) + 1e-6))")
