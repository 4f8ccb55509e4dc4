"""What a seed says: its formulas, sizes and shapes, where they stand, and where they are imprecise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from evidence.seeds.generated import Generated
from pellucid.network import Network

__all__ = [
    "Chain",
    "Differs",
    "Example",
    "Imprecise",
    "Lines",
    "Names",
    "Said",
    "Seed",
    "Shape",
    "Size",
    "lacking",
    "stands",
]

# First and last line of a seed's text, counted from 1.
Lines = tuple[int, int]


@dataclass(frozen=True)
class Names:
    """What a seed's names stand for in one layer of the network.

    Attributes:
        step: the layer's name, or "loss"; empty where no layer is meant.
        tensors: an element of the seed's tensor and the same element of the layer's: ``{"W[d,k]": "w[k,d]"}``
            says that the seed stores the weights the other way round, ``{"z[i,j]": "y[0,k,i,j]"}`` that it
            writes neither image nor filter, ``{"z[i]": "x[0,i - 1]"}`` that it counts from 1.
        letters: the seed's index letters, sizes and constants, and the layer's.
    """

    step: str
    tensors: Mapping[str, str]
    letters: Mapping[str, str] = field(default_factory=dict)

    def read(self, **letters: str) -> Names:
        """The same with other letters, where another formula of the seed uses them in another way."""
        return replace(self, letters={**self.letters, **letters})


@dataclass(frozen=True)
class Said:
    """A formula of a seed that is one of pellucid's.

    Attributes:
        lines: where it stands.
        what: what it says, in a few words.
        text: the seed's equation in its own letters.
        names: what these stand for.
        where: the equation of pellucid's that it is.
        special: constants and sizes of the layer that are put in to have the seed's case, such as
            ``{"a": "1"}``; all numbers of the network are put in, if this is None.
        opened: whether results inside the layer are replaced by their definitions on both sides.
        remark: what has to be known beside it.
    """

    lines: Lines
    what: str
    text: str
    names: Names
    where: Generated
    special: Mapping[str, str] | None = None
    opened: bool = False
    remark: str = ""


def stands(text: str, names: Names, where: Generated, special: Mapping[str, str] | None = None) -> Said:
    """A formula as it stands, and the exact one."""
    return Said((0, 0), "", text, names, where, special)


def lacking(names: Names, where: Generated, special: Mapping[str, str] | None = None) -> Said:
    """No formula, where there should be this one."""
    return stands("", names, where, special)


class Differs(Enum):
    """In what a seed's formula, as it stands, is not the exact one; the tests show each."""

    VALUE = "it has another value"
    OUTSIDE = "it reads elements that there are not"
    LETTER = "a letter on its right side is neither summed nor on its left side"
    CLASH = "one letter means two things in it"
    ROLES = "one letter means other things in other places"
    SIZE = "it gives another size"
    FLOAT = "it has no finite value for large numbers"
    MISSING = "there is no formula of it"
    UNSAID = "it is not said"


@dataclass(frozen=True)
class Imprecise:
    """A place where a seed is wrong, incomplete or ambiguous, and the exact statement.

    Attributes:
        lines: where it stands.
        what: in what it is imprecise.
        differs: how the tests show it.
        said: the formula as it stands, or none where there should be one, with the exact equation.
        size: of a formula that gives a size.
        symbol: the letter, if it is one with several roles.
        network: another network in which it shows.
        exact: the exact statement; ``{}`` in it is the exact equation of `said`, printed.
    """

    lines: Lines
    what: str
    differs: Differs
    said: Said | None = None
    size: Size | None = None
    symbol: str = ""
    network: Network | None = None
    exact: str = ""


@dataclass(frozen=True)
class Shape:
    """The shape that a seed gives to a tensor: numbers, or names of sizes.

    Attributes:
        lines: where it stands.
        text: as it is written.
        element: an element of the tensor, in the layer's names, with a letter for each axis of the seed's.
        sizes: letters of `element` and the sizes that the seed gives.
        step: the layer.
    """

    lines: Lines
    text: str
    element: str
    sizes: Mapping[str, int | str]
    step: str


@dataclass(frozen=True)
class Size:
    """A formula for the rows of a convolution's output.

    Attributes:
        lines: where it stands.
        what: in a few words.
        text: the formula, in the seed's letters.
        letters: these, and H rows of input, U rows of kernel, stride s and padding p.
        padding: what p is, in the seed's letters; any number, if empty.
        strides, kernels: for which it is said to hold.
    """

    lines: Lines
    what: str
    text: str
    letters: Mapping[str, str] = field(default_factory=dict)
    padding: str = ""
    strides: Sequence[int] = (1,)
    kernels: Sequence[int] = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Chain:
    """Layers in the order in which a seed's chart has them, by their kinds.

    Attributes:
        lines: where it stands.
        kinds: forward, from input to output; "softmax" is part of the network's loss.
        missing: positions in the network's own chain of what the chart leaves out.
        backward: whether the chart goes from the loss to the input.
    """

    lines: Lines
    kinds: Sequence[str]
    missing: Sequence[int] = ()
    backward: bool = False


@dataclass(frozen=True)
class Example:
    """A number that a seed works out: the first element of the convolution of an image with one filter."""

    lines: Lines
    image: Sequence[Sequence[float]]
    kernel: Sequence[Sequence[float]]
    value: float
    rectified: float


@dataclass(frozen=True)
class Seed:
    """All that one seed says.

    Attributes:
        number: "000" to "004".
        subject: what it is about, in a few words.
        network: for which the formulas are compared, and of which the article is.
        images: how many it is about at a time: 1, or 2 for any number.
        length: lines of its text.
        formulas, shapes, sizes, chains, examples: what it says that is one of pellucid's.
        imprecise: what is not.
        notation: other lines with mathematics in them, and what stands there.
    """

    number: str
    subject: str
    network: Network
    images: int
    length: int
    formulas: Sequence[Said]
    shapes: Sequence[Shape]
    sizes: Sequence[Size]
    chains: Sequence[Chain]
    examples: Sequence[Example]
    imprecise: Sequence[Imprecise]
    notation: Mapping[Lines, str]
