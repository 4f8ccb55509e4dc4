"""Options that several commands have, and the forms of their values."""

from __future__ import annotations

import re
from pathlib import Path

import click

__all__ = [
    "FILE",
    "FOLDER",
    "as_size",
    "channels_last",
    "data_dir",
    "engine",
    "fit_images",
    "json_lines",
    "seed",
    "threads",
]


def as_size(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """(H, W) in pixels from `28` or `28x32`."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", value)
    if not found:
        wanted = "pixels as in 28, or 28x32 for height x width, were expected"
        raise click.BadParameter(f"{value!r} is no size; {wanted}", context, parameter)
    height, width = found.groups()
    return int(height), int(width or height)


FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

data_dir = click.option(
    "--data-dir",
    type=FOLDER,
    metavar="FOLDER",
    help="Where named image sets are looked for first; then in $PELLUCID_DATA_DIR and in your data folder.",
)
channels_last = click.option(
    "--channels-last/--channels-first",
    default=None,
    help="Of an .npz file, whether its images are (N, H, W, C); refused if they look so and it is not said.",
)
json_lines = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
threads = click.option(
    "--threads",
    type=click.IntRange(1, 256),  # `pellucid.engine.processors.MOST_THREADS`, which takes long to import
    metavar="N",
    help="Threads to use; else what suits the machine.",
)
engine = click.option(
    "--engine",
    default="auto",
    metavar="NAME",
    help="What computes: numpy or compiled; auto takes the preferred one.",
)
fit_images = click.option(
    "--resize", is_flag=True, help="Bring images of another size to the size that the model takes."
)
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    show_default=True,
    help="Of all that is drawn at random.",
)
