"""How many threads one fit may use, beside others that run at the same time."""

from __future__ import annotations

import os

from pellucid.engine.processors import threads_by_default
from pellucid.errors import UsageError
from pellucid.layers.options import is_whole

__all__ = ["threads_for"]

# What joblib's workers are told: each one's share of the cores.
_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


def threads_for(n_jobs: int | None) -> int:
    """Threads for one fit or prediction: no more than there is room for.

    Args:
        n_jobs: threads that are wanted; None and -1 for as many as there is room for, -2 for one less.

    Returns:
        At least 1.  There is room for the cores that the process may use; within a worker of joblib, for its
        share of them; and never for more than `threadpoolctl` or the usual variables, such as
        ``OMP_NUM_THREADS``, allow.

    Raises:
        UsageError: no such number.

    >>> threads_for(1)
    1
    """
    if n_jobs is not None and not (is_whole(n_jobs, -(2**31)) and n_jobs != 0):
        raise UsageError(f"n_jobs is a whole number other than 0, or None, not {n_jobs!r}")
    room = _room()
    if n_jobs is None:
        return room
    return min(n_jobs, room) if n_jobs > 0 else max(1, room + 1 + n_jobs)


def _room() -> int:
    from joblib.parallel import get_active_backend
    from threadpoolctl import threadpool_info

    if get_active_backend()[0].nesting_level and _shares_its_process():
        return 1
    told = [int(value) for name in _VARIABLES if (value := os.environ.get(name, "")).isdigit()]
    pools: list[int] = [pool["num_threads"] for pool in threadpool_info()]
    return max(1, min([threads_by_default(), *told, *pools]))


def _shares_its_process() -> bool:
    """Whether joblib runs its tasks as threads here, or in processes that were told nothing."""
    from multiprocessing import current_process, parent_process

    return parent_process() is None or current_process().daemon
