"""`pellucid animate`: a layer at work, window by window, as a GIF."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, fit_images, json_lines
from pellucid.cli.output import print_event, say

__all__ = ["animate"]


def _fixed(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Letters with their values, from ``k=3``."""
    found: dict[str, int] = {}
    for value in values:
        letter, _, number = value.partition("=")
        if not letter or not number.isdecimal() or len(number) > 9:
            wanted = "a letter and its value, as in k=3, were expected"
            raise click.BadParameter(f"{value!r:.60} fixes nothing; {wanted}", context, parameter)
        found[letter.strip()] = int(number)
    return found


@click.command(
    cls=Command,
    examples=(
        "pellucid animate mnist-maxpool conv1 -o convolution.gif",
        "pellucid animate digits.safetensors maxpool1 --image 7.png -o pool.gif",
        "pellucid animate mnist-maxpool conv1 --backward --fix k=3 -o gradient.gif",
    ),
)
@click.argument("net", metavar="NET|MODEL")
@click.argument("layer")
@click.option("-o", "--out", type=FILE, required=True, metavar="FILE", help="The .gif file to write.")
@click.option("--image", type=FILE, help="A picture; one of the embedded digits, if none is given.")
@click.option("--label", metavar="CLASS", help="Its class, by name or place; else the most probable one.")
@click.option("--backward", is_flag=True, help="Show the gradient by what the layer reads.")
@click.option(
    "--fix",
    multiple=True,
    metavar="LETTER=N",
    callback=_fixed,
    help="Value of an index letter, such as k=3 for the fourth filter; else what shows most.",
)
@click.option(
    "--frames", type=click.IntRange(1, 400), default=60, metavar="N", show_default=True, help="At most."
)
@fit_images
@json_lines
def animate(
    net: str,
    layer: str,
    out: Path,
    image: Path | None,
    label: str | None,
    backward: bool,
    fix: dict[str, int],
    frames: int,
    resize: bool,
    as_json: bool,
) -> None:
    """Draw LAYER at work on one picture: a window slides over what it reads, and its output fills in.

    NET is the name of a network or a .toml file, MODEL a file that training saved. LAYER is any layer whose
    equation reads windows, such as a convolution or a pool. The GIF shows the window, the numbers under it,
    what they are multiplied by, and the sum.
    """
    from pellucid.cli.progress import working
    from pellucid.cli.subject import file_of, labelled_picture, network_or_model
    from pellucid.cli.target import check_apart, check_writable
    from pellucid.explain.animation import check_gif
    from pellucid.explain.article.subject import of_model, of_network
    from pellucid.network import Network

    check_apart(file_of(net), image, out)
    check_gif(out)
    check_writable(out)
    found = network_or_model(net)
    picture, labels = labelled_picture(found, image, label, resize=resize)
    given = (
        of_network(found, None, picture, labels, seed=0)
        if isinstance(found, Network)
        else of_model(found, picture, labels, seed=0)
    )
    animation = given.run().animate(layer, backward=backward, fix=fix, frames=frames)
    with working(shown=not as_json) as progress:
        animation.save(out, progress)
    rows, columns = animation.stage.size
    if as_json:
        fixed = dict(animation.stage.fixed)
        print_event("animation", path=out, frames=len(animation), rows=rows, columns=columns, fixed=fixed)
    else:
        say(f"{out}: {len(animation)} frames of {layer}, {rows} x {columns}. {' '.join(given.notes)}")
