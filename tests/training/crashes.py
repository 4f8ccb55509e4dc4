"""Trainings that are killed at random moments, and saves in which each call of the system fails in turn.

After every crash the checkpoint and the model file must load, as the state before the save or after it, and
the resumed training must end as the one that was never stopped.  As a program it prints one JSON object for
each crash:

    python -m tests.training.crashes kills COUNT SEED
    python -m tests.training.crashes faults SHARE SEED
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from pellucid import files
from pellucid.data import ImageSet
from pellucid.errors import ResourceError
from pellucid.model import History, Model
from pellucid.training import Callback, Checkpoint, fit, load_checkpoint, train
from pellucid.training.checkpoint import save_checkpoint
from tests.faulty_system import FAULTS, WRITE_FAULTS, Fault, FaultySystem, half
from tests.networks import small_network
from tests.training.samples import blobs, without_times

__all__ = ["Crash", "crashes"]

OPTIONS: dict[str, Any] = {
    "batch_size": 8, "optimizer": "adam", "lr": 0.01, "validation": 0.2, "early_stopping": 6, "threads": 1,
    "progress": False,
}  # fmt: skip
Place = tuple[int, int]


@dataclass(frozen=True)
class Crash:
    """One crash and what was found afterwards.

    Attributes:
        kind: what was done to the training.
        place: epoch and step of the checkpoint that was found; None if there was none yet.
        finished: whether the training had ended before the crash.
        wrong: what was wrong, in a sentence; empty if nothing was.
    """

    kind: str
    place: Place | None
    finished: bool
    wrong: str


class Runs:
    """Trainings in a folder, compared with one that was never stopped."""

    def __init__(self, folder: Path, data: ImageSet, **options: Any) -> None:
        self.folder, self.data, self.options = folder, data, OPTIONS | options
        self.checkpoint, self.model = folder / "checkpoint", folder / "model.safetensors"
        self.states: dict[Place, str] = {}
        self.models: set[str] = set()
        self.final = self._reference()

    def _reference(self) -> str:
        """Trains without a stop, and notes every state that a checkpoint or model file may hold."""

        def note(path: Path, state: Checkpoint) -> None:
            save_checkpoint(path, state)
            self.states[state.place.epoch, state.place.step] = digest_of_checkpoint(state)
            if state.place.step == 0:
                self.models.add(digest_of_model(model_of(state)))

        with mock.patch.object(fit, "save_checkpoint", note):
            final = digest_of_model(self.train())
        self.remove()
        return final

    def train(self) -> Model:
        """Begins, or goes on from the checkpoint that is there; saves the model after each epoch."""
        begun = self.checkpoint.exists()
        where: dict[str, Any] = {"resume" if begun else "checkpoint": self.checkpoint}
        callbacks = [SaveModel(self.checkpoint, self.model)]
        return train(small_network(dropout=0.2), self.data, callbacks=callbacks, **where, **self.options)

    def remove(self) -> None:
        self.checkpoint.unlink(missing_ok=True)
        self.model.unlink(missing_ok=True)

    def wrong(self, before: Place | None) -> tuple[Place | None, str]:
        """The place that the files hold, and what is wrong with them after a crash at or after `before`."""
        place = None
        if self.checkpoint.exists():
            state = load_checkpoint(self.checkpoint)
            place = (state.place.epoch, state.place.step)
            if digest_of_checkpoint(state) != self.states.get(place):
                return place, "the checkpoint is none of the uninterrupted training"
        if before is not None and (place is None or place < before):
            return place, "the checkpoint has gone back or is gone"
        if self.model.exists() and digest_of_model(Model.load(self.model)) not in self.models:
            return place, "the model file holds no state of the uninterrupted training"
        return place, ""


class SaveModel(Callback):
    """Writes a model file after each epoch, from the checkpoint of the same moment."""

    def __init__(self, checkpoint: Path, model: Path) -> None:
        self.checkpoint, self.model = checkpoint, model

    def on_epoch_end(self, row: object) -> object:
        model_of(load_checkpoint(self.checkpoint)).save(self.model)
        return False


def model_of(state: Checkpoint) -> Model:
    return Model(state.network, state.parameters, (), state.normalisation, History(state.history))


def digest_of_checkpoint(state: Checkpoint) -> str:
    best = {} if state.best is None else state.best.parameters
    sums = state.place.sums.document() | {"seconds": 0}
    arrays = [*state.parameters.items(), *state.state.items(), *best.items()]
    return _digest(arrays, [*map(without_times, state.history)], sums)


def digest_of_model(model: Model) -> str:
    return _digest([*model.parameters.items()], [*map(without_times, model.history)])


def _digest(arrays: list[tuple[str, Any]], *documents: object) -> str:
    digest = hashlib.sha256(json.dumps(documents).encode())
    for name, array in sorted(arrays, key=lambda pair: pair[0]):
        digest.update(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def crashes(kind: str, amount: float, seed: int) -> list[Crash]:
    """What the program finds, in a process of its own: it forks, and its BLAS has one thread."""
    command = [sys.executable, "-m", __name__, kind, str(amount), str(seed)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return [Crash(**json.loads(line)) for line in done.stdout.splitlines()]


def kill_crashes(count: int, seed: int) -> Iterator[Crash]:
    """Kills trainings with SIGKILL so many times, each time at a random moment of what a third of one takes.

    A training is resumed until it ends before it is killed; then another one begins.
    """
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), blobs(40, seed), epochs=6, checkpoint_steps=1)
        began = time.perf_counter()
        os.waitpid(started(runs), 0)
        whole = time.perf_counter() - began
        runs.remove()
        place: Place | None = None
        while count:
            ended = killed(runs, choose.uniform(0.0, whole / 3))
            place, wrong = runs.wrong(place)
            if ended:
                wrong = wrong or end_of(runs)
                runs.remove()
            yield Crash("kill", place, ended, wrong)
            place = None if ended else place
            count -= not ended
        yield Crash("the last training to its end", place, True, end_of(runs))


def started(runs: Runs) -> int:
    """The number of a process of its own in which the training begins or goes on."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            runs.train()
            code = 0
        finally:
            os._exit(code)
    return child


def killed(runs: Runs, seconds: float) -> bool:
    """Kills a training after so many seconds; whether it had ended before."""
    child = started(runs)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise RuntimeError("the training failed by itself")
    return os.WIFEXITED(status)


def end_of(runs: Runs) -> str:
    """Trains to the end; what is wrong with it, which should be nothing."""
    return "" if digest_of_model(runs.train()) == runs.final else "the resumed training ended otherwise"


def fault_crashes(share: float, seed: int) -> Iterator[Crash]:
    """Lets each call of each save of a training go wrong in each way, or a random share of them."""
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), blobs(40, seed), epochs=2)
        for at, name in enumerate(calls(runs)):
            faults = FAULTS | ({"short": half} | WRITE_FAULTS if name == "write" else {})
            for kind, fault in faults.items():
                if choose.random() < share:
                    yield faulty(runs, at, f"{kind} in {name}", fault)


def calls(runs: Runs) -> list[str]:
    """The calls of the system that a training makes."""
    system = FaultySystem()
    with mock.patch.object(files, "system", system):
        runs.train()
    runs.remove()
    return system.calls


def faulty(runs: Runs, at: int, kind: str, fault: Fault) -> Crash:
    """Trains while one call goes wrong, and then to the end."""
    failed = False
    try:
        with mock.patch.object(files, "system", FaultySystem(at, fault)):
            runs.train()
    except ResourceError:
        failed = True
    place, wrong = runs.wrong(None)
    left = {path.name for path in runs.folder.iterdir()} - {runs.checkpoint.name, runs.model.name}
    wrong = wrong or (f"files are left behind: {left}" if left else "") or end_of(runs)
    runs.remove()
    return Crash(kind, place, not failed, wrong)


def main(kind: str, amount: str, seed: str) -> None:
    kills = kind == "kills"
    for crash in kill_crashes(int(amount), int(seed)) if kills else fault_crashes(float(amount), int(seed)):
        print(json.dumps(asdict(crash)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
