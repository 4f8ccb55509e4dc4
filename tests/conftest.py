"""Property tests draw the same examples on every machine, and none fails for being slow.

Compiled code is kept for the session only, in a folder that all of its workers share.
"""

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from pellucid.compiler import cache

settings.register_profile(
    "same everywhere",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same everywhere")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers find the variable set
        folder = tempfile.TemporaryDirectory(prefix="pellucid-tests-")
        os.environ[cache.VARIABLE] = folder.name
        config.add_cleanup(folder.cleanup)
