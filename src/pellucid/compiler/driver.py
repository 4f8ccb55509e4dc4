"""The loops around a training pass: steps, shards, tiles, threads that meet at barriers.

A batch is cut into shards by its size alone; each shard adds its gradients into a buffer of its own, and
these are added in a fixed order.  So the number of threads decides who works on what, and nothing else.
"""

from __future__ import annotations

from pellucid.compiler.context import ROW, fields, pointers
from pellucid.compiler.module import SPACES

__all__ = ["squares_function", "training_worker", "update_function"]

# Places of the table that a training reads, and which of them are addresses.
TRAINING = (
    "order", "scalars", "parameters", "log", "control", "steps", "batch", "total", "threads", "arenas",
    "arena_bytes", "gradients",
)  # fmt: skip
TRAINING_POINTERS = ("order", "scalars", "parameters", "log", "control", "gradients")


def training_worker(
    kind: str,
    tile: int,
    sizes: dict[str, int],
    chunks: int,
    chunk: int,
    loss: int,
    correct: int,
    shards: int,
    *,
    added: bool,
    copies: bool,
    masks: bool = False,
    at_once: bool = False,
    norms: int = -1,
) -> str:
    """One thread of a training: the function ``train(context, thread)``.

    Args:
        kind: float or double.
        tile: images that a pass takes at most.
        sizes: elements of the spaces; one shard of gradients has ``sizes["gradients"]``.
        chunks: pieces of the parameters that are updated independently.
        chunk: elements of a piece.
        loss: place of the loss among a shard's gradients.
        correct: place of the number of right answers, or -1.
        shards: 1, 2 or 4 buffers of gradients, over which a batch is spread.
        added: whether a shard may have more tiles than one.
        copies: whether parameters are kept in further orders.
        masks: whether random masks are made for each tile.
        at_once: whether the backward pass changes the parameters; it runs only if the loss is finite.
        norms: place of the chunks' squared norms behind the gradients, or -1 if gradients are not clipped.
    """
    stride = sizes["gradients"]
    clipped = norms >= 0
    return "\n".join([
        "define void @train(ptr %context, i64 %thread) {",
        "entry:",
        *_entry(chunks),
        *(_copying("start") if copies else []),
        "  br label %step",
        *_batch(kind, "start_met" if copies else "entry", shards),
        *_shard(kind, tile, stride, shards, added=added, masks=masks, checked=loss if at_once else -1),
        "shards_done:",
        "  call void @meet(ptr %control_p, i64 %threads)",
        *_summed("loss", kind, loss, stride, shards),
        *_summed("correct", kind, correct, stride, shards),
        "  %zero = fsub double %loss_sum, %loss_sum",
        "  %finite = fcmp oeq double %zero, 0.0",
        "  br i1 %first_thread, label %note, label %noted",
        *NOTE,
        "noted:",
        f"  br i1 %finite, label %{'pieces_done' if at_once else 'squares' if clipped else 'updates'},"
        " label %leave",
        *(_norm(kind, chunks, chunk, norms) if clipped else []),
        *([] if at_once else _updates(kind, chunk)),
        "pieces_done:",
        "  call void @meet(ptr %control_p, i64 %threads)",
        *(_copying("again") if copies else []),
        *NEXT,
    ])  # fmt: skip


def _entry(chunks: int) -> list[str]:
    """What a thread reads once: the table, its arena, and which pieces of the parameters are its own."""
    return [
        *fields(TRAINING),
        *pointers(TRAINING_POINTERS),
        "  %subnormals = call i64 @subnormals_off()",
        "  %arena_move = mul i64 %thread, %arena_bytes",
        "  %arena_at = add i64 %arenas, %arena_move",
        "  %arena = inttoptr i64 %arena_at to ptr",
        "  %first_thread = icmp eq i64 %thread, 0",
        f"  %pieces_low_n = mul i64 %thread, {chunks}",
        "  %pieces_low = sdiv i64 %pieces_low_n, %threads",
        f"  %pieces_high_n = add i64 %pieces_low_n, {chunks}",
        "  %pieces_high = sdiv i64 %pieces_high_n, %threads",
        "  %has_pieces = icmp slt i64 %pieces_low, %pieces_high",
    ]


def _batch(kind: str, before: str, shards: int) -> list[str]:
    """The head of the loop over steps: which images the step takes, and its row of scalars."""
    return [
        "step:",
        f"  %s = phi i64 [ 0, %{before} ], [ %s_next, %go_on ]",
        "  %start = mul i64 %s, %batch",
        "  %left = sub i64 %total, %start",
        "  %short = icmp slt i64 %left, %batch",
        "  %count = select i1 %short, i64 %left, i64 %batch",
        f"  %row_move = mul i64 %s, {ROW}",
        f"  %row = getelementptr {kind}, ptr %scalars_p, i64 %row_move",
        f"  %shards_busy = icmp slt i64 %thread, {shards}",
        "  br i1 %shards_busy, label %shard, label %shards_done",
    ]


def _shard(
    kind: str, tile: int, stride: int, shards: int, *, added: bool, masks: bool, checked: int
) -> list[str]:
    """A thread's shards of a batch, tile by tile, each with gradients that its first tile sets.

    Where a loss is checked, at its place among the gradients, the backward pass runs if it is finite.
    """
    shard_bytes = stride * (4 if kind == "float" else 8)
    arguments = "ptr %arena, ptr %parameters_p, ptr %grad, ptr %row, i64 %m"
    return [
        "shard:",
        "  %h = phi i64 [ %thread, %step ], [ %h_next, %tiles_done ]",
        "  %low_n = mul i64 %h, %count",
        f"  %low = sdiv i64 %low_n, {shards}",
        "  %h_one = add i64 %h, 1",
        "  %high_n = mul i64 %h_one, %count",
        f"  %high = sdiv i64 %high_n, {shards}",
        f"  %grad_move = mul i64 %h, {stride}",
        f"  %grad = getelementptr {kind}, ptr %gradients_p, i64 %grad_move",
        "  %some = icmp slt i64 %low, %high",
        "  br i1 %some, label %tile_head, label %nothing",
        "nothing:",
        f"  call void @llvm.memset.p0.i64(ptr %grad, i8 0, i64 {shard_bytes}, i1 false)",
        "  br label %tiles_done",
        "tile_head:",
        "  %t = phi i64 [ %low, %shard ], [ %t_next, %tile_end ]",
        "  %rest = sub i64 %high, %t",
        f"  %few = icmp slt i64 %rest, {tile}",
        f"  %m = select i1 %few, i64 %rest, i64 {tile}",
        "  %from = add i64 %start, %t",
        "  %places = getelementptr i64, ptr %order_p, i64 %from",
        "  call void @gather(ptr %context, ptr %arena, ptr %places, i64 %m)",
        *(["  call void @noise(ptr %context, ptr %arena, ptr %places, i64 %s, i64 %m)"] if masks else []),
        "  %begins = icmp eq i64 %t, %low",
        "  br i1 %begins, label %tile_first, label %tile_more",
        "tile_first:",
        *(_checked(kind, arguments, checked) if checked >= 0 else [f"  call void @first({arguments})"]),
        "  br label %tile_end",
        "tile_more:",
        f"  call void @tile({arguments})" if added else "  unreachable",
        *(["  br label %tile_end"] if added else []),
        "tile_end:",
        f"  %t_next = add i64 %t, {tile}",
        "  %more_tiles = icmp slt i64 %t_next, %high",
        "  br i1 %more_tiles, label %tile_head, label %tiles_done",
        "tiles_done:",
        "  %h_next = add i64 %h, %threads",
        f"  %more_shards = icmp slt i64 %h_next, {shards}",
        "  br i1 %more_shards, label %shard, label %shards_done",
    ]


def _checked(kind: str, arguments: str, loss: int) -> list[str]:
    """The forward pass, and the backward pass if the loss is finite."""
    return [
        f"  call void @forward({arguments})",
        f"  %tile_loss_p = getelementptr {kind}, ptr %grad, i64 {loss}",
        f"  %tile_loss = load {kind}, ptr %tile_loss_p",
        f"  %tile_zero = fsub {kind} %tile_loss, %tile_loss",
        f"  %tile_finite = fcmp oeq {kind} %tile_zero, 0.0",
        "  br i1 %tile_finite, label %tile_backward, label %tile_end",
        "tile_backward:",
        f"  call void @backward({arguments})",
    ]


def _summed(name: str, kind: str, at: int, stride: int, shards: int) -> list[str]:
    """The sum of one number of all shards, in double, in order; 0 if there is none."""
    if at < 0:
        return [f"  %{name}_sum = fadd double 0.0, 0.0"]
    lines: list[str] = []
    for s in range(shards):
        lines += [
            f"  %{name}_p{s} = getelementptr {kind}, ptr %gradients_p, i64 {s * stride + at}",
            f"  %{name}_v{s} = load {kind}, ptr %{name}_p{s}",
        ]
    for s in range(shards):
        same = f"fadd double %{name}_v{s}, 0.0"
        lines.append(f"  %{name}_w{s} = {f'fpext float %{name}_v{s} to double' if kind == 'float' else same}")
    total = f"%{name}_w0"
    for s in range(1, shards):
        lines.append(f"  %{name}_a{s} = fadd double {total}, %{name}_w{s}")
        total = f"%{name}_a{s}"
    return [*lines, f"  %{name}_sum = fadd double {total}, 0.0"]


# The first thread notes the step's loss and right answers, that it is done, and whether it is to be the last.
NOTE = (
    "note:",
    "  %log_move = mul i64 %s, 2",
    "  %log_a = getelementptr double, ptr %log_p, i64 %log_move",
    "  store double %loss_sum, ptr %log_a",
    "  %log_b = getelementptr double, ptr %log_a, i64 1",
    "  store double %correct_sum, ptr %log_b",
    "  %done_p = getelementptr i64, ptr %control_p, i64 1",
    "  %done_now = add i64 %s, 1",
    "  store atomic i64 %done_now, ptr %done_p release, align 8",
    "  %asked = load atomic i64, ptr %control_p monotonic, align 8",
    "  %verdict_p = getelementptr i64, ptr %control_p, i64 4",
    "  store i64 %asked, ptr %verdict_p",
    "  br label %noted",
)


# The next step, unless this was the last or somebody has asked to stop.
NEXT = (
    "  %verdict_q = getelementptr i64, ptr %control_p, i64 4",
    "  %verdict = load i64, ptr %verdict_q",
    "  %s_next = add i64 %s, 1",
    "  %more_steps = icmp slt i64 %s_next, %steps",
    "  %wanted = icmp eq i64 %verdict, 0",
    "  %on = and i1 %more_steps, %wanted",
    "  br i1 %on, label %go_on, label %leave",
    "go_on:",
    "  br label %step",
    "leave:",
    "  call void @subnormals_back(i64 %subnormals)",
    "  ret void",
    "}",
    "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)",
)


def _updates(kind: str, chunk: int) -> list[str]:
    """A thread's pieces of the parameters, one after the other, each changed by the optimiser's equations."""
    return [
        "updates:",
        "  br i1 %has_pieces, label %piece, label %pieces_done",
        "piece:",
        "  %k = phi i64 [ %pieces_low, %updates ], [ %k_next, %piece ]",
        f"  %k_move = mul i64 %k, {chunk}",
        f"  %p_k = getelementptr {kind}, ptr %parameters_p, i64 %k_move",
        f"  %g_k = getelementptr {kind}, ptr %gradients_p, i64 %k_move",
        "  call void @update(ptr %p_k, ptr %g_k, ptr %row)",
        "  %k_next = add i64 %k, 1",
        "  %more_pieces = icmp slt i64 %k_next, %pieces_high",
        "  br i1 %more_pieces, label %piece, label %pieces_done",
    ]


def _norm(kind: str, chunks: int, chunk: int, norms: int) -> list[str]:
    """Squares of all gradients added, chunk by chunk and then in order, into the last scalar of the step."""
    return [
        "squares:",
        "  br i1 %has_pieces, label %square, label %squares_done",
        "square:",
        "  %q = phi i64 [ %pieces_low, %squares ], [ %q_next, %square ]",
        f"  %q_move = mul i64 %q, {chunk}",
        f"  %g_q = getelementptr {kind}, ptr %gradients_p, i64 %q_move",
        f"  %norm_at = add i64 %q, {norms}",
        f"  %norm_q = getelementptr {kind}, ptr %gradients_p, i64 %norm_at",
        "  call void @squared(ptr %norm_q, ptr %g_q)",
        "  %q_next = add i64 %q, 1",
        "  %more_squares = icmp slt i64 %q_next, %pieces_high",
        "  br i1 %more_squares, label %square, label %squares_done",
        "squares_done:",
        "  call void @meet(ptr %control_p, i64 %threads)",
        "  br i1 %first_thread, label %norm_head, label %norm_known",
        "norm_head:",
        "  %z = phi i64 [ 0, %squares_done ], [ %z_next, %norm_head ]",
        f"  %norm_so_far = phi {kind} [ 0.0, %squares_done ], [ %norm_sum, %norm_head ]",
        f"  %z_at = add i64 %z, {norms}",
        f"  %z_p = getelementptr {kind}, ptr %gradients_p, i64 %z_at",
        f"  %z_v = load {kind}, ptr %z_p",
        f"  %norm_sum = fadd {kind} %norm_so_far, %z_v",
        "  %z_next = add i64 %z, 1",
        f"  %more_norms = icmp slt i64 %z_next, {chunks}",
        "  br i1 %more_norms, label %norm_head, label %norm_store",
        "norm_store:",
        f"  %norm_p = getelementptr {kind}, ptr %row, i64 {ROW - 1}",
        f"  store {kind} %norm_sum, ptr %norm_p",
        "  br label %norm_known",
        "norm_known:",
        "  call void @meet(ptr %control_p, i64 %threads)",
        "  br label %updates",
    ]


def _copying(name: str) -> list[str]:
    return [
        f"  br i1 %first_thread, label %{name}_copy, label %{name}_copied",
        f"{name}_copy:",
        "  call void @repack(ptr %arena, ptr %parameters_p, ptr %gradients_p, ptr %scalars_p, i64 1)",
        f"  br label %{name}_copied",
        f"{name}_copied:",
        "  call void @meet(ptr %control_p, i64 %threads)",
        f"  br label %{name}_met",
        f"{name}_met:",
    ]


def squares_function(calls: int) -> str:
    """``squared(norm, gradients)`` of one chunk: its shards added up, and the sum of their squares."""
    lines = ["define internal void @squared(ptr %arena, ptr %gradients) {", "entry:"]
    arguments = "ptr %arena, ptr %gradients, ptr %gradients, ptr %gradients"
    lines += [f"  call void @square{i}({arguments}, i64 1)" for i in range(calls)]
    return "\n".join([*lines, "  ret void", "}"])


def update_function(kind: str, scratch: int, calls: int) -> str:
    """``update(parameters, gradients, scalars)`` of one chunk: the optimiser's equations in order."""
    lines = [
        "define internal void @update(ptr %parameters, ptr %gradients, ptr %scalars) {",
        "entry:",
        f"  %arena = alloca {kind}, i64 {scratch}, align 64",
    ]
    arguments = ", ".join(f"ptr %{s}" for s in SPACES)
    lines += [f"  call void @change{i}({arguments}, i64 1)" for i in range(calls)]
    return "\n".join([*lines, "  ret void", "}"])
