"""What the threads of a step are given, and where they meet.

Each thread gets one table of addresses and numbers; in it stand the arrays that all threads share, among
them the control block, by which they wait for each other and are asked to stop.
"""

from __future__ import annotations

__all__ = ["CONTROL", "CONTROL_SIZE", "FIELDS", "ROW", "barrier", "fields", "pointers"]

# Numbers in a step's row of scalars.
ROW = 16
# Places in the table of addresses and numbers that a worker is given, 8 bytes each.
FIELDS = (
    "images", "labels", "order", "scalars", "parameters", "log", "control", "steps", "batch", "total",
    "threads", "arenas", "arena_bytes", "gradients", "out", "weights", "masks",
)  # fmt: skip
# Places in the control block: asked to stop, steps done, arrived at the barrier, its turn, whether to stop,
# the first image that no thread has taken.
CONTROL = ("stop", "done", "arrived", "turn", "verdict", "taken")
CONTROL_SIZE = 16


def fields(names: tuple[str, ...]) -> list[str]:
    """Lines that read places of the table, each into a register of its name."""
    lines: list[str] = []
    for name in names:
        at = FIELDS.index(name)
        lines += [
            f"  %at_{name} = getelementptr i64, ptr %context, i64 {at}",
            f"  %{name} = load i64, ptr %at_{name}",
        ]
    return lines


def pointers(names: tuple[str, ...]) -> list[str]:
    """Lines that make pointers of addresses: ``%order_p`` of ``%order``."""
    return [f"  %{name}_p = inttoptr i64 %{name} to ptr" for name in names]


def barrier() -> str:
    """All threads wait here for each other; a waiting thread spins a while, then gives its turn away."""
    return """
declare i32 @sched_yield()
define internal void @meet(ptr %control, i64 %threads) {
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %leave, label %arrive
arrive:
  %turn_p = getelementptr i64, ptr %control, i64 3
  %count_p = getelementptr i64, ptr %control, i64 2
  %turn = load atomic i64, ptr %turn_p acquire, align 8
  %before = atomicrmw add ptr %count_p, i64 1 acq_rel
  %now = add i64 %before, 1
  %last = icmp eq i64 %now, %threads
  br i1 %last, label %release, label %wait
release:
  store atomic i64 0, ptr %count_p monotonic, align 8
  %next = add i64 %turn, 1
  store atomic i64 %next, ptr %turn_p release, align 8
  br label %leave
wait:
  %spins = phi i64 [ 0, %arrive ], [ %more, %spun ]
  %seen = load atomic i64, ptr %turn_p acquire, align 8
  %changed = icmp ne i64 %seen, %turn
  br i1 %changed, label %leave, label %patience
patience:
  %more = add i64 %spins, 1
  %long = icmp sgt i64 %spins, 4000
  br i1 %long, label %yield, label %spun
yield:
  %ignored = call i32 @sched_yield()
  br label %spun
spun:
  br label %wait
leave:
  ret void
}
"""
