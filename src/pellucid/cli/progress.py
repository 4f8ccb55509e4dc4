"""How far a download or a long piece of work is, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["downloading", "working"]


@contextmanager
def downloading(*, shown: bool) -> Iterator[Callable[[str, int, int | None], None] | None]:
    """A bar for each file, if it is to be shown and stderr is a terminal; else None."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def tell(name: str, arrived: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=arrived, total=total)

        yield tell


@contextmanager
def working(*, shown: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A line that says what is being done and how much of it is, if stderr is a terminal; else None."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("")
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total)
