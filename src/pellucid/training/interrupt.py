"""Ctrl-C, termination, a closed terminal: the step in progress is finished first, unless one asks twice."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from pellucid.model import Model

__all__ = ["SignalWatch", "TrainingInterrupted"]

# The last is what a closed terminal sends; Windows has none.
_WATCHED = [s for s in signal.Signals if s.name in ("SIGINT", "SIGTERM", "SIGHUP")]
_Handler = Callable[[int, FrameType | None], object] | int | None


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop; the sentence says where it stopped and how to go on.

    Attributes:
        stopped: the first half of the sentence, where it stopped.
        model: as it was after the last step.
        signal: that asked for it.
    """

    def __init__(self, stopped: str, how: str, model: Model, number: signal.Signals) -> None:
        super().__init__(f"{stopped}; {how}")
        self.stopped, self.model, self.signal = stopped, model, number


class SignalWatch:
    """Within it, the first SIGINT, SIGTERM or SIGHUP is noted, and the second one ends the program as ever.

    Threads other than the main one get no signals, and there it notes none.

    Attributes:
        noted: the signal that came.
    """

    def __init__(self) -> None:
        self.noted: signal.Signals | None = None
        self._before: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is threading.main_thread():
            for number in _WATCHED:
                # What is ignored (as under nohup) or handled outside Python stays so.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.noted is None:
            self.noted = signal.Signals(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            sys.exit(128 + number)
