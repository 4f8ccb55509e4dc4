"""Optimisers: how a parameter moves along its gradient.  Equations, as PyTorch defines them.

In each formula ``p[d]`` is an element of the parameters, ``g[d]`` its gradient, ``rate`` the learning rate
and ``t`` the number of the step, from 1; ``new_p[d]`` takes the place of ``p[d]``, and each state's
``new_s[d]`` that of ``s[d]``, which is 0 at first.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from pellucid.engine import Update
from pellucid.errors import UsageError, unknown
from pellucid.formula.formula import Formula
from pellucid.layers.options import is_number

__all__ = ["OPTIMISERS", "SGD", "Adam", "AdamW", "Momentum", "Nesterov", "Optimiser", "optimiser"]

# Weight decay as a part of the gradient: that of decay/2 times the sum of squares.
_DECAYED = "decayed[d] = g[d] + decay * p[d]\n"


# What options must be.  Nothing may be divided by 0: with gradients of 0 an update changes nothing.
_ANY: tuple[str, Callable[[float], bool]] = ("finite and at least 0", lambda value: 0 <= value < math.inf)
_SHARE: tuple[str, Callable[[float], bool]] = ("at least 0 and less than 1", lambda value: 0 <= value < 1)
_DEMANDS = {
    **dict.fromkeys(("momentum", "beta1", "beta2"), _SHARE),
    "epsilon": ("finite and above 0", lambda value: 0 < value < math.inf),
}


@dataclass(frozen=True)
class Optimiser(ABC):
    """An immutable description; the options are named constants of its equations."""

    name: ClassVar[str]
    # The learning rate where none is asked for.
    rate: ClassVar[float]
    states: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            wanted, fits = _DEMANDS.get(option.name, _ANY)
            if not (is_number(value) and fits(value)):
                raise UsageError(f"{self.name}: {option.name} is {wanted}, not {value!r}")

    @abstractmethod
    def equations(self) -> str:
        """In the language of formulas; constants have the names of the options."""

    @property
    def formula(self) -> Formula:
        """The equations with their constants.

        >>> print(Momentum().formula)
        new_velocity[d] = momentum*velocity[d] + g[d]
        new_p[d] = p[d] - rate*new_velocity[d]
        """
        source = self.equations()
        named = {"weight_decay": "decay"}
        constants = {named.get(k, k): float(v) for k, v in asdict(self).items()}
        return Formula.parse(source, constants={k: v for k, v in constants.items() if k in source})

    @property
    def update(self) -> Update:
        """What an engine is given."""
        return Update(self.formula, self.states)

    def options(self) -> dict[str, Any]:
        """The optimiser in JSON's types, as `optimiser` takes it."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class SGD(Optimiser):
    """Stochastic gradient descent.  Source: seeds 000 to 004.

    Args:
        weight_decay: factor of the parameter that is added to its gradient.
    """

    name: ClassVar[str] = "sgd"
    rate: ClassVar[float] = 0.05

    weight_decay: float = 0.0

    def equations(self) -> str:
        if self.weight_decay:
            return _DECAYED + "new_p[d] = p[d] - rate * decayed[d]"
        return "new_p[d] = p[d] - rate * g[d]"


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Gradient descent along a running sum of gradients.  Source: torch.optim.SGD.

    Args:
        momentum: share of the velocity that is kept at each step.
        weight_decay: factor of the parameter that is added to its gradient.
    """

    name: ClassVar[str] = "momentum"
    rate: ClassVar[float] = 0.02
    states: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = 0.9
    weight_decay: float = 0.0

    def equations(self) -> str:
        g = "decayed" if self.weight_decay else "g"
        return (_DECAYED if self.weight_decay else "") + (
            f"""
            new_velocity[d] = momentum * velocity[d] + {g}[d]
            new_p[d] = p[d] - rate * new_velocity[d]
            """
        )


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum that looks one step ahead.  Source: torch.optim.SGD with nesterov=True."""

    name: ClassVar[str] = "nesterov"

    def equations(self) -> str:
        g = "decayed" if self.weight_decay else "g"
        return (_DECAYED if self.weight_decay else "") + (
            f"""
            new_velocity[d] = momentum * velocity[d] + {g}[d]
            new_p[d] = p[d] - rate * ({g}[d] + momentum * new_velocity[d])
            """
        )


@dataclass(frozen=True)
class Adam(Optimiser):
    """Steps of about one rate each, from running means of the gradient and of its square.

    Source: Kingma and Ba, "Adam", 2015; torch.optim.Adam.

    Args:
        beta1: share of the running mean of gradients that is kept at each step.
        beta2: share of the running mean of squares that is kept at each step.
        epsilon: added to the square root, so that nothing is divided by 0.
        weight_decay: factor of the parameter that is added to its gradient.
    """

    name: ClassVar[str] = "adam"
    rate: ClassVar[float] = 0.003
    states: ClassVar[tuple[str, ...]] = ("first", "second")

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def equations(self) -> str:
        return _DECAYED + _adam("decayed", "p[d]") if self.weight_decay else _adam("g", "p[d]")


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with the weight decay apart from the gradient.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; torch.optim.AdamW.

    Args:
        beta1: share of the running mean of gradients that is kept at each step.
        beta2: share of the running mean of squares that is kept at each step.
        epsilon: added to the square root, so that nothing is divided by 0.
        weight_decay: share by which, times the rate, a parameter shrinks at each step.
    """

    name: ClassVar[str] = "adamw"

    weight_decay: float = 0.01

    def equations(self) -> str:
        return _adam("g", "p[d] * (1 - rate * decay)" if self.weight_decay else "p[d]")


def _adam(gradient: str, parameter: str) -> str:
    return f"""
        new_first[d] = beta1 * first[d] + (1 - beta1) * {gradient}[d]
        new_second[d] = beta2 * second[d] + (1 - beta2) * {gradient}[d]^2
        new_p[d] = {parameter} - rate / (1 - beta1^t) *
                   new_first[d] / (sqrt(new_second[d]) / sqrt(1 - beta2^t) + epsilon)
        """


OPTIMISERS: Mapping[str, type[Optimiser]] = {o.name: o for o in (SGD, Momentum, Nesterov, Adam, AdamW)}


def optimiser(kind: object, **options: float | None) -> Optimiser:
    """An optimiser by its name, or one that exists, with some of its options changed.

    Args:
        kind: a name, an optimiser, or what `Optimiser.options` gave.
        options: those that are None stay as they are.

    Raises:
        UsageError: there is none of that name, it has no such option, or `kind` is none of these.

    >>> optimiser("momentum", momentum=0.8, weight_decay=None)
    Momentum(momentum=0.8, weight_decay=0.0)
    >>> optimiser("sgd", momentum=0.8)
    Traceback (most recent call last):
    pellucid.errors.UsageError: the optimiser sgd has no option momentum; it has weight_decay
    """
    if isinstance(kind, Mapping):
        given = dict(kind)
        return optimiser(given.pop("name"), **given)
    if isinstance(kind, str):
        if kind not in OPTIMISERS:
            raise unknown("optimiser", kind, OPTIMISERS)
        kind = OPTIMISERS[kind]()
    if not isinstance(kind, Optimiser):
        raise UsageError(f"an optimiser or its name was expected, not {kind!r}")
    known = [f.name for f in fields(kind)]
    changed = {name: value for name, value in options.items() if value is not None}
    for name in changed:
        if name not in known:
            raise UsageError(f"the optimiser {kind.name} has no option {name}; it has {', '.join(known)}")
    return replace(kind, **changed)
