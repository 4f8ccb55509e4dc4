"""A trained network with all that it takes to use it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid import __version__, random
from pellucid import engine as engines
from pellucid.engine.check import Check
from pellucid.engine.inputs import as_array, as_inputs, check_targets
from pellucid.engine.preparing import prepared
from pellucid.engine.run import Run
from pellucid.engine.scores import score
from pellucid.errors import DataError, NetworkError, UsageError, unknown
from pellucid.formula.evaluate import evaluate
from pellucid.layers import Softmax
from pellucid.layers.options import is_whole
from pellucid.layers.preparation import CORRECT
from pellucid.model.confusing import draw_confused
from pellucid.model.evaluation import Evaluation, confusion_matrix
from pellucid.model.history import History
from pellucid.model.normalisation import Normalisation
from pellucid.network import Network

if TYPE_CHECKING:
    from pellucid.explain.article import Article, Progress
    from pellucid.figures import Figure

__all__ = ["Model", "versions"]

Array = NDArray[Any]
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def versions() -> dict[str, str]:
    """Of everything that the numbers of a training depend on."""
    return {"pellucid": __version__, "python": platform.python_version(), "numpy": np.__version__}


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network with its parameters, and what is needed to use them on images.

    Attributes:
        network: the architecture.
        parameters: arrays by full name (``conv1.weight``), all float32 or all float64.
        classes: what each output stands for; empty if the network does not classify.
        normalisation: how images become the network's input; None if they are it already.
        history: of the training, a row for each epoch, in JSON's types.
        metadata: what else is worth keeping, in JSON's types: versions, seed, engine, the training's options.

    Raises:
        NetworkError: parameters or classes that are not the network's.
        DataError: a normalisation for another number of channels.
    """

    network: Network
    parameters: Mapping[str, Array]
    classes: tuple[str, ...] = ()
    normalisation: Normalisation | None = None
    history: History = History()  # noqa: RUF009  (a tuple)
    metadata: Mapping[str, Any] = field(default_factory=lambda: {"versions": versions()})

    def __post_init__(self) -> None:
        object.__setattr__(self, "history", History(self.history))
        self.network.check_parameters(self.parameters)
        types = {array.dtype for array in self.parameters.values()}
        if len(types) > 1 or not types <= {*FLOATS}:
            given = ", ".join(sorted(map(str, types)))
            raise NetworkError(f"a model's parameters are all float32 or all float64, not {given}")
        outputs = self.network.output_shape[-1] if self.network.output_shape else 1
        if self.classes and len(self.classes) != outputs:
            raise NetworkError(f"there are {len(self.classes)} classes, but {outputs} outputs")
        channels = self.network.input_shape[0]
        if self.normalisation is not None and len(self.normalisation.mean) != channels:
            given = f"{len(self.normalisation.mean)} means and deviations"
            raise DataError(f"{given} were given for {channels} channels")

    def __repr__(self) -> str:
        classes = f"{len(self.classes)} classes" if self.classes else "no classes"
        return f"<Model of {self.network!r}, {classes}, {len(self.history)} epochs of training>"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters, and of all that is computed with them."""
        return next((array.dtype for array in self.parameters.values()), FLOATS[0])

    @property
    def classifies(self) -> bool:
        """Whether the network ends in Softmax or in a loss of classes."""
        last, loss = self.network.nodes[-1].layer, self.network.loss
        return isinstance(last, Softmax) or (loss is not None and loss.classification)

    def outputs(self, images: object, *, engine: str = "auto", threads: int | None = None) -> Array:
        """What the network gives for images, for instance logits.

        Args:
            images: (N, C, H, W) or (N, features), uint8 or floats; (N, H, W) is taken for one channel.
            engine: that computes.
            threads: to use; None for the engine's own choice.

        Returns:
            Shape (N, ...), of the parameters' type.

        Raises:
            DataError: images of another shape, or values that are not finite.
        """
        given = as_inputs(self.network, images, np.asarray(images).dtype)
        predictor = engines.get(engine).predictor(
            self.network, self.parameters, self.normalisation, self.dtype, threads
        )
        return predictor(given)

    def predict_proba(self, images: object, *, engine: str = "auto", threads: int | None = None) -> Array:
        """The probability of each class for each image, shape (N, K); arguments as for `outputs`.

        Raises:
            NetworkError: the network does not classify.
        """
        outputs = self._logits(images, engine, threads)
        if isinstance(self.network.nodes[-1].layer, Softmax):
            return outputs
        return evaluate(Softmax().formula((outputs.shape,)), {"x": outputs})["y"]

    def predict(
        self, images: object, *, engine: str = "auto", threads: int | None = None
    ) -> NDArray[np.int64]:
        """The most probable class of each image, shape (N,), int64; arguments as for `outputs`.

        Raises:
            NetworkError: the network does not classify.
        """
        return _largest(self._logits(images, engine, threads))

    def evaluate(
        self,
        images: object,
        labels: object,
        sample_weight: object = None,
        *,
        engine: str = "auto",
        threads: int | None = None,
    ) -> Evaluation:
        """Loss and, if the network classifies, accuracy and confusion matrix.

        Args:
            images: as for `outputs`.
            labels: (N,), or targets in the output's shape.
            sample_weight: (N,), the weight of each image in the loss.
            engine: as for `outputs`.
            threads: as for `outputs`.

        Raises:
            DataError: labels that do not fit.
            NetworkError: the network has no loss.
        """
        outputs = self.outputs(images, engine=engine, threads=threads)
        targets = np.asarray(labels)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        result = score(self.network, outputs, targets, weights)
        if result.accuracy is None:
            return Evaluation(result.loss, result.count)
        names = self.classes or tuple(str(k) for k in range(outputs.shape[1]))
        answers = targets if targets.ndim == 1 else _largest(targets)
        matrix = confusion_matrix(answers, _largest(outputs), len(names))
        return Evaluation(result.loss, result.count, result.accuracy, names, matrix)

    def run(
        self, images: object, labels: object = None, *, engine: str = "auto", training: bool = False
    ) -> Run:
        """Every value for images and, if they have labels, every gradient, by name; see `Network.run`.

        Args:
            images: as for `outputs`.
            labels: (N,), or targets in the output's shape.
            engine: as for `outputs`.
            training: whether dropout is at work.

        Raises:
            DataError: images or labels that do not fit.
            NetworkError: labels were given, but the network has no loss.
        """
        given = as_inputs(self.network, images, np.asarray(images).dtype)
        inputs = prepared(self.normalisation, given.shape, self.dtype)(given)
        chosen = engines.get(engine)
        return chosen.run(self.network, inputs, labels, self.parameters, dtype=self.dtype, training=training)

    def article(
        self, images: object = None, labels: object = None, *,
        optimiser: object = "sgd", rate: float | None = None, seed: int = 0, progress: Progress | None = None,
    ) -> Article:  # fmt: skip
        """The model written out on one image; see `Network.article`.

        Args:
            images: one, as for `outputs`; one of the embedded digits, if not given.
            labels: its class (1,), or its targets; the class that the model gives it, if not known.
            optimiser: as for `Network.article`.
            rate: as for `Network.article`.
            seed: as for `Network.article`.
            progress: as for `Network.article`.
        """
        from pellucid.explain.article import article_of

        return article_of(
            self, None, images, labels, optimiser=optimiser, rate=rate, seed=seed, progress=progress
        )

    def check(self, images: object, labels: object = None, *, seed: int = 0) -> Check:
        """Compares this model's gradients with differences, on these images; see `Network.check`.

        Pixels that are whole numbers are moved by less than a half, as rounding may have moved them before:
        equal ones lie side by side in most images, and the maximum of equal ones has no derivative.

        Args:
            images: as for `outputs`, a few.
            labels: (N,), or targets in the output's shape; random ones, if not given.
            seed: of the movements and of what is compared.
        """
        given = as_inputs(self.network, images, np.asarray(images).dtype)
        if given.dtype.kind in "iu":
            scale = 1.0 if self.normalisation is None else self.normalisation.scale
            given = (given + random.uniform(random.key(seed, "pixels"), given.shape) - 0.5) * scale
        inputs = prepared(self.normalisation, given.shape, np.float64)(given)
        return self.network.check(inputs, labels, self.parameters, seed=seed)

    def plot(self, name: str) -> Figure:
        """A parameter as a picture, for instance the filters of ``"conv1.weight"``, all on one scale.

        Args:
            name: of the parameter.

        Returns:
            A matplotlib figure that a notebook shows; its method `save` writes it to a file.

        Raises:
            MissingPackageError: matplotlib is not installed.
            UsageError: there is no such parameter.
        """
        from pellucid.figures import numbers

        if name in (node.name for node in self.network.nodes):
            raise UsageError(f"there is no parameter {name!r}; a run on a picture (--image) computes it")
        if name not in self.parameters:
            raise unknown("parameter", name, self.parameters)
        return numbers(self.parameters[name], name)

    def plot_confused(
        self,
        images: object,
        labels: object,
        *,
        most: int = 24,
        engine: str = "auto",
        threads: int | None = None,
    ) -> Figure:
        """The images that are taken for another class, the surest mistakes first.

        Args:
            images: as for `outputs`, of a network that takes images.
            labels: (N,), or probabilities in the output's shape.
            most: how many are shown.
            engine: as for `outputs`.
            threads: as for `outputs`.

        Returns:
            A matplotlib figure that a notebook shows; its method `save` writes it to a file.

        Raises:
            DataError: labels that do not fit.
            MissingPackageError: matplotlib is not installed.
            NetworkError: the network does not classify, or takes rows of features.
            UsageError: `most` is no whole number of at least 1.
        """
        if len(self.network.input_shape) != 3:
            raise NetworkError(f"{self.network.name} takes rows of features, which are no images to be shown")
        if not is_whole(most, 1):
            raise UsageError(f"most is a whole number of at least 1, not {most!r:.60}")
        rows = self.predict_proba(images, engine=engine, threads=threads)
        targets = as_array(labels, "labels")
        check_targets(self.network, targets, len(rows))
        answers = targets if targets.ndim == 1 else _largest(targets)
        pictures = as_inputs(self.network, images, np.asarray(images).dtype)
        names = self.classes or tuple(str(k) for k in range(rows.shape[1]))
        return draw_confused(pictures, answers, _largest(rows), rows, names, most)

    def _logits(self, images: object, engine: str, threads: int | None) -> Array:
        if not self.classifies:
            raise NetworkError(
                f"{self.network.name} does not classify: it ends neither in Softmax nor in a loss of classes"
            )
        return self.outputs(images, engine=engine, threads=threads)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything to one ``.safetensors`` file, atomically; equal models give equal bytes.

        Raises:
            ResourceError: the file cannot be written.
            UsageError: history or metadata that JSON does not take.
        """
        from pellucid.model.storage import save

        save(self, path)

    def to_onnx(
        self,
        path: str | os.PathLike[str],
        *,
        preprocessing: str = "auto",
        probabilities: bool = False,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """Writes the model as an ONNX file, atomically, for any number of images and other programs.

        The equations of all layers become standard operators; class names, normalisation and versions stand
        in the file's metadata, and the equations in its description.

        Args:
            path: of the file.
            preprocessing: what the file's input is: "uint8", images as they lie in a file; "float", images
                whose pixels are multiplied by the normalisation's scale already; "none", what the network
                itself reads; "auto", the first of these that the model's normalisation has something to say
                about.
            probabilities: whether the file ends with softmax.
            dtype: of its numbers, float32 or float64; many programs compute with float32 only.

        Raises:
            MissingPackageError: ``onnx`` is not installed.
            ResourceError: the file cannot be written.
            UsageError: the model cannot be exported as asked.
        """
        from pellucid.interop.exporting.onnx_file import to_onnx

        to_onnx(self, path, preprocessing=preprocessing, probabilities=probabilities, dtype=dtype)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Model:
        """The model that `save` wrote, bit for bit.

        Raises:
            ModelFileError: the file is damaged or is no model; the sentence says why.
            ResourceError: the file cannot be read.
        """
        from pellucid.model.storage import load

        return load(path)


def _largest(rows: Array) -> NDArray[np.int64]:
    """The position of each row's largest element, the first of equals."""
    return evaluate(CORRECT.upto(frozenset({"guess"})), {"x": rows})["guess"].astype(np.int64)
