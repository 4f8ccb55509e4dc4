"""What threads, forks, signals and exceptions leave behind: nothing, and nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pellucid import random
from pellucid.engine import Task, Update, workers
from pellucid.engine.compiled_predictor import CompiledPredictor
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.workers import run_together
from pellucid.errors import ResourceError
from pellucid.formula.formula import Formula
from pellucid.model import Normalisation
from pellucid.training.optimiser import Adam
from tests.networks import small_network

SCALING = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)
COUNT, BATCH = 200, 16
ROOT = Path(__file__).parents[2]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")


def task(**changes) -> Task:
    network = small_network()
    images = random.integers(random.key(1, "images"), 0, 256, (COUNT, 1, 6, 6)).astype(np.uint8)
    labels = random.integers(random.key(1, "labels"), 0, 3, COUNT)
    whole = Task(
        network, images, labels, network.initial_parameters(3), Adam().update, normalisation=SCALING,
        batch_size=BATCH,
    )  # fmt: skip
    return replace(whole, **changes)


def epochs(trainer: CompiledTrainer, number: int, first: int = 0, **options) -> None:
    steps = -(-COUNT // BATCH)
    for epoch in range(first, first + number):
        order = random.permutation(epoch, COUNT)
        trainer.run(order, epoch * steps, np.full(steps, 0.01), **options)


def same(one: CompiledTrainer, parameters) -> None:
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, parameters[name], err_msg=name)


def alive() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("pellucid")]


def in_child(trainer, predictor, images, results) -> None:
    epochs(trainer, 2)
    results.put((trainer.parameters, predictor(images), len(os.listdir("/proc/self/task"))))


@needs_fork
@needs_proc
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_goes_on_with_a_copy_of_its_own():
    one = task()
    trainer, predictor = CompiledTrainer(one, 2), CompiledPredictor(
        one.network, one.parameters, SCALING, np.float32, 2
    )  # fmt: skip
    epochs(trainer, 1)
    before, outputs = trainer.parameters, predictor(one.images)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=in_child, args=(trainer, predictor, one.images, results))
    child.start()
    theirs, predicted, threads = results.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    assert threads <= 2  # its own, and that which feeds the queue
    same(trainer, before)
    np.testing.assert_array_equal(predicted, outputs)
    epochs(trainer, 2)
    same(trainer, theirs)


def test_an_exception_of_whoever_watches_ends_the_steps():
    trainer, reference = CompiledTrainer(task(), 2), CompiledTrainer(task(), 1)
    seen = []

    def watch(steps, images, loss):
        seen.append(steps)
        if steps >= 5:
            raise ValueError("enough")

    order, rates = random.permutation(0, COUNT), np.full(13, 0.01)
    with pytest.raises(ValueError, match="enough"):
        trainer.run(order, 0, rates, watch)
    assert not alive()
    done = seen[-1]
    reference.run(order[: done * BATCH], 0, rates[:done])
    same(trainer, reference.parameters)


def interrupted(run) -> bool:
    """Whether Ctrl-C, pressed three times while workers are at it, gets through to whoever runs this."""

    def press() -> None:
        while not alive():
            time.sleep(0.001)
        time.sleep(0.03)
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.0005)

    presser, got_through = threading.Thread(target=press), False
    presser.start()
    try:
        run()
    except KeyboardInterrupt:
        got_through = True
    for _ in range(4):  # some may come late
        try:
            presser.join()
            time.sleep(0.02)
        except KeyboardInterrupt:
            continue
    return got_through


# Each step adds 1 to every parameter.
COUNTING = Update(Formula.parse("new_p[d] = p[d] + rate + [g[d] > 1e30]"))


@pytest.mark.skipif(os.name == "nt", reason="signals are sent by kill")
def test_ctrl_c_ends_with_a_step_and_loses_none():
    zeros = {name: np.zeros(shape) for name, shape in small_network().parameter_shapes.items()}
    trainer = CompiledTrainer(task(update=COUNTING, parameters=zeros), 2)
    order = np.tile(random.permutation(0, COUNT), 10_000)
    assert interrupted(lambda: trainer.run(order, 0, np.ones(len(order) // BATCH)))
    assert not alive()
    counts = {float(n) for value in trainer.parameters.values() for n in value.flat}
    assert len(counts) == 1
    assert 0 < counts.pop() < len(order) // BATCH
    trainer.run(order[:BATCH], 0, np.ones(1))
    assert len({float(n) for value in trainer.parameters.values() for n in value.flat}) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals are sent by kill")
def test_ctrl_c_ends_a_prediction():
    one = task()
    predictor = CompiledPredictor(one.network, one.parameters, SCALING, np.float32, 2)
    expected = predictor(one.images)
    many = np.tile(one.images, (20_000, 1, 1, 1))
    assert interrupted(lambda: predictor(many))
    assert not alive()
    np.testing.assert_array_equal(predictor(one.images), expected)


SCRIPT = """
import numpy as np, os, sys
from tests.engine.test_lifecycle import BATCH, COUNT, CompiledTrainer, epochs, task
trainer = CompiledTrainer(task(), 2)
epochs(trainer, 1)
def watch(steps, images, loss):
    print("step", flush=True)
order = np.tile(np.arange(COUNT), 100_000)
trainer.run(order, 0, np.full(-(-len(order) // BATCH), 1e-6), watch)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent by kill")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGTERM", "SIGINT"])
def test_a_process_that_is_ended_leaves_nothing(name):
    command = [sys.executable, "-c", SCRIPT]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"step\n"
        process.send_signal(getattr(signal, name))
        process.wait(timeout=30)
    with pytest.raises(ProcessLookupError):  # nothing is left of its group
        os.killpg(process.pid, 0)


def test_several_threads_call_one_predictor():
    one = task()
    predictor = CompiledPredictor(one.network, one.parameters, SCALING, np.float32, 2)
    whole = CompiledPredictor(one.network, one.parameters, SCALING, np.float32, 1)(one.images)

    def ask(number: int) -> bool:
        count = (1, 7, COUNT, 33)[number % 4]
        start = number % (COUNT - count + 1)
        return np.array_equal(predictor(one.images[start : start + count]), whole[start : start + count])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))
    assert not alive()


def test_threads_that_the_system_refuses_are_a_sentence_and_leave_the_others(monkeypatch):
    started = []

    class Few(threading.Thread):
        def start(self) -> None:
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(workers.threading, "Thread", Few)
    worked = []
    with pytest.raises(ResourceError, match="thread 3 cannot be started: can't start new thread"):
        run_together(worked.append, 4, lambda: None)
    assert not worked
    assert not any(t.is_alive() for t in started)
    trainer = CompiledTrainer(task(batch_size=64), 4)
    before = trainer.parameters
    started.clear()
    with pytest.raises(ResourceError):
        trainer.run(np.arange(COUNT), 0, np.full(4, 0.1))
    same(trainer, before)


@pytest.mark.parametrize("batch", [1, 2, 7, 64, 199, 200, 500])
def test_more_threads_than_there_is_work_for(batch):
    one = task(batch_size=batch, parameters=small_network().initial_parameters(1))
    few, many = CompiledTrainer(one, 1), CompiledTrainer(one, 64)
    steps = -(-COUNT // batch)
    for trainer in (few, many):
        trainer.run(random.permutation(0, COUNT), 0, np.full(steps, 0.01))
    same(many, few.parameters)
    predictors = [CompiledPredictor(one.network, one.parameters, SCALING, np.float32, n) for n in (1, 64)]
    for count in (1, 2, 7):
        outputs = [p(one.images[:count]) for p in predictors]
        np.testing.assert_array_equal(*outputs)
