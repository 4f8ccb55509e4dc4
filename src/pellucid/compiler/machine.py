"""LLVM: text to machine code for this processor."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from pellucid.compiler.schedule import Unit
from pellucid.errors import FormulaError

__all__ = ["Code", "Host", "aligned", "assembly", "compiled", "host", "loaded", "object_code"]


# Bytes of a large page; smaller ones need an entry each in the processor's table of pages, which is short.
LARGE_PAGE = 1 << 21
# Numbers too small to be written with a full fraction count as 0 between these calls, for a processor takes a
# hundred times longer with them; they say so to the processor, each in its own way.
SUBNORMALS = {
    "x86_64": """
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define internal i64 @subnormals_off() {
  %room = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %room)
  %old = load i32, ptr %room
  %new = or i32 %old, 32832
  store i32 %new, ptr %room
  call void @llvm.x86.sse.ldmxcsr(ptr %room)
  %wide = zext i32 %old to i64
  ret i64 %wide
}
define internal void @subnormals_back(i64 %wide) {
  %room = alloca i32
  %old = trunc i64 %wide to i32
  store i32 %old, ptr %room
  call void @llvm.x86.sse.ldmxcsr(ptr %room)
  ret void
}
""",
    "aarch64": """
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)
define internal i64 @subnormals_off() {
  %old = call i64 @llvm.aarch64.get.fpcr()
  %new = or i64 %old, 16777216
  call void @llvm.aarch64.set.fpcr(i64 %new)
  ret i64 %old
}
define internal void @subnormals_back(i64 %old) {
  call void @llvm.aarch64.set.fpcr(i64 %old)
  ret void
}
""",
}


@dataclass(frozen=True)
class Host:
    """The processor that code is made for."""

    triple: str
    cpu: str
    features: str

    @property
    def family(self) -> str:
        """The instruction set's name: the first word of the triple."""
        return {"arm64": "aarch64", "amd64": "x86_64"}.get(name := self.triple.split("-")[0], name)


    def unit(self, kind: str) -> Unit:
        """Its vector unit, on numbers of LLVM's type "float" or "double"."""
        itemsize = {"float": 4, "double": 8}[kind]
        if self.family == "aarch64":
            return Unit(32, 16, itemsize)
        wide = "+avx512f" in self.features or self.cpu == "x86-64-v4"
        return Unit(32, 64, itemsize) if wide else Unit(16, 32, itemsize)


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

    def __init__(self, engine: llvm.ExecutionEngine) -> None:
        self._engine = engine

    def function(self, name: str, *arguments: type) -> Callable[..., None]:
        address = self._engine.get_function_address(name)
        if not address:
            raise FormulaError(f"the compiled code has no function {name!r}")
        return ctypes.CFUNCTYPE(None, *arguments)(address)


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros at an address that vectors like; many of them on large pages, where the system has such."""
    wanted = size * dtype.itemsize
    page = LARGE_PAGE if wanted >= LARGE_PAGE // 4 and hasattr(mmap, "MADV_HUGEPAGE") else 0
    if page:
        room = mmap.mmap(-1, -(-wanted // page) * page + page)
        # a wish: without large pages it is the same memory
        with contextlib.suppress(OSError):
            room.madvise(mmap.MADV_HUGEPAGE)
        raw = np.frombuffer(room, np.uint8)
    else:
        raw = np.zeros(wanted + 64, np.uint8)
    start = -raw.ctypes.data % (page or 64)
    return raw[start : start + wanted].view(dtype)


def compiled(text: str, where: Host | None = None) -> Code:
    """A module's code, made and loaded; for this processor or one that it can do duty for."""
    where = where or host()
    return loaded(object_code(text, where), where)


def object_code(text: str, where: Host) -> bytes:
    """A module's code for a processor, as an object file that `loaded` takes.

    Raises:
        FormulaError: LLVM does not take the module.
    """
    machine = _target_machine(where)
    made: bytes = machine.emit_object(_optimised(text, machine, where))
    return made


def assembly(text: str, where: Host | None = None) -> str:
    """The same code, to be read."""
    where = where or host()
    machine = _target_machine(where)
    written: str = machine.emit_assembly(_optimised(text, machine, where))
    return written


def loaded(code: bytes, where: Host) -> Code:
    """Code in memory from an object file that was made for this processor, by `object_code`."""
    empty = llvm.parse_assembly("")
    empty.triple = where.triple
    engine = llvm.create_mcjit_compiler(empty, _target_machine(where))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Code(engine)


def _optimised(text: str, machine: llvm.TargetMachine, where: Host) -> llvm.ModuleRef:
    """The module parsed, verified and through LLVM's passes."""
    if "@subnormals_off" in text:
        text += SUBNORMALS[where.family]
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise FormulaError(f"LLVM refuses the module: {error}") from None
    module.triple = where.triple
    module.data_layout = str(machine.target_data)
    # loops and what they keep in registers are chosen already; LLVM's whole pipeline made no network faster
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    passes.run(module, builder)
    return module
