"""The network itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.errors import FormulaError, NetworkError
from pellucid.formula.ranges import Shape
from pellucid.layers import Layer, Loss, Softmax
from pellucid.network.initial import first_value
from pellucid.network.node import Node, checked_shape, joined

if TYPE_CHECKING:
    from pellucid.engine.check import Check
    from pellucid.engine.run import Run
    from pellucid.explain import Derivation, Vectors
    from pellucid.explain.article import Article, Progress
    from pellucid.summary import Summary

__all__ = ["Network"]

LONGEST_NAME = 100

Array = NDArray[Any]


class Network:
    """Layers joined to a network.

    Args:
        layers: in order; each reads the one before it, or those that its `inputs` name; ``"input"`` is the
            image.
        input_shape: (C, H, W) of an image, or (features,).
        loss: what training minimises; without one, gradients need an upstream gradient.
        name: of the architecture, for titles.

    Raises:
        NetworkError: layers that cannot be joined: the sentence names the layer and says why.

    >>> from pellucid.layers import Conv2D, Dense, Flatten, ReLU, SoftmaxCrossEntropy
    >>> net = Network([Conv2D(8, 3), ReLU(), Flatten("HWC"), Dense(10)], (1, 28, 28), SoftmaxCrossEntropy())
    >>> [node.name for node in net.nodes]
    ['conv1', 'relu1', 'flatten1', 'dense1']
    >>> net.parameter_shapes["dense1.weight"]
    (10, 5408)
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Sequence[int],
        loss: Loss | None = None,
        *,
        name: str = "network",
    ) -> None:
        _check_arguments(layers, loss, name)
        self.input_shape = checked_shape(input_shape)
        self.loss = loss
        self.name = name
        self.nodes = joined(layers, self.input_shape)
        self._check_use()
        self._check_loss()

    def __eq__(self, other: object) -> bool:
        """Whether names, layers, shapes and loss are the same."""
        return isinstance(other, Network) and self._described() == other._described()

    def __hash__(self) -> int:
        return hash((self.name, self.input_shape, tuple(self.by_name)))

    def _described(self) -> tuple[object, ...]:
        return self.name, self.input_shape, self.layers, self.loss

    def __repr__(self) -> str:
        count = sum(math.prod(shape) for shape in self.parameter_shapes.values())
        chain = " ".join(self.by_name)
        return (
            f"<Network {self.name!r}: {self.input_shape} {chain} {self.output_shape}, {count:,} parameters>"
        )

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @property
    def output(self) -> str:
        """Name of the last layer."""
        return self.nodes[-1].name

    @property
    def output_shape(self) -> Shape:
        return self.nodes[-1].shape

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {n.name: n for n in self.nodes}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with their names and inputs filled in."""
        return tuple(replace(n.layer, name=n.name, inputs=n.sources) for n in self.nodes)

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shape of each parameter by its full name, in the order of the layers."""
        return {name: shape for node in self.nodes for name, shape in node.parameters.values()}

    def initial_parameters(self, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, Array]:
        """First values of all parameters: the same on every machine for the same seed."""
        owners = (n for n in self.nodes if n.owner == n.name)
        return {
            name: first_value(self.nodes, node, operand, seed).astype(dtype)
            for node in owners
            for operand, (name, _) in node.parameters.items()
        }

    def check_parameters(self, parameters: Mapping[str, Array]) -> None:
        """Raises a NetworkError if names or shapes are not the network's."""
        missing = [n for n in self.parameter_shapes if n not in parameters]
        extra = [n for n in parameters if n not in self.parameter_shapes]
        if missing or extra:
            what = f"{missing[0]!r} is missing" if missing else f"{extra[0]!r} is none of them"
            raise NetworkError(
                f"parameters of {self.name}: {what}; they are {', '.join(self.parameter_shapes) or 'none'}"
            )
        for name, shape in self.parameter_shapes.items():
            if np.shape(parameters[name]) != shape:
                raise NetworkError(f"{name} has the shape {shape}, not {np.shape(parameters[name])}")

    def checked_parameters(self, parameters: Mapping[str, Array], dtype: DTypeLike) -> dict[str, Array]:
        """All parameters as arrays of the type.

        Raises:
            NetworkError: names or shapes are not the network's.
        """
        try:
            self.check_parameters(parameters)
            return {n: np.asarray(parameters[n], dtype=dtype, order="C") for n in self.parameter_shapes}
        except (TypeError, ValueError) as error:
            if isinstance(error, NetworkError):
                raise
            raise NetworkError(f"parameters of {self.name} are arrays of numbers: {error}") from None

    def run(
        self,
        x: object,
        y: object = None,
        parameters: Mapping[str, Array] | None = None,
        *,
        upstream: Mapping[str, Array] | None = None,
        sample_weight: object = None,
        dtype: DTypeLike = np.float32,
        engine: str = "numpy",
        training: bool = False,
        seed: int = 0,
        step: int = 0,
    ) -> Run:
        """One batch, forward and backward, with every value and every gradient by name.

        Args:
            x: inputs (N, C, H, W) or (N, features); (N, H, W) is taken for one channel.
            y: labels (N,) or targets in the output's shape; without them there is no loss.
            parameters: by name; the first values of the seed, if not given.
            upstream: gradients that arrive at layers from outside, by the layers' names; instead of `y`.
            sample_weight: (N,), the weight of each image in the loss.
            dtype: float32 or float64.
            engine: that computes; NumPy, which begins at once, unless another one is asked for.
            training: whether dropout is at work.
            seed: of first values and of dropout.
            step: of the training, for dropout.

        Raises:
            DataError: images or targets that do not fit or are not finite.
            NetworkError: parameters that are not the network's.
            UsageError: arguments that contradict each other, or an unknown engine.

        >>> from pellucid.layers import Conv2D, ReLU
        >>> net = Network([Conv2D(1, 2, bias=False), ReLU()], (1, 3, 3))
        >>> x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
        >>> run = net.run(x, parameters={"conv1.weight": np.array([[[[1.0, 0.0], [0.0, -1.0]]]])})
        >>> float(run["conv1"][0, 0, 0, 0]), float(run["relu1"][0, 0, 0, 0])
        (-4.0, 0.0)
        """
        from pellucid import engine as engines

        return engines.get(engine).run(
            self,
            x,
            y,
            parameters,
            upstream=upstream,
            sample_weight=sample_weight,
            dtype=dtype,
            training=training,
            seed=seed,
            step=step,
        )

    def check(
        self,
        x: object = None,
        y: object = None,
        parameters: Mapping[str, Array] | None = None,
        *,
        images: int = 2,
        training: bool = False,
        seed: int = 0,
        coordinates: int = 200,
        directions: int = 3,
    ) -> Check:
        """Compares the gradients of all parameters and of the input with differences, in float64.

        Args:
            x: inputs; random ones, if not given.
            y: labels or targets; random ones, if not given. Without a loss, the gradient that arrives at the
                output is random.
            parameters: by name; the first values of the seed, if not given.
            images: the number of random inputs.
            training: whether dropout is at work.
            seed: of all random numbers.
            coordinates: elements of each gradient that are compared (all, if it has fewer).
            directions: random directions through all elements of a gradient that are compared.

        Raises:
            CheckFailed: a value is not finite, so that nothing can be compared; the sentence names it.
            DataError: images or targets that do not fit.
            NetworkError: parameters that are not the network's.

        >>> from pellucid.layers import Dense, Tanh
        >>> Network([Dense(3), Tanh()], (2,)).check().passed
        True
        """
        from pellucid.engine.check import check

        return check(
            self,
            x,
            y,
            parameters,
            images=images,
            training=training,
            seed=seed,
            coordinates=coordinates,
            directions=directions,
        )

    def derive(self, name: str, *, numbers: bool = False) -> Derivation:
        """How the gradient of the loss by one value is derived: every step, with its reason, checked.

        Args:
            name: of a parameter, of a layer, or ``"input"``.
            numbers: whether to go on and put in this network's sizes and constants.

        Raises:
            UsageError: there is nothing of this name.
            FormulaError: it is the network's output, and there is no loss.
            CheckFailed: a step changes the value at random numbers; it is not shown.

        >>> from pellucid.layers import Dense
        >>> net = Network([Dense(3)], (2,))
        >>> net.derive("dense1.bias").passages[0].result
        db[k] = sum[n] dy[n,k]
        >>> for step in net.derive("dense1.bias").steps:
        ...     print(step.rule, "|", step.equation.value)
        definition | sum[n,k'] dy[n,k']*D(b[k'] + sum[d] w[k',d]*x[n,d], b[k])
        sum | sum[n,k'] dy[n,k']*(D(b[k'], b[k]) + D(sum[d] w[k',d]*x[n,d], b[k]))
        element | sum[n,k'] dy[n,k']*(delta(k', k) + D(sum[d] w[k',d]*x[n,d], b[k]))
        constant | sum[n,k'] dy[n,k']*delta(k', k)
        sift | sum[n] dy[n,k]
        """
        from pellucid.explain import derive_gradient

        return derive_gradient(self, name, numbers=numbers)

    def vectors(
        self, parameters: Mapping[str, Array] | None = None, *, batch: int = 2, seed: int = 0
    ) -> Vectors:
        """Every value and gradient of a run in float64 with its equations, to check other programs with.

        Args:
            parameters: by name; the first values of the seed, if not given.
            batch: number of random inputs.
            seed: of inputs, targets and first values.

        Raises:
            NetworkError: parameters that are not the network's.
            UsageError: a batch or seed that is no whole number, or two arrays of one name.

        >>> from pellucid.layers import Dense
        >>> found = Network([Dense(3)], (2,)).vectors(batch=4)
        >>> found.arrays["dense1.weight.grad"].shape
        (3, 2)
        >>> found.metadata["layers"][0]["backward"][-1]
        'db[k] = sum[n] dy[n,k]'
        """
        from pellucid.explain import reference_vectors

        return reference_vectors(self, parameters, batch=batch, seed=seed)

    def article(
        self, parameters: Mapping[str, Array] | None = None, images: object = None, labels: object = None, *,
        optimiser: object = "sgd", rate: float | None = None, seed: int = 0, progress: Progress | None = None,
    ) -> Article:  # fmt: skip
        """The network written out: equations, derived gradients, and one image followed through both.

        Args:
            parameters: by name; the first values of the seed, if not given.
            images: one, (1, C, H, W) or (C, H, W), as the network takes it, or of uint8, from 0 to 255, which
                become fractions; if not given, one of the embedded digits, or random features. The article
                says which.
            labels: its class (1,), or its targets in the output's shape.
            optimiser: whose step is worked out: its name, or one such as ``pellucid.Adam()``.
            rate: learning rate of that step; the optimiser's own, if not given.
            seed: of all that is drawn.
            progress: called with what is being done, how much of it is done, and how much there is.

        Raises:
            CheckFailed: a derivation or value that cannot be checked; it is not shown.
            DataError: an image or targets that do not fit.
            NetworkError: parameters that are not the network's.
            UsageError: more than one image, or an unknown optimiser.

        >>> from pellucid.layers import Dense, Tanh
        >>> article = Network([Dense(3), Tanh()], (2,), name="tiny").article()
        >>> article.markdown().splitlines()[0]
        '# tiny'
        """
        from pellucid.explain.article import article_of

        return article_of(
            self, parameters, images, labels, optimiser=optimiser, rate=rate, seed=seed, progress=progress
        )

    def summary(self) -> Summary:
        """For each layer shape, parameters, multiply-adds, receptive field and bytes; and the totals.

        >>> from pellucid.layers import Conv2D
        >>> Network([Conv2D(8, 3)], (1, 28, 28)).summary().multiply_adds
        48672
        """
        from pellucid.summary import summarise

        return summarise(self)

    def _check_use(self) -> None:
        read = {s for n in self.nodes for s in n.sources}
        for position, node in enumerate(self.nodes[:-1]):
            if node.name not in read:
                raise NetworkError(f"layer {node.name}: nothing reads its output", ("layer", position))

    def _check_loss(self) -> None:
        if self.loss is None:
            return
        last, kind = self.nodes[-1], type(self.loss).__name__
        if self.loss.classification and isinstance(last.layer, Softmax):
            raise NetworkError(
                f"layer {last.name}: {kind} applies softmax itself; remove the Softmax layer at the end",
                ("layer", len(self.nodes) - 1),
            )
        try:
            self.loss.formula((1, *last.shape))
        except FormulaError as error:
            raise NetworkError(f"loss after layer {last.name}: {error}", ("loss",)) from None


def _check_arguments(layers: Sequence[Layer], loss: Loss | None, name: str) -> None:
    if not isinstance(layers, list | tuple) or not layers:
        raise NetworkError(f"a network is a list of layers, at least one, not {layers!r}", ("layer",))
    for position, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            wanted = "a layer such as ReLU() was expected"
            raise NetworkError(f"layer {position + 1} is {layer!r}, {wanted}", ("layer", position))
    if loss is not None and not isinstance(loss, Loss):
        wanted = "one such as SoftmaxCrossEntropy() was expected"
        raise NetworkError(f"the loss is {loss!r}, {wanted}", ("loss",))
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        wanted = f"1 to {LONGEST_NAME} printable characters"
        raise NetworkError(f"a network's name has {wanted}, unlike {name!r:.150}", ("name",))
