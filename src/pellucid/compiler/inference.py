"""A prediction's loops: each thread takes a run of the images, tile by tile."""

from __future__ import annotations

from pellucid.compiler.context import fields, pointers

__all__ = ["inference_worker"]


def inference_worker(kind: str, tile: int) -> str:
    """One thread of a prediction: ``predict(context, thread)``; images are cut into runs of equal length."""
    names = ("order", "scalars", "parameters", "control", "total", "threads", "arenas", "arena_bytes")
    lines = ["define void @predict(ptr %context, i64 %thread) {", "entry:"]
    lines += fields(names) + pointers(("order", "scalars", "parameters", "control"))
    lines += [
        "  %subnormals = call i64 @subnormals_off()",
        "  %arena_move = mul i64 %thread, %arena_bytes",
        "  %arena_at = add i64 %arenas, %arena_move",
        "  %arena = inttoptr i64 %arena_at to ptr",
        "  %low_n = mul i64 %thread, %total",
        "  %low = sdiv i64 %low_n, %threads",
        "  %after = add i64 %thread, 1",
        "  %high_n = mul i64 %after, %total",
        "  %high = sdiv i64 %high_n, %threads",
        "  %some = icmp slt i64 %low, %high",
        "  br i1 %some, label %tile_head, label %leave",
        "tile_head:",
        "  %t = phi i64 [ %low, %entry ], [ %t_next, %tile_head ]",
        "  %rest = sub i64 %high, %t",
        f"  %few = icmp slt i64 %rest, {tile}",
        f"  %m = select i1 %few, i64 %rest, i64 {tile}",
        "  %places = getelementptr i64, ptr %order_p, i64 %t",
        "  call void @gather(ptr %context, ptr %arena, ptr %places, i64 %m)",
        "  call void @tile(ptr %arena, ptr %parameters_p, ptr %arena, ptr %scalars_p, i64 %m)",
        "  call void @scatter(ptr %context, ptr %arena, i64 %t, i64 %m)",
        f"  %t_next = add i64 %t, {tile}",
        "  %unfinished = icmp slt i64 %t_next, %high",
        "  %asked = load atomic i64, ptr %control_p monotonic, align 8",
        "  %unasked = icmp eq i64 %asked, 0",
        "  %more = and i1 %unfinished, %unasked",
        "  br i1 %more, label %tile_head, label %leave",
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
