"""Named networks: each a TOML file beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from pellucid.errors import NetworkError, unknown
from pellucid.layers import Dense
from pellucid.layers.options import whole
from pellucid.network import Network
from pellucid.network.node import checked_shape
from pellucid.network_file import parse_network

__all__ = ["load", "names"]


def names() -> tuple[str, ...]:
    """The networks that there are.

    >>> names()
    ('cifar-two-conv', 'lenet5', 'mnist-avgpool', 'mnist-maxpool', 'mnist-one-conv')
    """
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def load(name: str, input_shape: Sequence[int] | None = None, classes: int | None = None) -> Network:
    """A named network.

    Args:
        name: one of `names()`.
        input_shape: (C, H, W) of other images than those that it was made for.
        classes: another number of classes.

    Raises:
        UsageError: there is no such network.
        NetworkError: it cannot take images of that shape.

    >>> load("mnist-maxpool").output_shape
    (10,)
    >>> load("mnist-maxpool", input_shape=(3, 64, 64), classes=2).parameter_shapes["dense1.weight"]
    (2, 7688)
    """
    if name not in names():
        raise unknown("network", name, names())
    file = f"{name}.toml"
    network = parse_network((files(__package__) / file).read_text(encoding="utf-8"), file)
    if input_shape is None and classes is None:
        return network
    *layers, last = network.layers
    if classes is not None:
        assert isinstance(last, Dense)
        last = replace(last, units=whole(classes, "classes"))
    shape = network.input_shape if input_shape is None else checked_shape(input_shape)
    try:
        return Network([*layers, last], shape, network.loss, name=network.name)
    except NetworkError as error:
        raise NetworkError(f"{name} cannot take images of the shape {shape}: {error}") from None
