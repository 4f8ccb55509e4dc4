"""How much training a set of images takes: the values of what is "auto"."""

from __future__ import annotations

__all__ = ["batch_size_for", "dtype_for", "epochs_for"]

FEWEST_EPOCHS, MOST_EPOCHS = 15, 200
# Where that many steps take more epochs than the fewest, there are more.
STEPS = 600
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
# Up to here every step sees all samples.
FULL_BATCH = 256
# Up to so many values, float64 costs nothing that one would notice.
TINY = 2**16


def batch_size_for(samples: int) -> int:
    """Samples a step: all of a few, else at least one in 500, a power of two from 32 to 128.

    >>> [batch_size_for(n) for n in (100, 1500, 50000)]
    [100, 32, 128]
    """
    if samples <= FULL_BATCH:
        return samples
    size = SMALLEST_BATCH
    while size < LARGEST_BATCH and size * 500 < samples:
        size *= 2
    return size


def epochs_for(samples: int, batch_size: int) -> int:
    """Enough of them for a small set to be learned.

    >>> epochs_for(100, 100), epochs_for(1500, 32), epochs_for(50000, 64)
    (200, 15, 15)
    """
    steps = -(-samples // batch_size)
    return min(max(FEWEST_EPOCHS, -(-STEPS // steps)), MOST_EPOCHS)


def dtype_for(samples: int, features: int) -> str:
    """float64 for a tiny set, else float32."""
    return "float64" if samples * features <= TINY else "float32"
