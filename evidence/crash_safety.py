"""Trainings killed at random moments, and saves in which each call of the system fails in turn."""

from __future__ import annotations

import sys
from collections import defaultdict

from evidence import table
from pellucid import engine
from tests.training.crashes import Crash, crashes

KILLS = 200
SEED = 20


def main() -> int:
    """Run all crashes, write the table, and return the number of those with something wrong."""
    kills, faults = crashes("kills", KILLS, SEED), crashes("faults", 1.0, SEED)
    wrong = [crash for crash in kills + faults if crash.wrong]
    groups: dict[str, list[Crash]] = defaultdict(list)
    for crash in kills:
        groups["SIGKILL while training" if crash.kind == "kill" and not crash.finished else ""].append(crash)
    ended = len(groups.pop("", []))
    for crash in faults:
        groups[crash.kind].append(crash)
    table.write(
        "crash_safety",
        "Crashes of trainings and of saves",
        question="After a SIGKILL at a random moment, or a failure of any call that a save makes: do the "
        "checkpoint and the model file load, as the state before or after, and does the resumed training end "
        "bit for bit as one that was never stopped? One thread; a checkpoint after every step while killed, "
        "after every epoch while saves fail.",
        counts={
            "Engine": engine.get().name,
            "Kills while training": sum(crash.kind == "kill" and not crash.finished for crash in kills),
            "Trainings that came to their end": ended,
            "Calls of the system that failed": len(faults),
            "Wrong afterwards": len(wrong),
        },
        columns=["crash", "times", "wrong afterwards"],
        rows=[[kind, len(found), sum(bool(c.wrong) for c in found)] for kind, found in groups.items()],
    )
    for crash in wrong:
        print(crash, file=sys.stderr)
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main() > 0)
