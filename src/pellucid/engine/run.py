"""What a run of a network returns: every value and every gradient, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from pellucid.errors import UnknownNameError, UsageError
from pellucid.network import Network

__all__ = ["Gradients", "Run"]

Array = NDArray[Any]


class Gradients(Mapping[str, Array]):
    """Gradients of the loss by name; those that training does not need are computed when first asked for."""

    def __init__(
        self,
        known: Mapping[str, Array],
        others: Mapping[str, str],
        compute: Callable[[], Mapping[str, Array]],
    ) -> None:
        self._known, self._others, self._compute = dict(known), others, compute

    def __getitem__(self, name: str) -> Array:
        if name not in self._known and name in self._others:
            self._known.update(self._compute())
        if name not in self._known:
            none = "the run had neither targets nor upstream gradients"
            there = f"there are {', '.join(self)}" if self else none
            raise UnknownNameError(f"there is no gradient of {name!r}; {there}")
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._others, *(n for n in self._known if n not in self._others)])

    def __len__(self) -> int:
        return len({*self._known, *self._others})


class Run(Mapping[str, Array]):
    """A forward pass and its gradients.

    ``run["conv1"]`` is the output of a layer, ``run["input"]`` the input, ``run["conv1.weight"]`` a
    parameter, ``run.loss`` the loss; ``run.grad["conv1.weight"]``, ``run.grad["conv1"]`` and
    ``run.grad["input"]`` are gradients.
    Intermediate results of a layer's equations stand under ``"layer:name"``, such as ``"maxpool1:y_at"``.
    """

    def __init__(self, network: Network, values: Mapping[str, Array], gradients: Gradients) -> None:
        self.network, self._values, self.grad = network, values, gradients

    @property
    def loss(self) -> float:
        """The loss.

        Raises:
            UsageError: the run had no targets, or the network has no loss.
        """
        if "loss" not in self._values:
            raise UsageError("the run has no loss: the network has none, or no targets were given")
        return float(self._values["loss"])

    @property
    def output(self) -> Array:
        """The last layer's output, shape (N, ...)."""
        return self._values[self.network.output]

    def __getitem__(self, name: str) -> Array:
        if name not in self._values:
            raise UnknownNameError(f"there is no value {name!r}; there are {', '.join(self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
