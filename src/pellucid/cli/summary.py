"""`pellucid summary`: what a network is made of."""

from __future__ import annotations

import click

from pellucid.cli.command import Command
from pellucid.cli.options import json_lines
from pellucid.cli.output import print_event, say

__all__ = ["summary"]


@click.command(
    cls=Command, examples=("pellucid summary lenet5", "pellucid summary pellucid-digits.safetensors")
)
@click.argument("net", metavar="NET|MODEL")
@json_lines
def summary(net: str, as_json: bool) -> None:
    """Show each layer's output, parameters, multiply-adds, receptive field and bytes.

    NET is the name of a network or a .toml file, MODEL a file that training saved.
    """
    from pellucid.cli.subject import network_of, network_or_model

    network = network_of(network_or_model(net))
    if as_json:
        print_event("summary", **network.summary().to_dict())
    else:
        say(str(network.summary()))
