"""Names and files that lead elsewhere: out of the archive, in circles, to devices, or into the terminal."""

from __future__ import annotations

import io
import os
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.data import samples
from tests.hostile.data_samples import PACK, Sample, images

PREFIXES = (
    "../",
    "../../../../../../tmp/",
    "/",
    "/etc/",
    "a/../../",
    "./",
    "././a/",
    "a//b/",
    "..\\..\\",
    "C:\\",
    "~/",
    "$HOME/",
    "\x1b[2J\x1b]0;title\x07/",
    "line\nbreak/",
    "\u202egnp/",
    "\ud800/" if os.name == "nt" else "\udcff\udcfe/",
    " /",
    "-rf/",
    "x" * 300 + "/",
    "x/" * 600,
)


def archive_name(draw: random.Random, name: str) -> str:
    """The name below a folder that leads elsewhere."""
    return draw.choice(PREFIXES) + name


def tar(draw: random.Random, sample: Sample) -> None:
    """One member under such a name, or as a link or device."""
    files = images(draw) if sample.format != "cifar.tar.gz" else samples.cifar_files()
    chosen = draw.choice(sorted(files))
    kind = draw.choice([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=draw.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    ) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if name == chosen:
                member.name = archive_name(draw, name)
                member.type = kind if draw.random() < 0.5 else tarfile.REGTYPE
                member.linkname = draw.choice(["../../etc/passwd", "/dev/zero", name])
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    sample.files[sample.victim] = PACK.get(sample.format, bytes)(stream.getvalue())


def zipped(draw: random.Random, sample: Sample) -> None:
    """One member under such a name, or as a link."""
    files = images(draw)
    if sample.format == "npz":
        with zipfile.ZipFile(io.BytesIO(sample.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    chosen = draw.choice(sorted(files))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            if name == chosen:
                member.filename = archive_name(draw, name).encode("utf-8", "replace").decode()
                member.external_attr = draw.choice([0, 0o120777 << 16, 0o010666 << 16, 0o100644 << 16])
            archive.writestr(member, content)
    sample.content = stream.getvalue()


def folder(draw: random.Random, sample: Sample) -> None:
    """The victim is replaced by something that is no file, or gets a neighbour with an odd name."""
    victim = sample.victim
    content = sample.files[victim]

    def replaced_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
        def trick(root: Path) -> None:
            (root / victim).unlink()
            make(root / victim)

        return trick

    def neighbour(root: Path) -> None:
        name = draw.choice(["\x1b[2J", "line\nbreak", "x" * 240, "\udcff", "...", "\u202e", "-rf"])
        odd = (root / victim).parent.with_name(name)
        odd.mkdir(exist_ok=True)
        (odd / Path(victim).name).write_bytes(content)

    sample.tricks = draw.choice(
        [
            replaced_by(lambda path: os.mkfifo(path)),
            replaced_by(lambda path: path.mkdir()),
            replaced_by(lambda path: path.symlink_to("/dev/zero")),
            replaced_by(lambda path: path.symlink_to(path.name)),
            replaced_by(lambda path: path.symlink_to(path.parent)),
            replaced_by(lambda path: path.symlink_to("/nowhere/at/all")),
            replaced_by(lambda path: path.symlink_to("/proc/self/environ")),
            lambda root: (root / victim).with_name("again").symlink_to(root / "hostile"),
            neighbour,
            neighbour,
        ]
    )


TRICKS: dict[str, Callable[[random.Random, Sample], None]] = {
    "idx": folder,
    "idx.gz": folder,
    "cifar.bin": folder,
    "cifar.tar.gz": tar,
    "npz": zipped,
    "png": folder,
    "jpeg": folder,
    "bmp": folder,
    "tar": tar,
    "tar.gz": tar,
    "tar.xz": tar,
    "zip": zipped,
}
