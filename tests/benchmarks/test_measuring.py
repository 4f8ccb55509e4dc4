from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.growth import exponent
from benchmarks.kernels import kernels, repeatable, task_of
from benchmarks.measure.floor import inference_floor, training_floor
from benchmarks.measure.peak import peak
from benchmarks.measure.process import finished
from benchmarks.measure.rounds import Timing, in_turns
from benchmarks.measure.setting import require
from benchmarks.sides import pellucid_side
from benchmarks.sides.problem import dense_weight, problem
from pellucid import engine, zoo
from pellucid.engine.compiled_training import TrainingRecipe

ROOT = Path(__file__).parents[2]
COMPARING = {
    "training_step": "torch", "inference": "torch", "whole_process": "torch", "cifar": "torch",
    "growth": "matplotlib",
}  # fmt: skip


def test_floors_count_every_product_of_a_step():
    conv, dense = 8 * 9 * 26 * 26, 10 * 8 * 13 * 13
    network = zoo.load("mnist-maxpool")
    assert inference_floor(network) == conv + dense
    assert training_floor(network) == 2 * conv + 3 * dense


def test_peak_counts_multiply_adds():
    assert peak(1, seconds=0.001) > 0


def test_statistics_of_a_timing():
    timing = Timing((1.0, 2.0, 3.0, 4.0, 5.0))
    assert timing.median == 3
    assert timing.spread == pytest.approx(1 / 3)


def test_every_side_has_its_turn_in_every_round():
    done = {"one": 0, "two": 0}

    def side(name):
        def work(count):
            done[name] += count
            sum(range(10_000 * count))

        return work

    found = in_turns({name: side(name) for name in done}, rounds=3, seconds=0.002)
    assert {name: len(timing.seconds) for name, timing in found.items()} == {"one": 3, "two": 3}
    assert all(done.values())


def test_power_of_a_curve():
    assert exponent((1, 2, 4, 8), [5.0, 6.0, 12.0, 24.0]) == pytest.approx(1)


def test_what_is_missing_is_said_in_a_sentence():
    with pytest.raises(SystemExit, match="needs no_such_framework, which this environment does not have"):
        require("sys", "no_such_framework")


@pytest.mark.parametrize(("name", "module"), COMPARING.items())
def test_scripts_say_what_they_need(name, module):
    if find_spec(module) is not None:
        pytest.skip(f"{module} is there")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"needs {module}" in done.stderr
    assert "Traceback" not in done.stderr


def test_programs_are_timed_and_weighed():
    done = finished(["-c", "print('x' * 3)"])
    assert done.output == "xxx\n"
    assert done.seconds > 0
    assert done.peak_bytes > 0


def test_columns_follow_the_order_of_flattening():
    network = zoo.load("mnist-avgpool")  # flattens channels last
    flatten, dense = network.nodes[-2:]
    C, H, W = flatten.shapes[0][1:]
    x = np.random.default_rng(0).standard_normal((C, H, W))
    weight = np.random.default_rng(1).standard_normal((10, C * H * W))
    last = weight @ x.transpose(1, 2, 0).reshape(-1)
    np.testing.assert_array_equal(dense_weight(dense, flatten, weight, "HWC"), weight)
    np.testing.assert_allclose(dense_weight(dense, flatten, weight, "CHW") @ x.reshape(-1), last)


def test_our_side_takes_the_batches_in_the_problems_order():
    given = problem("mnist-maxpool", 4, images=12)
    steps = pellucid_side.trainer(given, threads=1)
    steps(2)
    third = steps(3)
    images, labels = list(given.batches())[1]
    values, network = dict(given.parameters), given.network
    batches = list(given.batches())
    for number in range(4):
        x, y = batches[number % 3]
        run = engine.get("numpy").run(network, x, y, values)
        values = {name: value - given.rate * run.grad[name] for name, value in values.items()}
    run = engine.get("numpy").run(network, images, labels, values)
    assert third == pytest.approx(float(run.loss), rel=1e-4)


def test_kernels_run_by_themselves():
    recipe = TrainingRecipe.of(task_of(problem("mnist-maxpool", 4, images=4)))
    program = recipe.program()
    plan = recipe.plan(program)
    code = repeatable(plan)
    for side in kernels(code, plan, program.batch).values():
        side(2)
