"""`pellucid eval`: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, channels_last, data_dir, engine, fit_images, json_lines, threads
from pellucid.cli.output import print_event, print_table, say

if TYPE_CHECKING:
    from pellucid.model import Evaluation

__all__ = ["evaluate"]

_MOST_COLUMNS = 20


@click.command(
    "eval",
    cls=Command,
    examples=(
        "pellucid eval pellucid-digits.safetensors",
        "pellucid eval pets.safetensors --data photos/ --resize --json",
    ),
)
@click.argument("model", type=FILE)
@click.option(
    "--data",
    metavar="NAME|FOLDER|FILE",
    help="The images; those that the model was trained on, if their set has a name.",
)
@click.option(
    "--part",
    type=click.Choice(["train", "validation", "test"]),
    help="Of the image set; the test images, or all if the set is not divided.",
)
@data_dir
@channels_last
@fit_images
@engine
@threads
@click.option("--plot", type=FILE, metavar="FILE", help="Draw the confusion matrix: .png, .svg or .pdf.")
@click.option("--plot-confused", type=FILE, metavar="FILE", help="Draw the images of the surest mistakes.")
@json_lines
def evaluate(
    model: Path,
    data: str | None,
    part: str | None,
    data_dir: Path | None,
    channels_last: bool | None,
    resize: bool,
    engine: str,
    threads: int | None,
    plot: Path | None,
    plot_confused: Path | None,
    as_json: bool,
) -> None:
    """Score MODEL on images whose classes are known: loss, accuracy and confusion matrix.

    The confusion matrix has a row for each true class and a column for each class that the model gave.
    """
    from pellucid.cli.subject import labelled_images, model_from
    from pellucid.cli.target import check_apart, check_figure

    check_apart(model, plot, plot_confused)
    for path in (plot, plot_confused):
        if path is not None:
            check_figure(path)
    loaded = model_from(model)
    images = labelled_images(loaded, data, data_dir, part, resize=resize, channels_last=channels_last)
    result = loaded.evaluate(images.images, images.labels, engine=engine, threads=threads)
    if plot is not None:
        result.plot().save(plot)
    if plot_confused is not None:
        confused = loaded.plot_confused(images.images, images.labels, engine=engine, threads=threads)
        confused.save(plot_confused)
    if as_json:
        print_event("done", model=model, data=images.name, **result.to_dict())
        return
    say(f"{images.name}: {result}")
    if result.confusion is not None and len(result.classes) <= _MOST_COLUMNS:
        say("\nclass by class, in columns what the model took them for:")
        _print_confusion(result)


def _print_confusion(result: Evaluation) -> None:
    assert result.confusion is not None
    rows = ((name, *row) for name, row in zip(result.classes, result.confusion.tolist(), strict=True))
    print_table(("", *result.classes), rows)
