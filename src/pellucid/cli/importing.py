"""`pellucid import`: a model of another program."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["importing"]


def _sizes(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """(C, H, W) from `1x28x28`."""
    parts = [] if value is None else value.split("x")
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        wanted = "sizes as in 1x28x28, for channels x height x width, were expected"
        raise click.BadParameter(f"{value!r} is no shape; {wanted}", context, parameter)
    return tuple(map(int, parts)) or None


@click.command(
    "import",
    cls=Command,
    examples=(
        "pellucid import lenet.onnx -o lenet.safetensors",
        "pellucid import lenet.onnx -o lenet.safetensors --shape 1x28x28 --classifier",
    ),
)
@click.argument("model", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The model file to write.")
@click.option(
    "--shape", callback=_sizes, metavar="CxHxW", help="Of one image, where the ONNX file leaves it open."
)
@click.option("--output", metavar="NAME", help="The output to import, if there are several.")
@click.option(
    "--classifier", is_flag=True, help="The outputs are logits of classes, also if nothing says so."
)
@json_lines
def importing(
    model: Path, out: Path, shape: tuple[int, ...] | None, output: str | None, classifier: bool, as_json: bool
) -> None:
    """Write an ONNX MODEL as a file of pellucid's own, to be run, explained and trained further.

    Commands that take a MODEL take an ONNX file as well, if its name ends in .onnx.
    """
    from pellucid.cli.target import check_apart, check_model, check_writable
    from pellucid.interop import from_onnx
    from pellucid.layers import SoftmaxCrossEntropy

    check_apart(model, out)
    check_writable(out)
    check_model(out)
    loss = SoftmaxCrossEntropy() if classifier else None
    found = from_onnx(model, input_shape=shape, output=output, loss=loss)
    found.save(out)
    if as_json:
        layers = [node.name for node in found.network.nodes]
        print_event("import", path=out, layers=layers, classes=list(found.classes))
    else:
        say(f"{found.network.summary()}\nwrote {out}")
