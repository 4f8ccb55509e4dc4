"""`pellucid export`: a model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["export"]


@click.command(
    cls=Command,
    examples=(
        "pellucid export digits.safetensors -o digits.onnx",
        "pellucid export digits.safetensors -o digits.onnx --probabilities --no-preprocessing",
    ),
)
@click.argument("model", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The ONNX file to write.")
@click.option(
    "--logits/--probabilities", default=True, show_default=True, help="What the exported model gives."
)
@click.option(
    "--preprocessing",
    type=click.Choice(["auto", "uint8", "float", "none"]),
    default="auto",
    show_default=True,
    help="What it reads: pixels from 0 to 255, fractions of them, or what the network reads.",
)
@click.option("--no-preprocessing", is_flag=True, help="The same as --preprocessing none.")
@json_lines
def export(
    model: Path, out: Path, logits: bool, preprocessing: str, no_preprocessing: bool, as_json: bool
) -> None:
    """Write MODEL as an ONNX file, which many programs run.

    It takes any number of images at a time; class names and normalisation stand in its metadata.
    """
    from pellucid.cli.subject import model_from
    from pellucid.cli.target import check_apart, check_writable

    check_apart(model, out)
    check_writable(out)
    loaded = model_from(model)
    given = "none" if no_preprocessing else preprocessing
    loaded.to_onnx(out, preprocessing=given, probabilities=not logits)
    size = out.stat().st_size
    if as_json:
        print_event("export", path=out, bytes=size)
    else:
        say(f"wrote {out} ({size:,} bytes)")
