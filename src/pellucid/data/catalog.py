"""The image sets that have a name: what was published, where, and how to recognise it."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.errors import unknown

__all__ = ["CATALOG", "Named", "RemoteFile", "named"]


@dataclass(frozen=True)
class RemoteFile:
    """A file as it was published.

    Attributes:
        name: the last part of its address.
        md5: checksum of the file, in hexadecimal.
        most_bytes: a size that it certainly does not have.
        content_md5: checksum of what the file holds when unpacked, if it is known.
    """

    name: str
    md5: str
    most_bytes: int
    content_md5: str | None = None


@dataclass(frozen=True)
class Named:
    """An image set that can be asked for by name.

    Attributes:
        name: lower case.
        title: one line about it.
        files: that have to be fetched; none if the set is always there.
        mirrors: addresses of folders that hold all of the files, the preferred one first.
    """

    name: str
    title: str
    files: tuple[RemoteFile, ...] = ()
    mirrors: tuple[str, ...] = ()


_MEGABYTE = 2**20

CATALOG = {
    entry.name: entry
    for entry in (
        Named("digits", "1,797 handwritten digits, 28 x 28 gray, embedded"),
        Named(
            "mnist",
            "60,000 + 10,000 handwritten digits, 28 x 28 gray",
            (
                RemoteFile(
                    "train-images-idx3-ubyte.gz",
                    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    16 * _MEGABYTE,
                    "6bbc9ace898e44ae57da46a324031adb",
                ),
                RemoteFile(
                    "train-labels-idx1-ubyte.gz",
                    "d53e105ee54ea40749a09fcbcd1e9432",
                    _MEGABYTE,
                    "a25bea736e30d166cdddb491f175f624",
                ),
                RemoteFile(
                    "t10k-images-idx3-ubyte.gz",
                    "9fb629c4189551a2d022fa330f9573f3",
                    16 * _MEGABYTE,
                    "2646ac647ad5339dbf082846283269ea",
                ),
                RemoteFile(
                    "t10k-labels-idx1-ubyte.gz",
                    "ec29112dd5afa0611ce80d1b7f02629c",
                    _MEGABYTE,
                    "27ae3e4e09519cfbb04c329615203637",
                ),
            ),
            (
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ),
        ),
        Named(
            "fashion-mnist",
            "60,000 + 10,000 pictures of clothes, 28 x 28 gray",
            (
                RemoteFile("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 64 * _MEGABYTE),
                RemoteFile("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", _MEGABYTE),
                RemoteFile("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 16 * _MEGABYTE),
                RemoteFile("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", _MEGABYTE),
            ),
            (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ),
        ),
        Named(
            "cifar10",
            "50,000 + 10,000 photographs of 10 classes, 32 x 32 colour",
            (RemoteFile("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 256 * _MEGABYTE),),
            ("https://www.cs.toronto.edu/~kriz/",),
        ),
    )
}


def named(name: str) -> Named:
    """The set of that name.

    Raises:
        UsageError: there is none.

    >>> named("mnist").files[0].name
    'train-images-idx3-ubyte.gz'
    """
    if name not in CATALOG:
        raise unknown("image set", name, CATALOG)
    return CATALOG[name]
