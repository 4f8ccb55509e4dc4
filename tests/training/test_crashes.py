"""A seeded sample of the crashes of `make evidence`, and an interrupt from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pellucid.training import load_checkpoint
from tests.training.crashes import crashes


@pytest.mark.parametrize(("kind", "amount", "least"), [("kills", 5, 5), ("faults", 0.02, 3)])
def test_after_a_crash_everything_loads_and_goes_on(kind, amount, least):
    found = crashes(kind, amount, seed=3)
    assert len(found) >= least
    assert [crash for crash in found if crash.wrong] == []


PROGRAM = """
import sys, time
from pellucid.training import Callback, train
from tests.networks import small_network
from tests.training.samples import blobs

class Tell(Callback):
    def on_step(self, moment):
        if moment.epoch == 2:
            print("go", flush=True)
            time.sleep(0.05)

train(small_network(), blobs(64), epochs=1000, checkpoint=sys.argv[1], callbacks=[Tell()])
"""


def test_ctrl_c_from_outside_saves_and_says_how_to_go_on(tmp_path):
    path = tmp_path / "c"
    command = [sys.executable, "-c", PROGRAM, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        os.kill(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    last = errors.splitlines()[-1]
    assert "TrainingInterrupted: stopped by Ctrl-C after " in last
    assert last.endswith(f"; resume={str(path)!r} goes on from there")
    assert load_checkpoint(path).place.epoch >= 1
    assert out.count("go") <= 3  # no step was begun after it
    assert "images/s" not in errors  # there is no bar where there is no terminal
