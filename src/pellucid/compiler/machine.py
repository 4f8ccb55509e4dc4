"""LLVM: text to machine code for this processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from pellucid.errors import FormulaError

__all__ = ["Code", "Host", "aligned", "compiled", "host"]


@dataclass(frozen=True)
class Host:
    """The processor that code is made for."""

    triple: str
    cpu: str
    features: str


@cache
def host() -> Host:
    """This machine's processor, with the features that it really has."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features.flatten() + ",-prefer-256-bit")


def _target_machine(where: Host) -> llvm.TargetMachine:
    target = llvm.Target.from_triple(where.triple)
    return target.create_target_machine(cpu=where.cpu, features=where.features, opt=2, codemodel="jitdefault")


class Code:
    """Machine code in memory; it lives as long as this object."""

    def __init__(self, engine: llvm.ExecutionEngine, assembly: str) -> None:
        self._engine, self.assembly = engine, assembly

    def function(self, name: str, *arguments: type) -> Callable[..., None]:
        address = self._engine.get_function_address(name)
        if not address:
            raise FormulaError(f"the compiled code has no function {name!r}")
        return ctypes.CFUNCTYPE(None, *arguments)(address)


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros at an address that vectors like."""
    raw = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * dtype.itemsize].view(dtype)


def compiled(text: str, where: Host | None = None) -> Code:
    """Parses, verifies, optimises and emits a module, for this processor or one that it can do duty for."""
    where = where or host()
    machine = _target_machine(where)
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise FormulaError(f"LLVM refuses the module: {error}") from None
    module.triple = where.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_unrolling = options.loop_interleaving = False
    builder = llvm.create_pass_builder(machine, options)
    # the standard pipeline: NewGVN, taken by itself, was seen to merge loads that differ
    passes = builder.getModulePassManager()
    passes.run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return Code(engine, machine.emit_assembly(module))
