"""ONNX's own tests of its operators: what is imported gives what ONNX says, on both engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pellucid import ModelFileError, from_onnx
from tests.interop.onnx_cases import LEFT_OUT, OPERATORS, OnnxCase, left_out_cases, onnx_cases, outputs

CASES = onnx_cases()
# Machine code takes a moment for each; `make evidence-onnx_import` runs all on both engines.
COMPILED = CASES[::2]


def check(case: OnnxCase, engine: str, folder: Path) -> None:
    path = folder / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    found = outputs(case, from_onnx(path, one_image=not case.batched), engine)
    assert found.shape == case.outputs.shape
    # ONNX's own tolerance, in which cases are written whose values were typed with four digits.
    np.testing.assert_allclose(found, case.outputs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numpy_gives_what_onnx_says(case: OnnxCase, tmp_path: Path) -> None:
    check(case, "numpy", tmp_path)


@pytest.mark.parametrize("case", COMPILED, ids=str)
def test_compiled_code_gives_what_onnx_says(case: OnnxCase, tmp_path: Path) -> None:
    check(case, "compiled", tmp_path)


def test_enough_cases_run() -> None:
    ours = [case for case in CASES if case.operators <= OPERATORS]
    assert len(ours) >= 200
    assert len(CASES) >= 400
    assert len(COMPILED) >= 200
    # Constant is run only beside others.
    assert {operator for case in CASES for operator in case.operators} >= OPERATORS


@pytest.mark.parametrize("case", left_out_cases(), ids=str)
def test_what_is_left_out_is_refused_with_a_sentence(case: OnnxCase, tmp_path: Path) -> None:
    path = tmp_path / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    with pytest.raises(ModelFileError, match=r"case\.onnx: .*[a-z]") as error:
        from_onnx(path, one_image=not case.batched)
    assert "\n" not in str(error.value)


def test_what_is_left_out_exists() -> None:
    assert {case.name for case in left_out_cases()} == LEFT_OUT.keys()
