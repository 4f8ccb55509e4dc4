"""`pellucid compile`: what the compiler makes of a network's equations, stage by stage."""

from __future__ import annotations

import click

from pellucid.cli.command import Command
from pellucid.cli.options import json_lines
from pellucid.cli.output import print_event, say

__all__ = ["compile"]


@click.command(
    cls=Command,
    examples=(
        "pellucid compile lenet5 --show schedule",
        "pellucid compile lenet5 --kernel 'd conv2.weight' --show asm --target aarch64",
    ),
)
@click.argument("net", metavar="NET|MODEL")
@click.option(
    "--show",
    type=click.Choice(("nest", "schedule", "llvm", "asm")),
    default="schedule",
    show_default=True,
    help="The stage: loops, how they run, LLVM's language, or assembly.",
)
@click.option("--kernel", metavar="NAME", help="One kernel, by its name or by the tensor that it computes.")
@click.option(
    "--batch", type=click.IntRange(min=1), default=64, show_default=True, metavar="N", help="Images a step."
)
@click.option("--dtype", type=click.Choice(("float32", "float64")), default="float32", show_default=True)
@click.option("--predict", is_flag=True, help="Prediction; else a training step, forward and backward.")
@click.option(
    "--target",
    type=click.Choice(("host", "avx512", "avx2", "aarch64")),
    default="host",
    show_default=True,
    help="The processor that assembly is shown for.",
)
@json_lines
def compile(
    net: str, show: str, kernel: str | None, batch: int, dtype: str, predict: bool, target: str, as_json: bool
) -> None:
    """Show the kernels that the compiled engine makes of a network, each with the equation it comes from.

    NET is the name of a network or a .toml file, MODEL a file that training saved, whose kernels take bytes
    as its training did. A kernel works on a tile of images, of which a batch has many.
    """
    from pellucid.cli.subject import network_or_model
    from pellucid.compiler.targets import target as named
    from pellucid.engine.compiled_stages import chosen, prediction_stages, training_stages
    from pellucid.network import Network

    found = network_or_model(net)
    network, scaling = (found, None) if isinstance(found, Network) else (found.network, found.normalisation)
    make = prediction_stages if predict else training_stages
    for stages in chosen(make(network, batch, dtype, scaling, named(target)), kernel):
        text = stages.shown(show).rstrip("\n")
        if as_json:
            parts = {"name": stages.name, "tensors": stages.tensors, "equations": stages.equations}
            print_event("kernel", **parts, vectors=stages.vectors, show=show, text=text)
        else:
            heading = f"\n{' ' * (len(stages.name) + 2)}".join(stages.equations)
            say("\n".join([f"{stages.name}: {heading}", *(f"    {x}" for x in text.split("\n")), ""]))
