"""Twelve thousand damaged and hostile data, model and ONNX files: each a clean error or what it means."""

from __future__ import annotations

import sys
from collections import defaultdict

from evidence import table
from tests.hostile.guarded import MEMORY, guarded
from tests.hostile.outcome import READ, REFUSED, SLOW, Outcome

SHARES = {"data_files": 8_400, "model_files": 1_600, "onnx_files": 2_100}
CHUNK = 400  # files a process


def main() -> int:
    """Run all shares, write the table, and return the number of failures."""
    outcomes = [
        outcome
        for module, share in SHARES.items()
        for start in range(0, share, CHUNK)
        for outcome in guarded(module, min(CHUNK, share - start), seed=start, seconds=3600)
    ]
    failures = [outcome for outcome in outcomes if outcome.failed]
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.format, outcome.mutation].append(outcome)
    table.write(
        "hostile_files",
        "Damaged and hostile files",
        question="Is each damaged or hostile file refused with one sentence that names it, or read as what "
        f"its bytes mean? Each reader had {MEMORY >> 20} MiB beyond its imports, in a process of its own, "
        f"and {SLOW:.0f} s of the processor a file.",
        counts={"Files": len(outcomes), "Failures": len(failures)},
        columns=["format", "mutation", "files", "refused", "read", "failed", "slowest, s"],
        rows=[_row(*key, group) for key, group in sorted(groups.items())],
    )
    for outcome in failures:
        print(outcome, file=sys.stderr)
    return len(failures)


def _row(format: str, mutation: str, group: list[Outcome]) -> list[object]:
    results = [outcome.result for outcome in group]
    failed = sum(outcome.failed for outcome in group)
    slowest = max(outcome.seconds for outcome in group)
    return [format, mutation, len(group), results.count(REFUSED), results.count(READ), failed, slowest]


if __name__ == "__main__":
    sys.exit(main() > 0)
