"""Engines run networks: one interface, the same names, results equal within a stated bound."""

from pellucid.engine.choice import available, get
from pellucid.engine.interface import Engine, Predictor, Scaling, StepLog, Task, Trainer, Update, state_name
from pellucid.engine.scores import Score, score

__all__ = [
    "Engine", "Predictor", "Scaling", "Score", "StepLog", "Task", "Trainer", "Update", "available",
    "get", "score", "state_name",
]  # fmt: skip
