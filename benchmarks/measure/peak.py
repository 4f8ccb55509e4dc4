"""The processor's peak: fused multiply-adds on full vectors, as many independent ones as hide the latency."""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np

from pellucid.compiler.machine import aligned, compiled, host

__all__ = ["peak", "peak_code"]

# Multiply-adds that an accumulator gets in one turn of the loop.
REPEATED = 8


def _shape() -> tuple[int, int]:
    """Lanes of float32 in the widest vector, and accumulators that leave two registers free."""
    where = host()
    features = set(where.features.split(","))
    if "+avx512f" in features:
        return 16, 28
    return (8, 12) if "+avx2" in features else (4, 28)


def peak_code(lanes: int, accumulators: int) -> str:
    """``peak(numbers, turns)``: a loop of nothing but multiply-adds, as LLVM's text."""
    kind = f"<{lanes} x float>"
    body = []
    for turn in range(REPEATED):
        for a in range(accumulators):
            before = f"%a{a}" if turn == 0 else f"%a{a}_{turn - 1}"
            arguments = f"{kind} {before}, {kind} %factor, {kind} %term"
            body.append(f"  %a{a}_{turn} = call {kind} @llvm.fma.v{lanes}f32({arguments})")
    last = REPEATED - 1
    numbers = range(accumulators)
    return "\n".join(
        [
            f"declare {kind} @llvm.fma.v{lanes}f32({kind}, {kind}, {kind})",
            "define void @peak(ptr %numbers, i64 %turns) {",
            "entry:",
            f"  %factor = load {kind}, ptr %numbers",
            f"  %term_p = getelementptr {kind}, ptr %numbers, i64 1",
            f"  %term = load {kind}, ptr %term_p",
            *(f"  %p{a} = getelementptr {kind}, ptr %numbers, i64 {a + 2}" for a in numbers),
            *(f"  %s{a} = load {kind}, ptr %p{a}" for a in numbers),
            "  br label %loop",
            "loop:",
            "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
            *(f"  %a{a} = phi {kind} [ %s{a}, %entry ], [ %a{a}_{last}, %loop ]" for a in numbers),
            *body,
            "  %next = add i64 %i, 1",
            "  %more = icmp slt i64 %next, %turns",
            "  br i1 %more, label %loop, label %leave",
            "leave:",
            *(f"  store {kind} %a{a}_{last}, ptr %p{a}" for a in numbers),
            "  ret void",
            "}",
        ]
    )


def peak(threads: int, seconds: float = 0.2) -> float:
    """Multiply-adds a second of float32 on so many threads at once: the best of five tries."""
    lanes, accumulators = _shape()
    code = compiled(peak_code(lanes, accumulators))
    run = code.function("peak", ctypes.c_void_p, ctypes.c_int64)
    buffers = [aligned(lanes * (accumulators + 2), np.dtype(np.float32)) for _ in range(threads)]
    for buffer in buffers:
        buffer[:] = 0.5
    turns = 100_000
    passed = 0.0
    while passed < seconds / 5:
        turns = turns * 2 if passed else turns
        passed = _race(run, buffers, turns)
    best = min(_race(run, buffers, turns) for _ in range(5))
    return threads * turns * REPEATED * accumulators * lanes / best


def _race(run: object, buffers: list[np.ndarray], turns: int) -> float:
    assert callable(run)
    workers = [threading.Thread(target=run, args=(b.ctypes.data, turns)) for b in buffers]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began
