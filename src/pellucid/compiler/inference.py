"""A prediction's loop: each thread takes the next tile of images until none is left."""

from __future__ import annotations

from pellucid.compiler.context import CONTROL, fields, pointers

__all__ = ["inference_worker"]


def inference_worker(kind: str, tile: int) -> str:
    """One thread of a prediction: ``predict(context, thread)``; one that begins late finds less to do."""
    names = ("order", "scalars", "parameters", "control", "total", "arenas", "arena_bytes")
    lines = ["define void @predict(ptr %context, i64 %thread) {", "entry:"]
    lines += fields(names) + pointers(("order", "scalars", "parameters", "control"))
    lines += [
        "  %subnormals = call i64 @subnormals_off()",
        "  %arena_move = mul i64 %thread, %arena_bytes",
        "  %arena_at = add i64 %arenas, %arena_move",
        "  %arena = inttoptr i64 %arena_at to ptr",
        f"  %taken_p = getelementptr i64, ptr %control_p, i64 {CONTROL.index('taken')}",
        "  br label %take",
        "take:",
        f"  %t = atomicrmw add ptr %taken_p, i64 {tile} monotonic",
        "  %rest = sub i64 %total, %t",
        "  %some = icmp sgt i64 %rest, 0",
        "  br i1 %some, label %work, label %leave",
        "work:",
        f"  %few = icmp slt i64 %rest, {tile}",
        f"  %m = select i1 %few, i64 %rest, i64 {tile}",
        "  %places = getelementptr i64, ptr %order_p, i64 %t",
        "  call void @gather(ptr %context, ptr %arena, ptr %places, i64 %m)",
        "  call void @tile(ptr %arena, ptr %parameters_p, ptr %arena, ptr %scalars_p, i64 %m)",
        "  call void @scatter(ptr %context, ptr %arena, i64 %t, i64 %m)",
        "  %asked = load atomic i64, ptr %control_p monotonic, align 8",
        "  %unasked = icmp eq i64 %asked, 0",
        "  br i1 %unasked, label %take, label %leave",
        "leave:",
        "  call void @subnormals_back(i64 %subnormals)",
        "  ret void",
        "}",
        "define void @prepare(ptr %context, i64 %thread) {",
        "entry:",
        *fields(("scalars", "parameters", "arenas")),
        *pointers(("scalars", "parameters", "arenas")),
        "  call void @repack(ptr %arenas_p, ptr %parameters_p, ptr %arenas_p, ptr %scalars_p, i64 1)",
        "  ret void",
        "}",
    ]
    return "\n".join(lines)
