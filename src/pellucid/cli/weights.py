"""`pellucid weights`: parameters alone, from and for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["weights"]

_OUT = click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The file to write.")


@click.group(invoke_without_command=True)
@click.pass_context
def weights(context: click.Context) -> None:
    """Take weights from PyTorch, Keras and others, and give them back, as .safetensors files."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@weights.command(
    "import", cls=Command, examples=("pellucid weights import net.toml state.safetensors -o m.safetensors",)
)
@click.argument("net", metavar="NET|MODEL")
@click.argument("state", type=FILE)
@_OUT
@click.option(
    "--channels-last/--channels-first",
    default=None,
    help="How they are laid out: as in Keras and TensorFlow, or as in PyTorch; else their names tell.",
)
@json_lines
def take(net: str, state: Path, out: Path, channels_last: bool | None, as_json: bool) -> None:
    """Make a model of a network and the weights in STATE.

    NET is the name of a network or a .toml file; a MODEL gives its classes and normalisation as well. Layers
    are matched in order.
    """
    from dataclasses import replace

    from pellucid.cli.subject import file_of, network_of, network_or_model
    from pellucid.cli.target import check_apart, check_model, check_writable
    from pellucid.interop.weights import import_weights
    from pellucid.model import Model
    from pellucid.network import Network

    check_apart(file_of(net), state, out)
    check_writable(out)
    check_model(out)
    found = network_or_model(net)
    network = network_of(found)
    parameters = import_weights(network, state, channels_last=channels_last)
    model = (
        Model(network, parameters) if isinstance(found, Network) else replace(found, parameters=parameters)
    )
    model.save(out)
    _tell(out, len(parameters), as_json=as_json)


@weights.command(
    "export", cls=Command, examples=("pellucid weights export m.safetensors -o state.safetensors",)
)
@click.argument("model", type=FILE)
@_OUT
@click.option(
    "--channels-last/--channels-first",
    default=False,
    help="Lay them out as Keras and TensorFlow do, or as PyTorch does, which is the default.",
)
@json_lines
def give(model: Path, out: Path, channels_last: bool, as_json: bool) -> None:
    """Write the weights of MODEL as the state dict of a chain of the same layers: 0.weight, 0.bias, ..."""
    from pellucid.cli.subject import model_from
    from pellucid.cli.target import check_apart, check_writable
    from pellucid.interop.weights import export_weights

    check_apart(model, out)
    check_writable(out)
    loaded = model_from(model)
    export_weights(loaded, out, channels_last=channels_last)
    _tell(out, len(loaded.parameters), as_json=as_json)


def _tell(out: Path, arrays: int, *, as_json: bool) -> None:
    if as_json:
        print_event("done", path=out, arrays=arrays)
    else:
        say(f"wrote {out}, {arrays} arrays")
