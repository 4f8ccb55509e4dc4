"""What a run of a network returns: every value and every gradient, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.program import Program
from pellucid.errors import UnknownNameError, UsageError
from pellucid.layers.options import is_whole
from pellucid.network import INPUT, Network

if TYPE_CHECKING:
    from pellucid.explain import Animation, Explainer, Explanation, StepExplanation, Uses
    from pellucid.figures import Figure

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
            none = "the run had neither targets (--label) nor upstream gradients"
            there = f"there are {', '.join(self)}" if self else none
            raise UnknownNameError(f"there is no gradient of {name!r}; {there}")
        return self._known[name]

    @property
    def known(self) -> Mapping[str, Array]:
        """Those that have been computed."""
        return MappingProxyType(self._known)

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

    def __init__(
        self,
        program: Program,
        values: Mapping[str, Array],
        gradients: Gradients,
        upstream: Mapping[str, Array] = MappingProxyType({}),
    ) -> None:
        self.program, self._values, self.grad, self.upstream = program, values, gradients, upstream

    def __repr__(self) -> str:
        from pellucid.engine.overview import as_line

        return as_line(self)

    def _repr_html_(self) -> str:
        from pellucid.engine.overview import as_html

        return as_html(self)

    @property
    def network(self) -> Network:
        return self.program.network

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the input, and of all that is computed from it."""
        return self._values[INPUT].dtype

    @property
    def loss(self) -> float:
        """The loss.

        Raises:
            UsageError: the run had no targets, or the network has no loss.
        """
        if "loss" not in self._values:
            raise UsageError("the run has no loss: the network has none, or no targets (--label) were given")
        return float(self._values["loss"])

    @property
    def output(self) -> Array:
        """The last layer's output, shape (N, ...)."""
        return self._values[self.network.output]

    def explain(self, reference: str, *, most: int | None = 12) -> Explanation:
        """Where one number comes from: its equation, each term with what it reads, the sum and the bound.

        Args:
            reference: an element of a value, such as ``"conv1[0,3,12,7]"``, ``"loss"`` or, inside a layer or
                loss, ``"loss:prob[0,1]"``; or of a gradient, such as ``"conv1.weight.grad[3,0,1,1]"``. What
                an explanation's terms read are references in turn.
            most: how many terms are listed one by one, the largest first; None for all.

        Raises:
            UsageError: there is no such number; the sentence says why.

        >>> from pellucid.layers import Conv2D
        >>> x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
        >>> weight = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
        >>> net = Network([Conv2D(1, 2, bias=False)], (1, 3, 3))
        >>> print(net.run(x, parameters={"conv1.weight": weight}).explain("conv1[0,0,1,0]"))
        conv1[0,0,1,0] = -4
        <BLANKLINE>
          y[n,k,i,j] = sum[c,u,v] w[k,c,u,v]*x[n,c,s*i + a*u - p,s*j + a*v - q]
          with y = conv1, w = conv1.weight, x = input, a = 1, p = 0, q = 0, s = 1
          conv1[0,0,1,0] = sum[u<2,v<2] conv1.weight[0,0,u,v]*input[0,0,1 + u,v]
        <BLANKLINE>
          -8  conv1.weight[0,0,1,1]*input[0,0,2,1]  conv1.weight[0,0,1,1] = -1, input[0,0,2,1] = 8
           4  conv1.weight[0,0,0,0]*input[0,0,1,0]  conv1.weight[0,0,0,0] = 1, input[0,0,1,0] = 4
          2 terms vanish: a factor is 0
            conv1.weight[0,0,0,1]*input[0,0,1,1]: conv1.weight[0,0,0,1] is 0
            conv1.weight[0,0,1,0]*input[0,0,2,0]: conv1.weight[0,0,1,0] is 0
          sum -4, in the run -4, difference 0
          within the bound 2.29e-05
        """
        return self._explainer.explain(reference, most)

    def uses(self, reference: str, *, most: int | None = 12) -> Uses:
        """What is computed from one number: each element that reads it, with the term in which it stands.

        Values are followed forward to the loss, gradients backward to the input.

        Args:
            reference: as for `explain`.
            most: how many uses are listed, those with the largest terms first; None for all.

        Raises:
            UsageError: there is no such number; the sentence says why.

        >>> from pellucid.layers import MaxPool2D
        >>> run = Network([MaxPool2D(2)], (1, 2, 2)).run(np.array([[[[1.0, 5.0], [3.0, 4.0]]]]))
        >>> print(run.uses("input[0,0,1,1]"))
        input[0,0,1,1] is used once
          4  maxpool1[0,0,0,0]  input[0,0,1,1] (vanishes: 4 is not the largest, 5)
        """
        return self._explainer.uses(reference, most)

    def explain_step(
        self, reference: str, rate: float, *, optimiser: object = "sgd",
        states: Mapping[str, Array] = MappingProxyType({}), t: int = 1,
    ) -> StepExplanation:  # fmt: skip
        """How one step of an optimiser changes one weight: old value, gradient, learning rate, new value.

        Args:
            reference: an element of a parameter, such as ``"conv1.weight[3,0,1,1]"``.
            rate: learning rate.
            optimiser: its name, or one such as ``pellucid.Adam()``.
            states: the optimiser's states before the step, by names such as ``"conv1.weight:velocity"``; 0 if
                they are not given, as before the first step.
            t: number of the step, from 1.

        Raises:
            UsageError: there is no such parameter or optimiser, or the run has no gradients.

        >>> from pellucid.layers import Dense
        >>> net, one = Network([Dense(1, bias=False)], (1,)), np.ones((1, 1))
        >>> run = net.run(2 * one, parameters={"dense1.weight": one}, upstream={"dense1": one})
        >>> run.explain_step("dense1.weight[0,0]", rate=0.25).equations[-1].substituted
        'dense1.weight:new[0,0] = dense1.weight[0,0] - rate*dense1.weight.grad[0,0]'
        >>> run.explain_step("dense1.weight[0,0]", rate=0.25).new
        0.5
        """
        return self._explainer.step(reference, rate, optimiser, states, t)

    def plot(self, name: str, image: int = 0) -> Figure:
        """An array of the run as a picture: feature maps, filters, outputs, or their gradients.

        Args:
            name: of a value, such as ``"relu1"`` or ``"conv1.weight"``, with ``.grad`` for its gradient.
            image: whose values are shown, counted from 0; parameters belong to all.

        Returns:
            A matplotlib figure that a notebook shows; its method `save` writes it to a file.

        Raises:
            MissingPackageError: matplotlib is not installed.
            UsageError: there is no such array or image, or it cannot be drawn.

        >>> from pellucid.layers import Conv2D
        >>> run = Network([Conv2D(2, 3)], (1, 5, 5)).run(np.zeros((4, 1, 5, 5)))
        >>> run.plot("conv1", image=3).axes[0].texts[0].get_text()
        'conv1[3], 2 × 3 × 3'
        """
        from pellucid.figures import numbers

        of = name.removesuffix(".grad")
        values = self[name] if name in self or of == name else self.grad[of]
        if of in self.network.parameter_shapes or values.ndim == 0:
            return numbers(values, name)
        if not is_whole(image, 0) or image >= len(values):
            raise UsageError(f"the run has the images 0 to {len(values) - 1}, not {image!r}")
        return numbers(values[image], f"{name}[{image}]")

    def animate(
        self, layer: str, *, backward: bool = False, fix: Mapping[str, int] = MappingProxyType({}),
        frames: int = 60,
    ) -> Animation:  # fmt: skip
        """A layer at work: a window slides over what the layer reads, and its output fills in.

        Args:
            layer: one whose equation reads windows, such as a convolution or a pool.
            backward: whether to show the gradient by what the layer reads instead.
            fix: values of index letters, such as ``{"k": 3}`` for the fourth filter; else the first image,
                and of channels those with the largest contrast.
            frames: at most so many.

        Raises:
            UsageError: the equation reads no windows, or an argument that cannot be used.

        >>> from pellucid.layers import MaxPool2D
        >>> run = Network([MaxPool2D(2)], (1, 4, 4)).run(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> animation = run.animate("maxpool1")
        >>> len(animation), animation.stage.scene(3).total
        (4, 15.0)
        """
        from pellucid.explain import animate

        return animate(self, layer, backward=backward, fix=fix, frames=frames)

    @cached_property
    def _explainer(self) -> Explainer:
        from pellucid.explain import Explainer

        return Explainer(self)

    def __getitem__(self, name: str) -> Array:
        if name not in self._values:
            raise UnknownNameError(f"there is no value {name!r}; there are {', '.join(self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
