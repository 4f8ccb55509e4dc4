"""What became of one damaged or hostile file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pellucid.errors import PellucidError

REFUSED = "refused"
READ = "read"
SLOW = 20.0  # seconds of the processor; a reader that takes longer hangs, for all that a user can tell


@dataclass(frozen=True)
class Outcome:
    """One file: its format, what was done to it, what came of that, and how long reading took.

    `result` is `REFUSED` (one clean error), `READ` (what the bytes legitimately mean), or the sentence that
    says what went wrong.
    """

    format: str
    mutation: str
    result: str
    seconds: float

    @property
    def failed(self) -> bool:
        return self.result not in (REFUSED, READ)


def judged(format: str, mutation: str, name: str, read: Callable[[], str | None]) -> Outcome:
    """The outcome of a reader on one file.

    Args:
        format: the file's format.
        mutation: what was done to the file.
        name: a part of the file's name that an error must contain.
        read: reads the file; returns None if that is what its bytes mean, or a sentence on what is wrong.
    """
    start = time.process_time()
    try:
        result = read() or READ
    except PellucidError as error:
        result = _flaw(str(error), name) or REFUSED
    # The very point is that nothing else may come out of a reader, whatever it is.
    except Exception as error:
        result = f"{type(error).__name__} escaped: {error}"[:200]
    seconds = time.process_time() - start
    if seconds > SLOW:
        result = f"took {seconds:.0f} s"
    return Outcome(format, mutation, result, seconds)


def _flaw(sentence: str, name: str) -> str | None:
    """What keeps an error's text from being one clear sentence."""
    if not sentence.isprintable() or len(sentence) > 400:
        return f"the error is not one line of at most 400 characters: {sentence[:100]!r}"
    if name not in sentence:
        return f"the error does not name the file: {sentence!r}"
    return None
