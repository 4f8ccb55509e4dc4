"""`pellucid predict`: the classes of pictures."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, engine, fit_images, json_lines, threads
from pellucid.cli.output import print_event, say

__all__ = ["predict"]

_TOGETHER = 256  # pictures in memory


@click.command(cls=Command, examples=("pellucid predict pellucid-digits.safetensors digit.png scans/",))
@click.argument("model", type=FILE)
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@fit_images
@engine
@threads
@json_lines
def predict(
    model: Path,
    pictures: tuple[Path, ...],
    resize: bool,
    engine: str,
    threads: int | None,
    as_json: bool,
) -> None:
    """Classify PICTURES with MODEL: PNG, JPEG and BMP files, and folders of them.

    Prints a line for each picture: its path, class and probability. With --json the line has the
    probabilities of all classes.
    """
    from pellucid.cli.subject import image_shape, model_from
    from pellucid.data import image_paths, read_images

    loaded = model_from(model)
    shape = image_shape(loaded)
    paths = image_paths(pictures)
    for start in range(0, len(paths), _TOGETHER):
        some = paths[start : start + _TOGETHER]
        images = read_images(some, shape=shape, resize=resize)
        rows = loaded.predict_proba(images, engine=engine, threads=threads)
        names = loaded.classes or tuple(map(str, range(rows.shape[1])))
        for path, row in zip(some, rows.tolist(), strict=True):
            _print_prediction(path, dict(zip(names, row, strict=True)), as_json=as_json)


def _print_prediction(path: Path, probabilities: dict[str, float], *, as_json: bool) -> None:
    likeliest = max(probabilities, key=lambda name: probabilities[name])
    if as_json:
        # "class" is a word of Python's, so it is passed in a mapping
        print_event("prediction", path=path, **{"class": likeliest}, probabilities=probabilities)
    else:
        say(f"{path}: {likeliest} ({probabilities[likeliest]:.1%})")
