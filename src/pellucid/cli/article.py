"""`pellucid article`: a network written out, with its mathematics, its numbers and its evidence."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, fit_images, json_lines, seed
from pellucid.cli.output import print_event, say

__all__ = ["article"]


@click.command(
    cls=Command,
    examples=(
        "pellucid article mnist-maxpool -o mnist-maxpool.html",
        "pellucid article digits.safetensors --image 7.png --label 7 -o digits.tex",
    ),
)
@click.argument("net", metavar="NET|MODEL")
@click.option(
    "-o",
    "--out",
    type=FILE,
    required=True,
    metavar="FILE",
    help="Where it goes: a page (.html), a document for pdflatex (.tex) or Markdown (.md).",
)
@click.option("--html", "form", flag_value="html", help="Write a page, whatever FILE ends in.")
@click.option("--latex", "form", flag_value="latex", help="Write LaTeX.")
@click.option("--markdown", "form", flag_value="markdown", help="Write Markdown.")
@click.option("--image", type=FILE, help="The picture that is followed; else one of the embedded digits.")
@click.option("--label", metavar="CLASS", help="Its class, by name or place; else the most probable one.")
@click.option(
    "--optimizer", default="sgd", show_default=True, metavar="NAME", help="Whose step is worked out."
)
@click.option("--lr", type=float, metavar="RATE", help="Of that step; by default the optimiser's own.")
@seed
@fit_images
@json_lines
def article(
    net: str,
    out: Path,
    form: str | None,
    image: Path | None,
    label: str | None,
    optimizer: str,
    lr: float | None,
    seed: int,
    resize: bool,
    as_json: bool,
) -> None:
    """Write out NET or MODEL: its architecture, equations and gradients, with the numbers of one image.

    NET is the name of a network or a .toml file, MODEL a file that training saved. The article holds every
    layer's equations, the derivation of every gradient, worked numbers and pictures, one step of training,
    and the checks that show that all of it is right. A page needs no other file and no network.
    """
    from pellucid.cli.progress import working
    from pellucid.cli.subject import file_of, labelled_picture, network_or_model
    from pellucid.cli.target import check_apart, check_writable
    from pellucid.explain.article import form_of

    check_apart(file_of(net), image, out)
    check_writable(out)
    form = form_of(out, form)
    found = network_or_model(net)
    picture, labels = labelled_picture(found, image, label, resize=resize)
    with working(shown=not as_json) as progress:
        written = found.article(
            images=picture, labels=labels, optimiser=optimizer, rate=lr, seed=seed, progress=progress
        )
        written.write(out, form)
    if as_json:
        print_event("article", path=out, form=form, bytes=out.stat().st_size, network=written.title)
    else:
        say(f"{out}: {out.stat().st_size:,} bytes. {' '.join(written.notes)}")
