"""A bar that shows how far training is."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING

from pellucid.training.callbacks import Callback, Moment

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["ProgressBar"]

PAUSE = 0.05  # seconds between two updates; a step may take less than drawing one


class ProgressBar(Callback):
    """One line with the epoch, the loss, images a second and the time left; it goes when training ends.

    Args:
        asked: whether to draw even where standard error is no terminal.
        console: where to draw instead.
    """

    def __init__(self, *, asked: bool = False, console: Console | None = None) -> None:
        self._asked, self._console = asked, console
        self._bar: Progress | None = None
        self._last: Moment | None = None
        self._drawn_at = 0.0

    def on_step(self, moment: Moment) -> object:
        self._last = moment
        if perf_counter() - self._drawn_at > PAUSE:
            self._draw(moment)
        return False

    def on_end(self) -> None:
        if self._bar is not None and self._last is not None:
            self._draw(self._last)
            self._bar.stop()

    def _draw(self, moment: Moment) -> None:
        done = (moment.epoch - 1) * moment.steps + moment.step
        if self._bar is None:
            self._bar = _bar(self._console, asked=self._asked)
            self._bar.add_task("", completed=done, total=moment.epochs * moment.steps, loss="", speed="")
            self._bar.start()
        task = self._bar.tasks[0]
        self._bar.update(
            task.id,
            description=f"epoch {moment.epoch}/{moment.epochs}",
            completed=done,
            loss=f"loss {moment.loss:.4f}",
            speed=f"{(task.speed or 0) * moment.images / moment.step:,.0f} images/s",
        )
        self._drawn_at = perf_counter()


def _bar(console: Console | None, *, asked: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = console or Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[loss]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=console,
        transient=console.is_terminal,
        # Output that goes to a file must not be drawn above the bar instead.
        redirect_stdout=sys.stdout.isatty(),
        disable=not (asked or console.is_terminal),
    )
