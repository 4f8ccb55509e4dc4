"""Every kernel of a training step by itself: its time, its rate, and its share of the processor's peak."""

from __future__ import annotations

import ctypes
import math
import re
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.measure.peak import peak
from benchmarks.measure.report import Report
from benchmarks.measure.rounds import Timing, in_turns
from benchmarks.measure.setting import Setting, asked, require
from benchmarks.sides.problem import Problem, problem
from pellucid.compiler.machine import Code, aligned, compiled
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.nest import Nest
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.schedule import Schedule, is_contraction
from pellucid.engine import Task
from pellucid.engine.compiled_stages import Stages
from pellucid.engine.compiled_training import TrainingRecipe
from pellucid.formula.expression import Mul, Read
from pellucid.training.optimiser import SGD

FLOAT = np.dtype(np.float32)
BATCH = 64
QUESTION = """\
Where does the time of a training step go? Each kernel of one tile of images runs on one thread, again and
again, on the values of the step; the figure is the median of the turns. The rate counts two operations for
each multiply-add of the equation, and the share is that of the peak of one thread. Kernels that are no
sums of products have no rate. The tile as a whole stands in each network's last line."""


def main() -> int:
    """Measure every kernel and write the table."""
    setting = asked(__doc__)
    require()
    report, most = Report("kernels", setting), peak(1)
    rows = [row for name in setting.networks for row in network_rows(name, setting, most)]
    figures = ["µs a tile", "share of the time", "GFLOP/s", "of the peak"]
    columns = ["network", "kernel", "what", *figures, "schedule"]
    report.write("Kernels", QUESTION, {"Peak on one thread": f"{2e-9 * most:.0f} GFLOP/s"}, columns, rows)
    return 0


def network_rows(name: str, setting: Setting, most: float) -> list[list[object]]:
    """A line for each kernel of a network's training step, and one for all of them."""
    recipe = TrainingRecipe.of(task_of(problem(name, BATCH)))
    program = recipe.program()
    plan, tile = recipe.plan(program), program.batch
    code = repeatable(plan)
    times = in_turns(kernels(code, plan, tile), setting.rounds, setting.seconds / 10)
    whole, rows, work = times["tile"], [], 0
    for number, (nest, schedule, images) in enumerate(plan.nests):
        kernel = Stages(f"nest{number}", nest, schedule, images, plan, recipe.kind)
        count, what = multiply_adds(nest), ", ".join(kernel.tensors)
        work += count
        rows.append([name, number, what, *_figures(times[kernel.name], whole, count, most), _short(schedule)])
    return [*rows, [name, "tile", f"{tile} images", *_figures(whole, whole, work, most), ""]]


def task_of(given: Problem) -> Task:
    """Its training."""
    return Task(
        given.network, given.images, given.labels, given.parameters, SGD().update, batch_size=given.batch
    )


def repeatable(plan: PassPlan) -> Code:
    """The code of a plan with a function for each kernel, and one for the tile, that repeats it."""
    module = Module("float")
    plan.emit(module)
    module.functions = [_kept(text) for text in module.functions]
    module.functions += [_repeating(name) for name in _names(plan)]
    return compiled(module.text())


def kernels(code: Code, plan: PassPlan, tile: int) -> dict[str, Callable[[int], None]]:
    """Each kernel and the whole tile as a function that runs it so many times; `code` has to outlive them."""
    random = np.random.default_rng(0)
    buffers = {space: aligned(max(plan.sizes[space], 16) + 1024, FLOAT) for space in SPACES}
    for space in ("arena", "parameters"):
        buffers[space][:] = random.standard_normal(len(buffers[space])) / 10
    addresses = [buffers[space].ctypes.data for space in SPACES]

    def side(name: str) -> Callable[[int], None]:
        function = code.function(f"repeat_{name}", *[ctypes.c_void_p] * len(SPACES), *[ctypes.c_int64] * 2)

        def run(times: int) -> None:
            for space, values in start.items():
                buffers[space][:] = values
            function(*addresses, tile, times)

        return run

    start = {space: buffer.copy() for space, buffer in buffers.items()}
    side("tile")(1)
    # Every turn begins with a step's values: what others left, say of numbers too small, would mislead.
    start |= {"arena": buffers["arena"].copy()}
    return {name: side(name) for name in _names(plan)}


def _names(plan: PassPlan) -> list[str]:
    return [*(f"nest{number}" for number in range(len(plan.nests))), "tile"]


def _kept(function: str) -> str:
    """A function that is called each time, not dissolved in the loop that repeats it."""
    return re.sub(r"^(define internal void @(?:nest\d+|tile)\([^)]*\)) \{", r"\1 noinline {", function)


def _repeating(name: str) -> str:
    """``repeat_NAME(spaces, images, times)``."""
    spaces = ", ".join(f"ptr %{space}" for space in SPACES)
    return f"""
define void @repeat_{name}({spaces}, i64 %images, i64 %times) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @{name}({spaces}, i64 %images)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %loop, label %leave
leave:
  ret void
}}"""


def multiply_adds(nest: Nest) -> int:
    """Of one tile of images; in a tile of one image, the sum over images is the adding to a gradient."""
    factors = nest.body.factors if isinstance(nest.body, Mul) else ()
    adds = nest.accumulate and sum(isinstance(factor, Read) for factor in factors) >= 2
    return math.prod(loop.extent for loop in nest.loops) if adds or is_contraction(nest) else 0


def _figures(timing: Timing, whole: Timing, count: int, most: float) -> list[object]:
    """Time, its share, rate and share of the peak."""
    seconds = timing.median
    rate = f"{2e-9 * count / seconds:.1f}" if count else ""
    share = f"{count / seconds / most:.0%}" if count else ""
    return [f"{1e6 * seconds:.2f}", f"{seconds / whole.median:.0%}", rate, share]


def _short(schedule: Schedule) -> str:
    vector = f"{schedule.vector} x {schedule.lanes}" if schedule.vector else "scalar"
    tile = " ".join(f"{letter}:{size}" for letter, size in schedule.tile)
    return f"{vector}{' across' if schedule.across else ''}; {tile or 'no tile'}"


if __name__ == "__main__":
    sys.exit(main())
