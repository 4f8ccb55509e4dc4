"""What NET, MODEL and DATA stand for on a command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import UsageError, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pellucid.data import ImageSet, Splits
    from pellucid.data.collect import Mode
    from pellucid.model import Model
    from pellucid.network import Network

__all__ = [
    "file_of", "image_shape", "labelled_images", "labelled_picture", "model_from", "network_for",
    "network_of", "network_or_model",
]  # fmt: skip

DEFAULT = "default"


def network_for(net: str, images: ImageSet) -> Network:
    """A new network for these images: the default one or a named one made to fit them, or that of a file."""
    from pellucid import zoo

    shape, classes = images.shape, len(images.classes)
    if net == DEFAULT:
        return zoo.default(shape, classes)
    return zoo.load(net, shape, classes) if net in zoo.names() else _from_file(net)


def network_or_model(spec: str) -> Network | Model:
    """A network by its name or from a .toml file, or a model from any other file."""
    from pellucid import zoo

    if spec == DEFAULT:
        return zoo.default((1, 28, 28), 10)
    if spec in zoo.names():
        return zoo.load(spec)
    if spec.endswith((".safetensors", ".onnx")) or (os.path.isfile(spec) and not spec.endswith(".toml")):
        return model_from(spec)
    return _from_file(spec)


def file_of(spec: str) -> Path | None:
    """The file of this name, which a NET, MODEL or DATA may stand for; None if there is none to be lost."""
    return Path(spec) if os.path.isfile(spec) else None


def model_from(path: str | os.PathLike[str]) -> Model:
    """The model of a file: an ONNX file if it is named so, else one that training saved."""
    from pellucid.interop import from_onnx
    from pellucid.model import Model

    return from_onnx(path) if os.fspath(path).endswith(".onnx") else Model.load(path)


def _from_file(path: str) -> Network:
    from pellucid import zoo
    from pellucid.network_file import read_network

    if not path.endswith(".toml") and not os.path.isfile(path):
        raise unknown("network", path, [DEFAULT, *zoo.names()])
    return read_network(path)


def labelled_images(
    model: Model,
    data: str | None,
    data_dir: Path | None,
    part: str | None,
    *,
    resize: bool,
    channels_last: bool | None,
) -> ImageSet:
    """Images to score a model with: of its size and colours if that is asked for, labelled by its classes.

    Args:
        model: whose input the images become.
        data: the image set; None for the one that the model was trained on, if that has a name.
        data_dir: where named sets are looked for first.
        part: "train", "validation" or "test"; None for the test images, or all if the set is not divided.
        resize: whether images of another size are brought to the model's.
        channels_last: of an .npz file, whether its arrays are (N, H, W, C); None refuses those that look so.
    """
    from pellucid.data import load
    from pellucid.data.catalog import CATALOG

    trained_on = str(model.metadata.get("data"))
    if data is None and trained_on not in CATALOG:
        raise UsageError("the model was not trained on a set that has a name; say with --data what to use")
    channels, height, width = image_shape(model)
    modes: dict[int, Mode] = {1: "gray", 3: "rgb"}
    splits = load(
        data or trained_on,
        data_dir=data_dir,
        resize=(height, width) if resize else None,
        mode=modes.get(channels, "auto"),
        channels_last=channels_last,
    )
    images = _part(splits, part)
    return images.labelled(model.classes) if model.classes else images


def image_shape(subject: Network | Model) -> tuple[int, int, int]:
    """(C, H, W) of the images that a network or model takes."""
    shape = network_of(subject).input_shape
    match shape:
        case (channels, height, width):
            return channels, height, width
    raise UsageError(f"the model takes rows of {shape[0]} features, not images")


def network_of(subject: Network | Model) -> Network:
    """The network that is one, or that a model has."""
    from pellucid.network import Network

    return subject if isinstance(subject, Network) else subject.network


def _part(splits: Splits, part: str | None) -> ImageSet:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    found = splits.test or splits.train if part is None else parts[part]
    if found is None:
        there = ", ".join(name for name, images in parts.items() if images is not None)
        raise UsageError(f"the image set {splits.train.name} has no part {part!r}; it has {there}")
    return found


def labelled_picture(
    subject: Network | Model, image: Path | None, label: str | None, *, resize: bool
) -> tuple[NDArray[Any] | None, list[int] | None]:
    """A picture as one image (1, C, H, W), and its class as a label; None for what is not given."""
    from pellucid.data import read_images

    shown = None if image is None else read_images([image], shape=image_shape(subject), resize=resize)
    return shown, None if label is None else [_class_of(subject, label)]


def _class_of(subject: Network | Model, label: str) -> int:
    """The place of a class that is given by its name, or by its place."""
    from pellucid.network import Network

    classes = () if isinstance(subject, Network) else subject.classes
    if label in classes:
        return classes.index(label)
    count = network_of(subject).output_shape[-1]
    if label.isdecimal() and len(label) < 10 and int(label) < count:
        return int(label)
    known = ", ".join(classes) or f"0 to {count - 1}"
    raise UsageError(f"the model has no class {label!r:.60}; it has {known}")
