"""Threads for one piece of work: all of them begin, or none; and none is left behind."""

from __future__ import annotations

import _thread  # a Thread's start waits until it runs, which takes longer than work done in no time
import threading
from collections.abc import Callable

from pellucid.errors import ResourceError

__all__ = ["run_beside", "run_together"]

# Whoever waits for workers wakes up so often to see signals.
POLL_SECONDS = 0.1


def run_together(work: Callable[[int], None], count: int, stop: Callable[[], None]) -> None:
    """Runs ``work(0)`` to ``work(count - 1)`` at the same time, and returns when all have returned.

    Args:
        work: of one thread; it may wait for the others.
        count: of threads.
        stop: asks the work to end soon; called when a KeyboardInterrupt arrives here, which goes on after
            the last thread has ended, and when threads cannot be started.

    Raises:
        ResourceError: the system gives no more threads.
    """
    team = _Team(work)
    try:
        for number in range(count):
            team.start(number)
        team.begin()
        team.wait()
    finally:
        stop()
        team.end()


def run_beside(work: Callable[[int], None], count: int) -> None:
    """Runs ``work(0)`` here and ``work(1)`` to ``work(count - 1)`` beside it: for work done in no time.

    The work must not wait for the others: by the time that they begin it may be done. A KeyboardInterrupt is
    seen when all of it is done.

    Raises:
        ResourceError: the system gives no more threads; what has begun has ended then.
    """
    ends: list[_thread.LockType] = []
    try:
        for number in range(1, count):
            end = _thread.allocate_lock()
            end.acquire()
            _thread.start_new_thread(_beside, (work, number, end))
            ends.append(end)
        work(0)
    except RuntimeError as error:
        raise ResourceError(f"thread {len(ends) + 2} cannot be started: {error}") from None
    finally:
        for end in ends:
            end.acquire()


def _beside(work: Callable[[int], None], number: int, end: _thread.LockType) -> None:
    try:
        work(number)
    finally:
        end.release()


class _Team:
    """Threads that wait for a sign, so that work which needs all of them does not begin without some."""

    def __init__(self, work: Callable[[int], None]) -> None:
        self._work, self._sign, self._called_off = work, threading.Event(), False
        self._members: list[threading.Thread] = []

    def start(self, number: int) -> None:
        member = threading.Thread(target=self._member, args=(number,), daemon=True, name=f"pellucid-{number}")
        try:
            member.start()
        except RuntimeError as error:
            raise ResourceError(f"thread {number + 1} cannot be started: {error}") from None
        self._members.append(member)

    def begin(self) -> None:
        self._sign.set()

    def wait(self) -> None:
        for member in self._members:
            while member.is_alive():
                member.join(POLL_SECONDS)

    def end(self) -> None:
        """Waits for all, however often somebody interrupts; a sign that was not given calls the work off."""
        if not self._sign.is_set():
            self._called_off = True
            self._sign.set()
        interrupted: BaseException | None = None
        while any(member.is_alive() for member in self._members):
            try:
                self.wait()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _member(self, number: int) -> None:
        self._sign.wait()
        if not self._called_off:
            self._work(number)
