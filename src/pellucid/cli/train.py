"""`pellucid train`: from images to a model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.command import Command
from pellucid.cli.failure import Interrupted
from pellucid.cli.options import FILE, FOLDER, as_size, channels_last, data_dir, engine, json_lines, threads
from pellucid.cli.subject import DEFAULT, file_of, network_for
from pellucid.errors import ResourceError

if TYPE_CHECKING:
    from pellucid.data import ImageSet
    from pellucid.data.collect import Mode
    from pellucid.model import Evaluation, Model
    from pellucid.network import Network

__all__ = ["train"]


@click.command(
    cls=Command,
    examples=(
        "pellucid train",
        "pellucid train --net mnist-maxpool --data mnist --epochs 5 --out mnist.safetensors",
        "pellucid train --net my.toml --data photos/ --resize 64 --validation 0.1",
    ),
)
@click.option(
    "--net",
    metavar="NAME|FILE.toml",
    help="The network: default (which suits any images), cifar-two-conv, lenet5, mnist-avgpool, "
    "mnist-maxpool, mnist-one-conv, or a .toml file.  [default: default]",
)
@click.option("--data", default="digits", metavar="NAME|FOLDER|FILE", show_default=True, help="The images.")
@data_dir
@channels_last
@click.option(
    "--resize",
    callback=as_size,
    metavar="SIZE",
    help="Bring all images to this size: 28, or 28x32 for height x width.",
)
@click.option("--color/--gray", default=None, help="Make all images RGB, or gray; else gray if all are.")
@click.option("--validation", type=float, metavar="SHARE", help="Share of the images kept to validate with.")
@click.option("--epochs", type=int, metavar="N", help="How often each image is seen.  [default: 15]")
@click.option("--batch-size", type=int, metavar="N", help="Images a step.  [default: 32]")
@click.option("--optimizer", metavar="NAME", help="sgd, momentum, nesterov, adam or adamw.  [default: adam]")
@click.option("--lr", type=float, metavar="RATE", help="Learning rate; by default the optimiser's own.")
@click.option("--momentum", type=float, metavar="M", help="Of the optimisers momentum and nesterov.")
@click.option("--weight-decay", type=float, metavar="D", help="Of the optimiser.")
@click.option("--schedule", metavar="NAME", help="constant, step, cosine or one-cycle.  [default: cosine]")
@click.option("--warmup", type=float, metavar="EPOCHS", help="Epochs in which the learning rate rises.")
@click.option(
    "--label-smoothing", type=float, metavar="SHARE", help="Of each label, spread over all classes."
)
@click.option("--clip-norm", type=float, metavar="NORM", help="Most that the norm of the gradient may be.")
@click.option(
    "--early-stopping",
    type=int,
    metavar="EPOCHS",
    help="Stop after so many without a smaller validation loss, and take the best.",
)
@click.option("--seed", type=int, metavar="N", help="Of all that is drawn at random.  [default: 0]")
@click.option("--dtype", metavar="TYPE", help="float32 or float64.  [default: float32]")
@engine
@threads
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Where the model goes.")
@click.option("--checkpoint", type=FILE, metavar="FILE", help="Saved after each epoch, and kept.")
@click.option("--resume", type=FILE, metavar="FILE", help="Go on from a checkpoint.")
@click.option("--history", type=FILE, metavar="FILE", help="Where a JSON line for each epoch goes.")
@click.option("--plot", type=FILE, metavar="FILE", help="Where learning curves go: .png, .svg or .pdf.")
@click.option(
    "--tensorboard", type=FOLDER, metavar="FOLDER", help="Where TensorBoard finds the curves as they grow."
)
@click.option("--quiet", is_flag=True, help="Print only how it ended.")
@json_lines
@click.pass_context
def train(
    context: click.Context,
    /,
    net: str | None,
    data: str,
    data_dir: Path | None,
    channels_last: bool | None,
    resize: tuple[int, int] | None,
    color: bool | None,
    validation: float | None,
    out: Path | None,
    checkpoint: Path | None,
    resume: Path | None,
    history: Path | None,
    plot: Path | None,
    tensorboard: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network on images and save the model.

    Without options, the default network learns the embedded digits. The model goes to
    pellucid-DATA.safetensors in the current folder, and with a number to a new file if that exists; a model
    that --out names is replaced when training has ended well. Ctrl-C finishes the step, saves a checkpoint
    and says how to go on; the command to go on with repeats the images and has --resume.
    """
    from pellucid.cli.target import check_apart, check_figure, check_writable, target
    from pellucid.cli.training_report import EventReport, Report, TableReport
    from pellucid.data import load
    from pellucid.files import write_atomically
    from pellucid.training import TensorBoard
    from pellucid.training import json_lines as lines
    from pellucid.training import train as trained

    if history is not None:
        check_writable(history)
    if plot is not None:
        check_figure(plot)
    boards = [] if tensorboard is None else [TensorBoard(tensorboard)]
    reporter = EventReport if as_json else Report if quiet else TableReport
    with target(data, out, checkpoint, resume) as files:
        given = [file_of(name) for name in (data, net) if name is not None]
        check_apart(*given, files.model, files.checkpoint, history, plot)
        mode: Mode = "auto" if color is None else "rgb" if color else "gray"
        splits = load(data, data_dir=data_dir, resize=resize, mode=mode, channels_last=channels_last)
        network = _network(net, resume, splits.train)
        report = reporter(network, splits)
        with _resumable(context, files.checkpoint):
            model = trained(
                network,
                splits.train,
                validation=splits.validation if validation is None else validation,
                checkpoint=files.checkpoint,
                resume=resume,
                callbacks=[report, *boards],
                progress=False if as_json or quiet else None,
                **options,
            )
            result = _tested(model, splits.test, options)
            model.save(files.model)
            if history is not None:
                write_atomically(history, lambda file: file.write(lines(model.history).encode()))
            if plot is not None:
                model.history.plot(f"{network.name}, {splits.train.name}").save(plot)
    report.done(model, files.model, result)


def _network(net: str | None, resume: Path | None, images: ImageSet) -> Network:
    """The network that is asked for, or that of the checkpoint."""
    if net is None and resume is not None:
        from pellucid.training import load_checkpoint

        return load_checkpoint(resume).network
    return network_for(net or DEFAULT, images)


def _tested(model: Model, images: ImageSet | None, options: Mapping[str, Any]) -> Evaluation | None:
    """The model's score on the test images, if there are some."""
    if images is None:
        return None
    how = {name: options[name] for name in ("engine", "threads")}
    return model.evaluate(images.images, images.labels, **how)


@contextmanager
def _resumable(context: click.Context, checkpoint: Path) -> Iterator[None]:
    """Says of a training that ended before it was done how to go on."""
    from pellucid.training import TrainingInterrupted

    command = shlex.join(["pellucid", *context.obj, "--resume", str(checkpoint)])
    try:
        yield
    except TrainingInterrupted as stop:
        raise Interrupted(f"{stop.stopped}; `{command}` goes on from there", stop.signal) from stop
    except ResourceError as error:
        if checkpoint.exists() and checkpoint.stat().st_size:
            error.add_note(f"`{command}` goes on from the last checkpoint")
        raise
