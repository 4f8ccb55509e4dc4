"""Each example runs as it stands, without a warning, and prints and writes what it is about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each prints at its end, and the files that it leaves.
EXPECTED = {
    "first_network": (r"within the bound", {"curves.png", "confusion.png", "confused.png", "filters.png"}),
    "grid_search": (r"it has not seen: (9\d\.\d|100\.0)%", {"curves.png"}),
    "own_images": (r"pictures/0/\d+\.png: \w \(\d+%\)", {"pictures", "confused.png", "pictures.safetensors"}),
    "own_layer": (r"divide\.gain\.grad\[2\] = ", set()),
    "onnx_round_trip": (r"accuracy 9\d\.\d%, after more training 9\d\.\d%", {"digits.onnx"}),
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{name}.py")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}
    )
    # on a new machine, matplotlib tells that it looks for fonts
    told = [line for line in done.stderr.splitlines() if "font cache" not in line]
    assert (done.returncode, told) == (0, [])
    printed, files = EXPECTED[name]
    assert re.search(printed, done.stdout), done.stdout
    assert files <= {file.name for file in tmp_path.iterdir()}
