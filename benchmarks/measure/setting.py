"""What holds for every measurement: threads, rounds, and which frameworks must be there."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["NETWORKS", "ROOT", "THREADS", "Setting", "asked", "require"]

THREADS = 2
NETWORKS = ("cifar-two-conv", "mnist-one-conv", "mnist-maxpool", "mnist-avgpool")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Setting:
    """How long and what to measure.

    Attributes:
        rounds: how often each side has its turn.
        seconds: about how long a turn is.
        networks: names.
        batches: images a step.
        without: sides that are left out.
        folder: where tables go.
        quick: whether this only shows that the script works.
    """

    rounds: int
    seconds: float
    networks: Sequence[str]
    batches: Sequence[int]
    without: Collection[str]
    folder: Path
    quick: bool


def asked(
    description: str | None, *, networks: Sequence[str] = NETWORKS, batches: Sequence[int] = ()
) -> Setting:
    """The setting that the command line asks for."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="short turns; the table goes to build/benchmarks/"
    )
    parser.add_argument("--rounds", type=int, help="turns of each side")
    parser.add_argument("--seconds", type=float, help="about how long a turn is")
    parser.add_argument("--network", action="append", choices=networks, help="only this one; may be repeated")
    parser.add_argument("--batch", action="append", type=int, help="only this size; may be repeated")
    parser.add_argument("--without", action="append", default=[], metavar="SIDE", help="leave a side out")
    given = parser.parse_args()
    chosen = given.network or networks, given.batch or batches
    whole = not given.quick and chosen == (networks, batches) and not given.without
    return Setting(
        rounds=given.rounds or (3 if given.quick else 9),
        seconds=given.seconds or (0.05 if given.quick else 0.3),
        networks=chosen[0],
        batches=chosen[1],
        without=frozenset(given.without),
        folder=ROOT / ("docs" if whole else "build") / "benchmarks",
        quick=given.quick,
    )


def require(*modules: str) -> None:
    """Ends with a sentence if the environment lacks what this project is compared with.

    It also gives every side its threads, for which no framework may have been imported yet.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SystemExit(
            f"this benchmark needs {', '.join(missing)}, which this environment does not have; "
            "`make bench` makes one with all that benchmarks/requirements.txt lists"
        )
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):  # the last is JAX's
        os.environ[name] = str(THREADS)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no pool of compilers that lives on beside us
