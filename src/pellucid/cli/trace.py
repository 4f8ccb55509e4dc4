"""`pellucid trace`: where one number of a model's run comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.command import Command
from pellucid.cli.options import FILE, engine, fit_images, json_lines
from pellucid.cli.output import print_event, say
from pellucid.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pellucid.engine.run import Run
    from pellucid.explain import Explanation, StepExplanation, Uses

__all__ = ["trace"]

_TERMS = 12


@click.command(
    cls=Command,
    examples=(
        'pellucid trace digits.safetensors --image 7.png "dense1[0,7]"',
        'pellucid trace digits.safetensors --image 7.png --label 7 loss "conv1.weight.grad[3,0,1,1]"',
        'pellucid trace digits.safetensors --image 7.png --uses "input[0,0,5,5]"',
        'pellucid trace digits.safetensors --image 7.png --label 7 --step --lr 0.1 "conv1.bias[3]"',
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
@click.option("--step", is_flag=True, help="Show an optimiser's first step for each weight instead.")
@click.option("--optimizer", metavar="NAME", help="Of --step, as for train.  [default: sgd]")
@click.option("--lr", type=float, metavar="RATE", help="Of --step; by default the optimiser's own.")
@click.option("--momentum", type=float, metavar="M", help="Of the optimisers momentum and nesterov.")
@click.option("--weight-decay", type=float, metavar="D", help="Of the optimiser.")
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
    step: bool,
    resize: bool,
    engine: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Explain NUMBERs of MODEL's run on one picture by their equations.

    NUMBER is loss or an element: of a layer's output (dense1[0,7]), of a parameter (conv1.weight[3,0,1,1]),
    of input or targets, of a result inside a layer (loss:prob[0,3]); with .grad before the bracket it is the
    gradient. Prints the equation, its terms with what they read, those that vanish and why, and the sum.
    """
    from pellucid.cli.subject import labelled_picture, model_from

    loaded = model_from(model)
    picture, labels = labelled_picture(loaded, image, label, resize=resize)
    kind, answer = _question(uses=uses, step=step, terms=terms, options=options)
    run = loaded.run(picture, labels, engine=engine)
    for place, number in enumerate(numbers):
        found = answer(run, number)
        if as_json:
            print_event(kind, **found.to_dict())
        else:
            say(("\n" if place else "") + str(found))


def _question(
    *, uses: bool, step: bool, terms: int, options: dict[str, Any]
) -> tuple[str, Callable[[Run, str], Explanation | StepExplanation | Uses]]:
    """What is asked of each number: its name in JSON, and how the run answers."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if uses and step:
        raise UsageError("--uses and --step are two questions; ask one at a time")
    if given and not step:
        raise UsageError(f"{given[0]} is an option of the step that --step explains")
    if not step:
        ask = "uses" if uses else "explanation"
        return ask, lambda run, number: (run.uses if uses else run.explain)(number, most=terms)
    from pellucid.training.optimiser import optimiser

    rate = options.pop("lr")
    chosen = optimiser(options.pop("optimizer") or "sgd", **options)
    rate = chosen.rate if rate is None else rate
    return "step", lambda run, number: run.explain_step(number, rate, optimiser=chosen)
