"""The errors of pellucid: each says in one sentence what was given, what was expected and where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CheckFailed",
    "DataError",
    "FileFormatError",
    "FormulaError",
    "GeometryError",
    "MissingPackageError",
    "ModelFileError",
    "NetworkError",
    "NotFoundError",
    "PellucidError",
    "ResourceError",
    "TrainingError",
    "UnknownNameError",
    "UsageError",
    "missing",
    "unknown",
]


class PellucidError(Exception):
    """Base class of every error that pellucid raises on purpose."""


class UsageError(PellucidError, ValueError):
    """An argument or option that cannot be used as given."""


class UnknownNameError(UsageError, KeyError):
    """A name that a mapping does not have."""

    __str__ = Exception.__str__  # a KeyError puts its sentence into quotes


class MissingPackageError(UsageError, ImportError):
    """A package that only one part of pellucid needs, and that is not installed."""


class FormulaError(PellucidError, ValueError):
    """A formula that cannot be read, or whose letters do not fit together."""


class GeometryError(FormulaError):
    """Shapes, strides and paddings that contradict each other."""


class NetworkError(PellucidError, ValueError):
    """A network whose layers cannot be joined, or that a file describes wrongly.

    Attributes:
        place: where in the description, such as ``("layer", 2, "padding")``; empty if it is not one place.
    """

    def __init__(self, message: str = "", place: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.place = place


class DataError(PellucidError, ValueError):
    """Images or labels that cannot be used: wrong shape, range, type or count."""


class FileFormatError(DataError):
    """A data file whose bytes are not what its format requires."""


class ModelFileError(PellucidError, ValueError):
    """A model file or checkpoint that is damaged or not one of ours."""


class ResourceError(PellucidError, OSError):
    """A file, folder, download or device that failed: not found, no space, no permission."""


class NotFoundError(ResourceError, FileNotFoundError):
    """A file, folder or image set that is not where it was expected."""


class TrainingError(PellucidError, RuntimeError):
    """Training that cannot go on, for instance because the loss is no longer finite."""


class CheckFailed(PellucidError, AssertionError):
    """A check whose result is negative: a wrong gradient, a violated assumption."""


def unknown(what: str, given: object, known: Iterable[str]) -> UsageError:
    """The error for a name that is none of those known, with the nearest of them.

    >>> print(unknown("optimiser", "adma", ["sgd", "adam"]))
    there is no optimiser 'adma'; did you mean adam? there are sgd, adam
    """
    names = list(known)
    near = [f"did you mean {name}? " for name in get_close_matches(str(given), names, n=1)]
    return UsageError(f"there is no {what} {given!r}; {''.join(near)}there are {', '.join(names)}")


def missing(what: str, package: str, extra: str) -> MissingPackageError:
    """The error for a package that `what` needs, and that the extra `extra` of this package installs.

    >>> print(missing("figures", "matplotlib", "figures"))
    figures need matplotlib, which is not installed; `pip install "pellucid[figures]"` installs it
    """
    install = f'`pip install "pellucid[{extra}]"` installs it'
    return MissingPackageError(f"{what} need {package}, which is not installed; {install}")
