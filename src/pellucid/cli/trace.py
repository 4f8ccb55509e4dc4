"""`pellucid trace`: where one number of a model's run comes from."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, engine, fit_images, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["trace"]

_TERMS = 12


@click.command(
    cls=Command,
    examples=(
        'pellucid trace digits.safetensors --image 7.png "dense1[0,7]"',
        'pellucid trace digits.safetensors --image 7.png --label 7 loss "conv1.weight.grad[3,0,1,1]"',
        'pellucid trace digits.safetensors --image 7.png --uses "input[0,0,5,5]"',
    ),
)
@click.argument("model", type=FILE)
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--image", type=FILE, required=True, help="A picture, whose index is 0 in every number.")
@click.option(
    "--label", metavar="CLASS", help="Its class, by name or place; asked for by loss and gradients."
)
@click.option(
    "--terms",
    type=click.IntRange(min=0),
    default=_TERMS,
    metavar="N",
    show_default=True,
    help="List so many terms, the largest first.",
)
@click.option("--uses", is_flag=True, help="Show what is computed from each number instead.")
@fit_images
@engine
@json_lines
def trace(
    model: Path,
    numbers: tuple[str, ...],
    image: Path,
    label: str | None,
    terms: int,
    uses: bool,
    resize: bool,
    engine: str,
    as_json: bool,
) -> None:
    """Explain NUMBERs of MODEL's run on one picture by their equations.

    NUMBER is loss or an element: of a layer's output (dense1[0,7]), of a parameter (conv1.weight[3,0,1,1]),
    of input or targets, of a result inside a layer (loss:prob[0,3]); with .grad before the bracket it is the
    gradient. Prints the equation, its terms with what they read, those that vanish and why, and the sum.
    """
    from pellucid.cli.subject import class_of, image_shape
    from pellucid.data import read_images
    from pellucid.model import Model

    loaded = Model.load(model)
    pictures = read_images([image], shape=image_shape(loaded), resize=resize)
    labels = None if label is None else [class_of(loaded, label)]
    run = loaded.run(pictures, labels, engine=engine)
    for place, number in enumerate(numbers):
        found = run.uses(number, most=terms) if uses else run.explain(number, most=terms)
        if as_json:
            print_event("uses" if uses else "explanation", **found.to_dict())
        else:
            say(("\n" if place else "") + str(found))
