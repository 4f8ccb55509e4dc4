"""Training: optimisers, schedules, the loop over epochs, checkpoints."""

from pellucid.training.callbacks import Callback, JsonLines, Moment, json_lines
from pellucid.training.checkpoint import Checkpoint, load_checkpoint
from pellucid.training.interrupt import TrainingInterrupted
from pellucid.training.optimiser import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, Optimiser
from pellucid.training.options import Options
from pellucid.training.progress import ProgressBar
from pellucid.training.schedule import SCHEDULES, Constant, Cosine, OneCycle, Schedule, Step
from pellucid.training.tensorboard import TensorBoard
from pellucid.training.train import train

__all__ = [
    "OPTIMISERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "Checkpoint",
    "Constant",
    "Cosine",
    "JsonLines",
    "Moment",
    "Momentum",
    "Nesterov",
    "OneCycle",
    "Optimiser",
    "Options",
    "ProgressBar",
    "Schedule",
    "Step",
    "TensorBoard",
    "TrainingInterrupted",
    "json_lines",
    "load_checkpoint",
    "train",
]
