"""ONNX's own tests of its operators: values on both engines, and gradients, of what is imported."""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence import table
from pellucid import Model, PellucidError, random
from pellucid.interop import from_onnx
from tests.interop.onnx_cases import LEFT_OUT, OPERATORS, OnnxCase, onnx_cases, outputs

Array = NDArray[Any]
ENGINES = ("numpy", "compiled")
# ONNX's own: some values were typed with four digits.
RELATIVE, ABSOLUTE = 1e-3, 1e-6
# Of gradients on the two engines, in float64, relative to the largest element.
BETWEEN = 1e-12
COORDINATES = 20
# Elements of an input whose gradient is compared with differences.
LARGEST = 4_000


@dataclass(frozen=True)
class Result:
    """Of one case.

    Attributes:
        case: ONNX's.
        error: of the outputs on both engines, relative to the largest element.
        right: whether all are within ONNX's tolerance.
        difference: between the engines' gradients, relative to the largest element.
        checked: whether all gradients agree with differences; None if the input is too large.
    """

    case: OnnxCase
    error: float
    right: bool
    difference: float | None
    checked: bool | None

    @property
    def failed(self) -> bool:
        differs = self.difference is not None and self.difference > BETWEEN
        return not self.right or differs or self.checked is False


def main() -> int:
    """Run all cases, write the table, and return the number of failures."""
    with tempfile.TemporaryDirectory() as folder:
        results = [_result(case, Path(folder) / "case.onnx") for case in onnx_cases()]
    failures = [result for result in results if result.failed]
    ours = [result for result in results if result.case.operators <= OPERATORS]
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        for operator in result.case.operators:
            groups[operator].append(result)
    reasons: dict[str, int] = defaultdict(int)
    for reason in LEFT_OUT.values():
        reasons[reason] += 1
    table.write(
        "onnx_import",
        "ONNX's own tests of its operators",
        question="Do imported models give what ONNX says, on both engines (within ONNX's own tolerance), "
        f"and are their gradients the same on both (in float64, to {BETWEEN:g}) and right by differences, at "
        f"random inputs (of at most {LARGEST:,} elements)? A case with several operators stands in a "
        "row of each. `tests/interop/onnx_left_out.json` names the cases that are not run.",
        counts={
            "Cases run, each on both engines": len(results),
            "of these only with the operators of the issue": len(ours),
            "Gradients compared": sum(result.checked is not None for result in results),
            "Failures": len(failures),
            **{f"Left out, {reason}": count for reason, count in sorted(reasons.items())},
        },
        columns=["operator", "cases", "failures", "worst error", "worst difference of gradients"],
        rows=[_row(*group) for group in sorted(groups.items())],
    )
    for result in failures:
        print(result.case, result.error, result.difference, result.checked, file=sys.stderr)
    return len(failures)


def _row(operator: str, group: list[Result]) -> list[object]:
    return [
        operator,
        len(group),
        sum(result.failed for result in group),
        max(result.error for result in group),
        max((r.difference for r in group if r.difference is not None), default=0.0),
    ]


def _result(case: OnnxCase, path: Path) -> Result:
    path.write_bytes(case.model.SerializeToString())
    model = from_onnx(path, one_image=not case.batched)
    found = [outputs(case, model, engine) for engine in ENGINES]
    right = all(np.allclose(values, case.outputs, RELATIVE, ABSOLUTE, equal_nan=True) for values in found)
    error = max(_relative(values, case.outputs) for values in found)
    if case.inputs.size > LARGEST:
        return Result(case, error, right, None, None)
    return Result(case, error, right, _difference(model), _checked(model))


def _inputs(model: Model) -> Array:
    """Two images of numbers between 0.1 and 1.1, all different: no kinks, no roots of negative numbers."""
    return random.uniform(random.key(5, "images"), (2, *model.network.input_shape)) + 0.1


def _difference(model: Model) -> float:
    """The largest difference between gradients on the two engines."""
    images, network = _inputs(model), model.network
    upstream = random.normal(random.key(5, "upstream"), (2, *network.output_shape))
    one, other = (
        network.run(
            images,
            parameters=model.parameters,
            upstream={network.output: upstream},
            dtype=np.float64,
            engine=engine,
        )
        for engine in ENGINES
    )
    return max(_relative(other.grad[name], one.grad[name]) for name in ("input", *model.parameters))


def _checked(model: Model) -> bool:
    """Whether all gradients agree with differences."""
    try:
        result = model.network.check(_inputs(model), None, model.parameters, coordinates=COORDINATES)
    except PellucidError:
        return False
    return result.passed


def _relative(found: Array, expected: Array) -> float:
    known = np.isfinite(expected)
    scale = float(np.max(np.abs(expected[known]), initial=0))
    return float(np.max(np.abs(found[known] - expected[known]), initial=0)) / (scale or 1)


if __name__ == "__main__":
    sys.exit(main() > 0)
