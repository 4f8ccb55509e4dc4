"""Engines run networks: one interface, the same names, results equal within a stated bound."""

from pellucid.engine.choice import available, get
from pellucid.engine.interface import Engine, Predictor, Scaling, StepLog, Task, Trainer, Update, state_name

__all__ = [
    "Engine", "Predictor", "Scaling", "StepLog", "Task", "Trainer", "Update", "available", "get",
    "state_name",
]  # fmt: skip
