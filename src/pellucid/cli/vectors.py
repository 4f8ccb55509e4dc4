"""`pellucid vectors`: reference values of a run, to check other programs with."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, json_lines, seed
from pellucid.cli.output import print_event, say

__all__ = ["vectors"]


@click.command(
    cls=Command,
    examples=(
        "pellucid vectors mnist-maxpool -o maxpool.npz",
        "pellucid vectors digits.safetensors -o digits.npz --batch 4 --seed 1",
    ),
)
@click.argument("net", metavar="NET|MODEL")
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The .npz file to write.")
@click.option(
    "--batch", type=click.IntRange(min=1), default=2, metavar="N", show_default=True, help="Random inputs."
)
@seed
@json_lines
def vectors(net: str, out: Path, batch: int, seed: int, as_json: bool) -> None:
    """Write a run of NET or MODEL in float64: every value, every gradient, and the equations as text.

    NET is the name of a network or a .toml file, MODEL a file that training saved. Inputs and targets are
    random; inputs are what the network itself reads, after a model's scaling of images.
    """
    from pellucid.cli.subject import file_of, network_or_model
    from pellucid.cli.target import check_apart, check_writable
    from pellucid.network import Network

    check_apart(file_of(net), out)
    check_writable(out)
    found = network_or_model(net)
    plain = isinstance(found, Network)
    network, parameters = (found, None) if isinstance(found, Network) else (found.network, found.parameters)
    written = network.vectors(parameters, batch=batch, seed=seed)
    written.save(out)
    values = sum(array.size for array in written.arrays.values())
    if as_json:
        print_event("vectors", path=out, arrays=len(written.arrays), values=values, batch=batch, seed=seed)
    else:
        of = "first values" if plain else "the model's parameters"
        say(f"{out}: {len(written.arrays)} arrays, {values:,} values in float64, with {of}")
