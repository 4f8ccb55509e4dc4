"""Makes a training step of a network ready, does one, and prints how long the making took, in seconds."""

import sys
import time

import numpy as np

from pellucid import engine, zoo
from pellucid.engine import Task
from pellucid.training.optimiser import SGD

network = zoo.load(sys.argv[1])
images = np.zeros((64, *network.input_shape), np.float32)
labels, parameters = np.zeros(64, np.int64), network.initial_parameters(0)
task = Task(network, images, labels, parameters, SGD().update, batch_size=64, threads=2)
made = engine.get("compiled")
began = time.perf_counter()
trainer = made.trainer(task)
print(time.perf_counter() - began)
trainer.run(np.arange(64), 0, np.full(1, 1e-3))
