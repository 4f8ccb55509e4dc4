"""`pellucid compile`: what is told of each kernel."""

from __future__ import annotations

import click
import pytest

from pellucid.cli.compile import compile
from pellucid.compiler.targets import TARGETS
from pellucid.engine.compiled_stages import STAGES
from tests.cli.invoke import events, failed, invoke

NET = "mnist-maxpool"


def test_each_kernel_has_its_equations_and_its_loops() -> None:
    kernels = events("compile", NET, "--show", "nest")
    keys = {"event", "name", "tensors", "equations", "vectors", "show", "text"}
    assert all(k.keys() == keys and k["event"] == "kernel" and k["show"] == "nest" for k in kernels)
    made = [tensor for k in kernels for tensor in k["tensors"]]
    assert made.index("conv1") < made.index("maxpool1") < made.index("loss") < made.index("d conv1.weight")
    (weights,) = (k for k in kernels if "d dense1.weight" in k["tensors"])
    assert weights["equations"] == ["d dense1.weight[k,d] = sum[n<8] d dense1[n,k]*flatten1[n,d]"]
    assert "for k < 10:" in weights["text"]


def test_a_kernel_for_people() -> None:
    first, *rest = invoke("compile", NET, "--kernel", "conv1").stdout.splitlines()
    assert first.endswith(
        ": conv1[n,k,i,j] = conv1.bias[k] + sum[u<3,v<3] conv1.weight[k,0,u,v]*input[n,0,i + u,j + v]"
    )
    lines = [line.strip() for line in rest]
    assert "vector k x 8" in lines
    assert "100% of the work in vectors" in lines


def test_prediction_has_no_gradients() -> None:
    training = {t for k in events("compile", NET, "--batch", 8) for t in k["tensors"]}
    predicting = {t for k in events("compile", NET, "--batch", 8, "--predict") for t in k["tensors"]}
    assert {t for t in training - predicting if t.startswith("d ")}
    assert not {t for t in predicting if t.startswith("d ") or t == "loss"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_llvm_is_a_module_of_the_kernel(dtype: str) -> None:
    (told,) = events("compile", NET, "--kernel", "d conv1.weight", "--show", "llvm", "--dtype", dtype)
    kind = {"float32": "float", "float64": "double"}[dtype]
    assert told["text"].startswith(f"define void @{told['name']}(")
    assert f"<8 x {kind}>" in told["text"]


@pytest.mark.parametrize(
    ("target", "instruction"), [("avx512", "ymm"), ("avx2", "ymm"), ("aarch64", ".4s"), ("host", "\n")]
)
def test_assembly_of_a_target(target: str, instruction: str) -> None:
    (told,) = events("compile", NET, "--kernel", "d conv1.weight", "--show", "asm", "--target", target)
    assert instruction in told["text"]
    assert ".cfi" not in told["text"]


def test_a_model_takes_bytes(model: object) -> None:
    inputs = [k for k in events("compile", model) if "input" in k["tensors"]]
    assert [k["equations"] for k in inputs] != []
    assert "@image" in inputs[0]["equations"][0]


def test_wrong_use() -> None:
    assert failed(2, "compile", NET, "--kernel", "conv9").startswith("there is no kernel 'conv9'; ")
    assert "no network 'abacus'" in failed(2, "compile", "abacus")
    assert "--batch" in failed(2, "compile", NET, "--batch", 0)


def test_the_options_offer_what_there_is() -> None:
    choices = {p.name: p.type.choices for p in compile.params if isinstance(p.type, click.Choice)}
    assert choices["show"] == STAGES
    assert choices["target"] == ("host", *TARGETS)
