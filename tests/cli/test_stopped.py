"""Trainings that a signal or a disk stops: what is there afterwards, and how they go on."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid import files
from pellucid.container import load
from pellucid.training import load_checkpoint
from tests.cli.invoke import events, failed, invoke
from tests.faulty_system import FaultySystem, fails

TRAIN = (
    *("train", "--net", "tiny.toml", "--data", "halves.npz", "--batch-size", "4", "--schedule", "constant"),
    *("--threads", "1", "--epochs"),
)


def program(*args: str) -> list[str]:
    return [sys.executable, "-m", "pellucid", *args]


def arrays(path: str) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in load(path, kind="model")[0].items()}


def stopped(*args: str, number: signal.Signals) -> tuple[int, list[dict], str]:
    """Sends a signal when the second epoch is done: the exit code, the events, and what stderr says."""
    with subprocess.Popen(
        program(*args, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rest, told = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in [*lines, *rest.splitlines()]], told


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize(
    ("name", "said", "code"),
    [("SIGINT", "Ctrl-C", 130), ("SIGTERM", "SIGTERM", 143), ("SIGHUP", "SIGHUP", 129)],
)
def test_a_training_that_is_stopped_says_how_to_go_on(name: str, said: str, code: int) -> None:
    ended, told, sentence = stopped(*TRAIN, "100000", number=signal.Signals[name])
    assert ended == code
    assert told[-1]["event"] == "error"
    assert (told[-1]["exit_code"], f"pellucid: {told[-1]['message']}\n") == (code, sentence)
    found = re.fullmatch(rf"pellucid: stopped by {said} after [^;]+; `(.+)` goes on from there\n", sentence)
    assert found
    assert not list(Path().glob("*.safetensors"))
    done = load_checkpoint("pellucid-halves.checkpoint").place.epoch
    command = shlex.split(found[1])
    command[command.index("100000")] = str(done + 2)
    *_, last = events(*command[1:-3], *command[-2:])
    assert last["epochs"] == done + 2
    whole = events(*TRAIN, str(done + 2))[-1]
    assert arrays(last["model"]) == arrays(whole["model"])


def test_every_call_of_saving_the_model_may_fail(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """The old model stays, and the checkpoint gives the new one without training again."""
    before = model.read_bytes()
    watched = FaultySystem()
    monkeypatch.setattr(files, "system", watched)
    whole = events(*TRAIN, "2", "--out", "whole.safetensors")[-1]
    first = len(watched.calls) - 1 - watched.calls[::-1].index("create")
    renamed = watched.calls.index("rename", first)
    for at in range(first, renamed + 1):
        monkeypatch.setattr(files, "system", FaultySystem(at, fails(errno.ENOSPC)))
        result = invoke(*TRAIN, "2", "--out", str(model), "--json")
        said = json.loads(result.stdout.splitlines()[-1])["message"]
        assert result.exit_code == 1
        assert said.startswith(f"cannot write {model}: No space left on device; `pellucid train")
        assert model.read_bytes() == before
        command = re.findall("`(.+)`", said)[0]
        monkeypatch.setattr(files, "system", watched)
        start, *epochs, done = events(*shlex.split(command)[1:-3], "--resume", shlex.split(command)[-1])
        assert (start["event"], epochs, done["epochs"]) == ("start", [], 2)
        assert arrays(str(model)) == arrays(whole["model"])
        model.write_bytes(before)
        Path(shlex.split(command)[-1]).unlink()


class FullDisk(files.System):
    """Makes files, but writes nothing into them."""

    def write(self, descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "system", FullDisk())
    said = failed(1, *TRAIN, "2")
    assert said == "cannot write pellucid-halves.checkpoint: No space left on device"
    assert not list(Path().glob("pellucid-*"))


def test_a_history_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("history").write_text("an older one")

    def fail(path: object, write: object) -> None:
        raise files.resource_error("write", path, OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr("pellucid.files.write_atomically", fail)
    result = invoke(*TRAIN, "1", "--history", "history")
    assert result.exit_code == 1
    assert "cannot write history: No space left on device" in result.stderr
    assert Path("history").read_text() == "an older one"
