"""`pellucid derive`: how a network's gradients follow from its equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pellucid.cli.command import Command
from pellucid.cli.options import json_lines
from pellucid.cli.output import print_event, say

if TYPE_CHECKING:
    from pellucid.explain import Derivation
    from pellucid.network import Network

__all__ = ["derive"]


@click.command(
    cls=Command,
    examples=(
        "pellucid derive mnist-maxpool conv1.weight relu1",
        "pellucid derive digits.safetensors dense1 --numbers --latex",
    ),
)
@click.argument("net", metavar="NET|MODEL")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--numbers", is_flag=True, help="Go on and put in this network's sizes and constants.")
@click.option("--text", "form", flag_value="text", default="text", help="Print lines of text (the default).")
@click.option("--latex", "form", flag_value="latex", help="Print LaTeX (it needs amsmath and graphicx).")
@click.option("--html", "form", flag_value="html", help="Print HTML with MathML.")
@json_lines
def derive(net: str, names: tuple[str, ...], numbers: bool, form: str, as_json: bool) -> None:
    """Derive the gradients of the loss by parameters, layers or input, step by step.

    NET is the name of a network or a .toml file, MODEL a file that training saved. Without NAMEs, all
    gradients are derived, from the loss back to the input. Every step is checked at random values first.
    """
    from pellucid.cli.subject import network_of, network_or_model

    network = network_of(network_or_model(net))
    for place, name in enumerate(names or _all(network)):
        derived = network.derive(name, numbers=numbers)
        if as_json:
            print_event("derivation", **derived.to_dict())
        else:
            say(("\n" if place else "") + _printed(derived, form))


def _all(network: Network) -> list[str]:
    """Every value that has a gradient, the last first: a layer's output, then the layer's own parameters."""
    from pellucid.network import INPUT

    names = [INPUT]
    for node in network.nodes:
        names += [name for name, _ in node.parameters.values() if node.owner == node.name]
        names += [node.name] if node.name != network.output or network.loss is not None else []
    return names[::-1]


def _printed(derived: Derivation, form: str) -> str:
    if form == "latex":
        from pellucid.explain.derivation_text import as_latex_text

        return as_latex_text(derived)
    return derived._repr_html_() if form == "html" else str(derived)
