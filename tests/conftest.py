"""Property tests draw the same examples on every machine, and none fails for being slow.

Compiled code is kept for the session only, in a folder that all of its workers share.  Signals mean what they
mean to a program that somebody has started at a terminal, also where the tests run in the background.
"""

import logging
import os
import signal
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
# On a new machine its first figure tells that fonts are looked for, which no test is about.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if not hasattr(config, "workerinput"):  # workers find the variable set
        folder = tempfile.TemporaryDirectory(prefix="pellucid-tests-")
        os.environ[cache.VARIABLE] = folder.name
        config.add_cleanup(folder.cleanup)
