"""One sentence and the right exit code for whatever is given wrongly, and nothing that existed changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from pellucid import container
from tests.cli.conftest import TINY, pictures
from tests.cli.invoke import failed
from tests.data.samples import encoded, zipped

TRAIN = ("train", "--net", "tiny.toml", "--data", "halves.npz", "--epochs", "1")


@pytest.fixture(autouse=True)
def wrong_files(folder: Path, model: Path) -> None:
    images, labels = pictures(12)
    with_nan = images.astype(np.float32)
    with_nan[7, 0, 2, 3] = np.nan
    np.savez("nan.npz", images=with_nan, labels=labels)
    np.savez("infinite.npz", images=np.where(np.isnan(with_nan), np.inf, with_nan), labels=labels)
    np.savez("negative.npz", images=images, labels=labels - 1)
    np.savez("three.npz", images=images, labels=np.arange(12) % 3)
    np.savez("fractions.npz", images=images, labels=labels + 0.5)
    np.savez("fewer.npz", images=images, labels=labels[:-1])
    np.savez("wide.npz", images=np.zeros((4, 1, 6, 7), np.uint8), labels=np.arange(4) % 2)
    Path("wrong.toml").write_text(TINY.replace("filters = 2", "filters = 'two'"))
    Path("broken.toml").write_text(TINY + "\n[[layer\n")
    Path("unfit.toml").write_text(TINY.replace("kernel = 3", "kernel = 9"))
    Path("twice.toml").write_text(TINY + "\n[[layer]]\ntype = 'Softmax'\n")
    Path("unknown.toml").write_text(TINY.replace('"Tanh"', '"Tang"'))
    Path("empty").mkdir()
    Path("mixed/0").mkdir(parents=True)
    for size in (3, 4):
        Path(f"mixed/0/{size}.png").write_bytes(encoded(np.zeros((size, size), np.uint8)))
    Path("text.png").write_text("no image")
    Path("text.safetensors").write_text("no model")
    Path("large.png").write_bytes(encoded(np.zeros((9, 9), np.uint8)))
    Path("cut.zip").write_bytes(zipped({"a/1.png": encoded(np.zeros((6, 6), np.uint8))})[:-30])
    content = model.read_bytes()
    Path("cut.safetensors").write_bytes(content[:-7])
    Path("changed.safetensors").write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    arrays, document = container.load(model, kind="model")
    container.save("foreign.safetensors", arrays, {**document, "network": {}}, kind="model")


def everything() -> dict[str, str]:
    """Path and digest of each file below the current folder."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path().rglob("*")
        if path.is_file()
    }


CASES = [
    # what there is not
    ("train --net lenet6", "there is no network 'lenet6'; did you mean lenet5? there are default, cifar-two"),
    ("train --net nosuch.toml", "cannot read nosuch.toml: No such file or directory"),
    ("train --data nosuch", "there is no file or folder nosuch, nor a named image set (digits, mnist"),
    ("train --data mnist", "the image set mnist was not found in "),
    ("train --data mnist", "`pellucid data fetch mnist` downloads it"),
    ("eval nosuch.safetensors", "cannot read nosuch.safetensors: No such file or directory"),
    ("predict nosuch.safetensors photos", "cannot read nosuch.safetensors: No such file or directory"),
    ("predict tiny.safetensors nosuch.png", "there is no file or folder nosuch.png"),
    ("predict tiny.safetensors empty", "empty: no PNG, JPEG or BMP images were found in the folder"),
    ("summary nosuch", "there is no network 'nosuch'; there are default, "),
    ("check nosuch.safetensors", "cannot read nosuch.safetensors: No such file or directory"),
    ("check lenet", "there is no network 'lenet'; did you mean lenet5?"),
    # networks
    ("train --net wrong.toml --data halves.npz", "wrong.toml, line 8: layer 1 (Conv2D): filters is"),
    ("train --net broken.toml --data halves.npz", "broken.toml, line 21: its TOML is not valid"),
    ("train --net unfit.toml --data halves.npz", "unfit.toml, line 6: layer conv1: "),
    ("train --net unknown.toml --data halves.npz", "unknown.toml, line 12: "),
    ("summary twice.toml", "SoftmaxCrossEntropy applies softmax itself; remove the Softmax layer"),
    ("check wrong.toml", "wrong.toml, line 8: layer 1 (Conv2D): filters is an integer"),
    # shapes, labels, values
    (
        "train --net tiny.toml --data digits",
        "tiny takes images of the shape (N, 1, 6, 6), not (1438, 1, 28, 28)",
    ),
    (
        "train --net tiny.toml --data wide.npz",
        "tiny takes images of the shape (N, 1, 6, 6), not (4, 1, 6, 7)",
    ),
    ("train --net tiny.toml --data three.npz", "there are 3 classes, but tiny has 2 outputs"),
    (
        "train --net lenet5 --data halves.npz",
        "lenet5 cannot take images of the shape (1, 6, 6): layer conv2: ",
    ),
    ("train --data negative.npz", "negative.npz: images: image 0 has the label -1"),
    ("train --data fractions.npz", "fractions.npz"),
    ("train --data fewer.npz", "fewer: 12 whole numbers were expected as labels"),
    ("train --data nan.npz", "image 7 has the value nan in channel 0, row 2, column 3; it has to be finite"),
    ("train --data infinite.npz", "image 7 has the value inf in channel 0, row 2, column 3"),
    ("eval tiny.safetensors --data nan.npz", "image 7 has the value nan in channel 0, row 2, column 3"),
    ("eval tiny.safetensors --data wide.npz", "the network takes inputs of shape (N, 1, 6, 6)"),
    ("eval tiny.safetensors --data three.npz", "three: its class '2' is none of 0, 1"),
    (
        "eval tiny.safetensors --data halves.npz --part validation",
        "halves has no part 'validation'; it has train",
    ),
    ("eval tiny.safetensors", "was not trained on a set that has a name; say with --data what to use"),
    ("predict tiny.safetensors large.png", "large.png has 9 x 9 pixels, the network expects 6 x 6"),
    ("check tiny.toml --data nan.npz", "image 7 has the value nan in channel 0, row 2, column 3"),
    # damaged and foreign files
    ("train --data text.png", "text.png is no image set; a folder, .tar"),
    ("train --data cut.zip", "cut.zip"),
    ("train --data empty", "empty: no PNG, JPEG or BMP images were found; one folder a class was expected"),
    ("train --data mixed", "mixed/0/"),
    ("predict tiny.safetensors text.png", "text.png: this is no PNG, JPEG or BMP image"),
    ("eval cut.safetensors --data photos", "cut.safetensors: it has "),
    ("eval changed.safetensors --data photos", "changed.safetensors: its checksum does not match"),
    ("predict changed.safetensors photos", "changed.safetensors: its checksum does not match"),
    ("summary text.safetensors", "text.safetensors: "),
    ("summary tiny.safetensors/x", "tiny.safetensors/x"),
    ("check foreign.safetensors", "foreign.safetensors: "),
    ("train --resume tiny.safetensors", "it is a 'model' file, and a 'checkpoint' file is needed"),
    ("train --resume nosuch", "cannot read nosuch: No such file or directory"),
    ("train --resume photos", "is a directory"),
    # options
    ("train --data photos --resize 0", "'0' is no size; pixels as in 28, or 28x32"),
    ("train --data photos --resize 6x", "'6x' is no size"),
    ("train --data photos --resize 999999", "the size 999999 x 999999 was asked for"),
    (f"{' '.join(TRAIN)} --optimizer adma", "there is no optimiser 'adma'; did you mean adam?"),
    (f"{' '.join(TRAIN)} --schedule cosinus", "there is no schedule 'cosinus'; did you mean cosine?"),
    (f"{' '.join(TRAIN)} --engine abacus", "there is no engine 'abacus'; there are auto, compiled, numpy"),
    (f"{' '.join(TRAIN)} --dtype float16", "dtype is 'float32' or 'float64', not 'float16'"),
    (f"{' '.join(TRAIN)} --epochs -1", "epochs is a whole number of at least 0, not -1"),
    (f"{' '.join(TRAIN)} --epochs many", "'many' is not a valid integer"),
    (f"{' '.join(TRAIN)} --batch-size 0", "batch_size is a whole number of at least 1, not 0"),
    (f"{' '.join(TRAIN)} --lr 0", "lr is finite and above 0, not 0.0"),
    (f"{' '.join(TRAIN)} --lr nan", "lr is finite and above 0, not nan"),
    (f"{' '.join(TRAIN)} --momentum 0.9", "the optimiser adam has no option momentum"),
    (f"{' '.join(TRAIN)} --warmup -1", "a warm-up takes 0 epochs or more, not -1.0"),
    (f"{' '.join(TRAIN)} --clip-norm 0", "clip_norm is finite and above 0, not 0.0"),
    (f"{' '.join(TRAIN)} --label-smoothing 2", "label_smoothing is a number of at least 0 and less than 1"),
    (f"{' '.join(TRAIN)} --validation 2", "a share for validation is between 0 and 1, not 2.0"),
    (f"{' '.join(TRAIN)} --early-stopping 2", "early stopping needs images to validate with"),
    (f"{' '.join(TRAIN)} --seed -1", "seed is a whole number of at least 0, not -1"),
    (f"{' '.join(TRAIN)} --threads 0", "0 is not in the range 1<=x<=256"),
    (f"{' '.join(TRAIN)} --nonsense", "No such option"),
    (
        f"{' '.join(TRAIN)} --out nofolder/m.safetensors",
        "cannot write nofolder/m.safetensors: there is no folder",
    ),
    (f"{' '.join(TRAIN)} --out photos", "is a directory"),
    (f"{' '.join(TRAIN)} --out halves.npz", "halves.npz exists and is no model; it is not replaced"),
    (f"{' '.join(TRAIN)} --out changed.safetensors", "changed.safetensors exists and is no model"),
    (f"{' '.join(TRAIN)} --checkpoint halves.npz", "halves.npz exists; --resume halves.npz goes on with it"),
    (f"{' '.join(TRAIN)} --checkpoint nofolder/c", "cannot write nofolder/c: there is no folder"),
    (f"{' '.join(TRAIN)} --history nofolder/h", "cannot write nofolder/h: there is no folder"),
    ("weights import tiny.toml cut.safetensors -o halves.npz", "halves.npz exists and is no model"),
    ("vectors tiny.toml -o nofolder/v.npz", "cannot write nofolder/v.npz: there is no folder"),
    ("predict tiny.safetensors", "Missing argument 'PICTURES...'"),
    ("eval tiny.safetensors --part tset", "'tset' is not one of"),
    ("check tiny.toml --images 0", "0 is not in the range x>=1"),
]


@pytest.mark.parametrize(("command", "sentence"), CASES, ids=[command for command, _ in CASES])
def test_wrong_use(command: str, sentence: str) -> None:
    before = everything()
    said = failed(2, *command.split())
    assert sentence in said
    assert "\n" not in said
    assert everything() == before


def test_a_training_that_diverges_is_a_failed_run() -> None:
    before = everything()
    said = failed(1, *TRAIN, "--optimizer", "sgd", "--lr", 1e38, "--batch-size", 4)
    assert "at a learning rate of" in said or "no longer finite" in said
    assert everything() == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_may_only_be_read(folder: Path) -> None:
    Path("locked").mkdir(mode=0o555)
    assert "no permission" in failed(1, *TRAIN, "--out", "locked/m.safetensors")
    folder.chmod(0o555)
    try:
        assert "Permission denied" in failed(1, *TRAIN)
    finally:
        folder.chmod(0o755)


def test_files_that_may_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the test above, but for the superuser too."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    before = everything()
    assert "no permission for its folder" in failed(1, *TRAIN, "--out", "m.safetensors")
    assert everything() == before
