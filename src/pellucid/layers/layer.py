"""What every layer is: equations, the parameters that they read, and nothing else."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pellucid.errors import GeometryError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.options import OptionError, number

__all__ = ["LETTERS", "Layer", "Loss", "Parameter", "letters_for", "rank_checked"]

# What a public name may be; a parameter's may be empty.
NAME = re.compile(r"([A-Za-z][A-Za-z0-9_]*)?")
# The index letters of a tensor with this many axes, where a formula writes "...".
LETTERS: Mapping[int, str] = {
    1: "n", 2: "n,d", 3: "n,c,i", 4: "n,c,i,j", 5: "n,c,f,i,j", 6: "n,c,f,g,i,j", 7: "n,c,f,g,h,i,j",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """A trained array that a formula reads.

    Attributes:
        axes: an index letter for each axis; their extents are its shape.
        init: the first value: a number, "he" (normal), "glorot" (uniform), or "auto": He before a ReLU,
            Glorot elsewhere.
        name: public name, such as "weight"; the formula's own if empty.
    """

    axes: tuple[str, ...] | str
    init: float | str = "auto"
    name: str = ""

    def __post_init__(self) -> None:
        letters = (self.axes,) if isinstance(self.axes, str) else self.axes
        if not isinstance(letters, Sequence) or not all(isinstance(a, str) for a in letters):
            raise OptionError("axes", 'index letters such as ("k", "c") or "k,c"', self.axes)
        object.__setattr__(self, "axes", ",".join(letters))
        if not isinstance(self.init, str):
            object.__setattr__(self, "init", number(self.init, "init"))
        elif self.init not in ("auto", "he", "glorot"):
            raise OptionError("init", 'a number, "auto", "he" or "glorot"', self.init)
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise OptionError("name", "made of letters, digits and underscores", self.name)

    @property
    def letters(self) -> str:
        """The index letters with commas between them."""
        return str(self.axes)


def letters_for(shape: Shape, what: str) -> str:
    """The letters of a tensor of this shape.

    Raises:
        GeometryError: there are more than seven axes.
    """
    if len(shape) not in LETTERS:
        raise GeometryError(f"{what} takes inputs of 1 to {max(LETTERS)} axes, not the shape {shape}")
    return LETTERS[len(shape)]


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """An immutable description of a layer.

    Attributes:
        name: its name in a network; automatic (``conv1``) if None.
        inputs: names of the layers or inputs that it reads; the layer before it if None.
        shares: name of an earlier layer whose parameters this one uses too; gradients of all uses are summed.
    """

    kind: ClassVar[str]
    # Whether the layer keeps about half of what it reads, for which He's initial values are made.
    rectifies: ClassVar[bool] = False

    name: str | None = field(default=None)
    inputs: tuple[str, ...] | None = field(default=None)
    shares: str | None = field(default=None)

    @property
    def operands(self) -> tuple[str, ...]:
        """What the formula calls its inputs, in order."""
        return ("x",)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The trained arrays, by the name that the formula uses."""
        return {}

    @property
    def noise(self) -> Mapping[str, float]:
        """Random masks that the formula reads while training, each with its probability of 1."""
        return {}

    @abstractmethod
    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        """The equations for inputs of these shapes, N first.

        Raises:
            GeometryError: the layer cannot take such inputs.
        """


@dataclass(frozen=True, kw_only=True)
class Loss(ABC):
    """A scalar of a network's output ``x`` and of targets ``y``; `weighted` adds a weight for each image."""

    kind: ClassVar[str]
    classification: ClassVar[bool] = False

    @abstractmethod
    def formula(self, shape: Shape, *, weighted: bool = False) -> Formula:
        """Equations of ``loss`` for outputs ``x`` of this shape, targets ``y``, and perhaps ``weight[n]``."""


def rank_checked(shape: Shape, rank: int, layer: str) -> None:
    """Raises a GeometryError unless the shape has this many axes."""
    if len(shape) != rank:
        wanted = {2: "(N, features)", 4: "(N, C, H, W)"}.get(rank, f"{rank} axes")
        raise GeometryError(f"{layer} takes inputs of shape {wanted}, not {shape}")
