"""The same network, trained or run by one framework a file.

Each file offers dictionaries from a side's name to a function that makes it ready: ``TRAINING`` from a
`Problem` to a function that does a number of training steps and returns the last one's loss, ``INFERENCE``
from a `Problem` to a function that runs a number of batches and returns the last one's outputs.
"""
