"""`pellucid check`: whether the gradients are right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pellucid.cli.command import Command
from pellucid.cli.options import channels_last, data_dir, fit_images, json_lines, seed
from pellucid.cli.output import print_event, say

if TYPE_CHECKING:
    from pellucid.model import Model
    from pellucid.network import Network

__all__ = ["check"]


@click.command(
    cls=Command,
    examples=("pellucid check lenet5", "pellucid check pellucid-digits.safetensors --data digits"),
)
@click.argument("net", metavar="NET|MODEL")
@click.option("--data", metavar="NAME|FOLDER|FILE", help="Images to check with; else random inputs.")
@data_dir
@channels_last
@fit_images
@click.option(
    "--images", type=click.IntRange(min=1), default=2, show_default=True, help="How many are run together."
)
@seed
@json_lines
def check(
    net: str,
    data: str | None,
    data_dir: Path | None,
    channels_last: bool | None,
    resize: bool,
    images: int,
    seed: int,
    as_json: bool,
) -> int:
    """Compare the gradients of every parameter and of the input with differences, in float64.

    NET is the name of a network or a .toml file, MODEL a file that training saved, whose parameters are
    checked as they are. Steps across a kink (ReLU at 0, a change of the maximum) are counted and compared
    from one side. The exit code is 1 if a gradient is wrong or if more than 2 % lie on a kink.
    """
    from pellucid.cli.subject import labelled_images, network_or_model
    from pellucid.network import Network

    found = network_or_model(net)
    if data is not None:
        model = _untrained(found, seed) if isinstance(found, Network) else found
        known = labelled_images(model, data, data_dir, None, resize=resize, channels_last=channels_last)
        some = known.take(range(min(images, len(known))))
        result = model.check(some.images, some.labels, seed=seed)
    elif isinstance(found, Network):
        result = found.check(images=images, seed=seed)
    else:
        result = found.network.check(parameters=found.parameters, images=images, seed=seed)
    if as_json:
        print_event("done", **result.to_dict())
    else:
        say(str(result))
    return 0 if result.passed else 1


def _untrained(network: Network, seed: int) -> Model:
    """The network as it is before training, for pixels from 0 to 1."""
    import numpy as np

    from pellucid.model import Model, Normalisation

    channels = network.input_shape[0]
    as_fractions = Normalisation(np.zeros(channels), np.ones(channels), scale=1 / 255)
    return Model(network, network.initial_parameters(seed), normalisation=as_fractions)
