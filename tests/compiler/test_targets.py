"""Text for processors that this one is not: the seed networks' contractions are vector instructions there."""

from __future__ import annotations

import re
from functools import cache

import pytest

from pellucid import zoo
from pellucid.compiler.schedule import is_contraction
from pellucid.compiler.targets import TARGETS, target
from pellucid.engine.compiled_stages import Stages, prediction_stages, training_stages
from pellucid.errors import UsageError

SEEDS = ("cifar-two-conv", "mnist-avgpool", "mnist-maxpool", "mnist-one-conv")
# Multiply-adds of the target's whole vectors, and of single numbers.
WIDEST = {
    "avx512": r"vfmadd\d+ps .*%zmm\d+$",
    "avx2": r"vfmadd\d+ps .*%ymm\d+$",
    "aarch64": r"fmla +v\d+\.4s",
}
SINGLE = {"avx512": r"vfmadd\d+s[sd] ", "avx2": r"vfmadd\d+s[sd] ", "aarch64": r"fmadd +[sd]\d+"}


@cache
def contractions(name: str, where: str) -> list[Stages]:
    """Those of a training step and of single images."""
    network = zoo.load(name)
    kernels = (
        *training_stages(network, 64, where=target(where)),
        *prediction_stages(network, 1, where=target(where)),
    )
    return [k for k in kernels if is_contraction(k.nest)]


def inner_loops(assembly: str) -> list[list[str]]:
    """The instructions between a label and a jump back to it, with no label between them."""
    found: list[list[str]] = []
    label, body = "", list[str]()
    for line in assembly.splitlines():
        if line.endswith(":"):
            label, body = line.removesuffix(":"), []
            continue
        body.append(line)
        if label and line.split()[-1] == label:
            found.append(body)
    return found


@pytest.mark.parametrize("where", TARGETS)
@pytest.mark.parametrize("name", SEEDS)
def test_contractions_multiply_and_add_in_vectors(name, where):
    assert len(contractions(name, where)) >= 4
    for kernel in contractions(name, where):
        text = kernel.assembly()
        full = kernel.schedule.lanes * 4 >= {"avx512": 64, "avx2": 32, "aarch64": 16}[where]
        wanted = WIDEST[where] if full else r"vfmadd\d+ps"
        assert re.search(wanted, text, re.MULTILINE), (kernel.equations, str(kernel.schedule))
        for loop in inner_loops(text):
            assert not re.search(SINGLE[where], "\n".join(loop)), kernel.equations


def test_another_processor_is_known_by_its_name():
    with pytest.raises(UsageError, match="there is no target 'abacus'"):
        target("abacus")
