"""`pellucid plot`: filters, feature maps, any array of a model or of its run on one picture."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, engine, fit_images, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["plot"]


@click.command(
    cls=Command,
    examples=(
        "pellucid plot digits.safetensors curves -o curves.png",
        "pellucid plot digits.safetensors conv1.weight -o filters.svg",
        "pellucid plot digits.safetensors relu1 --image 7.png -o maps.png",
        "pellucid plot digits.safetensors conv1.weight.grad --image 7.png --label 7 -o gradient.png",
    ),
)
@click.argument("model", type=FILE)
@click.argument("name")
@click.option("-o", "--out", type=FILE, required=True, help="Where the figure goes: .png, .svg or .pdf.")
@click.option("--image", type=FILE, help="A picture, for what depends on one.")
@click.option("--label", metavar="CLASS", help="Its class, by name or place; asked for by gradients.")
@fit_images
@engine
@json_lines
def plot(
    model: Path,
    name: str,
    out: Path,
    image: Path | None,
    label: str | None,
    resize: bool,
    engine: str,
    as_json: bool,
) -> None:
    """Draw NAME of MODEL: its learning curves, a parameter, or an array of its run on one picture.

    NAME is curves; a parameter (conv1.weight), whose filters are drawn; or, with a picture, a layer's output
    (relu1), whose feature maps are drawn, or the gradient of any of these (conv1.grad). Blue is below 0,
    orange above, and equal colours are equal values.
    """
    from pellucid.cli.subject import labelled_picture, model_from
    from pellucid.cli.target import check_apart, check_figure

    check_apart(model, image, out)
    check_figure(out)
    loaded = model_from(model)
    picture, labels = labelled_picture(loaded, image, label, resize=resize)
    if picture is not None:
        figure = loaded.run(picture, labels, engine=engine).plot(name)
    else:
        figure = loaded.history.plot(loaded.network.name) if name == "curves" else loaded.plot(name)
    figure.save(out)
    if as_json:
        print_event("done", figure=out)
    else:
        say(f"the figure is in {out}")
