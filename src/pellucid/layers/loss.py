"""Losses.  Source: seed 000 step 9, seed 001 §2, seed 003 "Softmax + Cross Entropy", seed 004 §3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Loss, letters_for, rank_checked
from pellucid.layers.options import fraction

__all__ = ["MeanSquaredError", "SoftmaxCrossEntropy"]

MEAN = "loss = mean[n] l[n]"
WEIGHTED = "a = sum[r] weight[r]\nloss = sum[n] weight[n] * l[n] / a"


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of logits (N, K) against rows of probabilities (N, K).

    The mean over images, computed from the logits by log-sum-exp: logits of any size give finite losses.

    Args:
        label_smoothing: share of each target that is spread evenly over all classes.

    Its gradient by the logits, as it is derived:

    >>> from pellucid.formula.derive import derive
    >>> from pellucid.formula.expression import Num
    >>> derive(SoftmaxCrossEntropy().formula((1, 10)), ["x"], upstream=Num(1)).equation("x")
    dx[n,k] = (prob[n,k] - y[n,k])/N
    """

    kind: ClassVar[str] = "softmax-cross-entropy"
    classification: ClassVar[bool] = True

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "label_smoothing", fraction(self.label_smoothing, "label_smoothing"))

    def formula(self, shape: Shape, *, weighted: bool = False) -> Formula:
        rank_checked(shape, 2, "SoftmaxCrossEntropy")
        smooth = "q[n,k] = (1 - smoothing) * y[n,k] + smoothing / K" if self.label_smoothing else ""
        target = "q" if smooth else "y"
        return Formula.parse(
            f"""
            {smooth}
            shift m[n] = max[k] x[n,k]
            e[n,k] = exp(x[n,k] - m[n])
            t[n] = sum[k] e[n,k]
            prob[n,k] = e[n,k] / t[n]
            l[n] = sum[k] {target}[n,k] * (m[n] + log(t[n]) - x[n,k])
            {_total(weighted)}
            assume sum[k] {target}[n,k] = 1
            """,
            constants={"smoothing": self.label_smoothing} if smooth else {},
        )


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The mean of squared differences over all images and outputs.  For regression (seed 002).

    >>> print(MeanSquaredError().formula((1, 3)))
    l[n] = mean[d] (x[n,d] - y[n,d])^2
    loss = mean[n] l[n]
    """

    kind: ClassVar[str] = "mean-squared-error"

    def formula(self, shape: Shape, *, weighted: bool = False) -> Formula:
        letters = letters_for(shape, "MeanSquaredError")
        rest = letters.partition(",")[2]
        each = f"mean[{rest}] (x[{letters}] - y[{letters}])^2" if rest else "(x[n] - y[n])^2"
        return Formula.parse(f"l[n] = {each}\n{_total(weighted)}")


def _total(weighted: bool) -> str:
    return WEIGHTED if weighted else MEAN
