"""Labelled pictures in one .npz file, as the MedMNIST collection lays them out.

An .npz file is a zip of .npy arrays: `train_images`, `train_labels`, and the same for `val` and
`test`. Nothing in it is unpickled, and nothing is inflated before its size was checked.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dpsynth.data.pictures.guard import look, plainly, shown, whole
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.errors import DataError

KIND = ".npz"
CURE = "check that it was copied whole, or write it again with numpy.savez"
SPLITS = ("train", "val", "test")
ENCRYPTED = 0x1  # bit of a zip member's flags


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The pictures of one split and what they show. INTERNAL.

    Attributes:
        images: (n, H, W) or (n, H, W, 3), uint8.
        labels: (n, k), whole numbers; k is 1 unless a picture may show several things at once.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]

    def __post_init__(self) -> None:
        for what, array in (("images", self.images), ("labels", self.labels)):
            if wrong := _wrong(what, array.shape, array.dtype):
                raise ValueError(f"{what} {wrong}")
        if len(self.images) != len(self.labels):
            raise ValueError("images and labels must be equally many")


def read_npz(
    path: str | Path, splits: Sequence[str] = ("train",), *, limits: Limits = LIMITS
) -> dict[str, Labelled]:
    """Those splits of an .npz file.

    Raises:
        DataError: if the file is missing, too large, no .npz file, lacks a split, has members
            outside its own folder, or holds anything but pictures of uint8 and whole numbers.
        ValueError: if a split is not train, val or test.
    """
    for split in splits:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    path = Path(path)
    with plainly(path.name, KIND, CURE):
        look(path, path.name, limits.npz_bytes)
        with zipfile.ZipFile(path) as held:
            members = _members(held, path.name, limits)
            wanted = [f"{split}_{what}.npy" for split in splits for what in ("images", "labels")]
            _check(members, wanted, path.name, limits)
            arrays = {name: _array(held, members[name], path.name) for name in wanted}
        made = {}
        for split in splits:
            images, labels = arrays[f"{split}_images.npy"], arrays[f"{split}_labels.npy"]
            if len(images) != len(labels):
                raise DataError(f"{path.name}: {split} has not one label for each picture; {CURE}")
            made[split] = Labelled(images=images, labels=labels)
        return made


def npz_shapes(path: str | Path, *, limits: Limits = LIMITS) -> dict[str, tuple[int, ...]]:
    """Names of an .npz file's arrays and their shapes without the first number, how many.

    Raises:
        DataError: if the file is missing, too large, or no .npz file.
    """
    path = Path(path)
    with plainly(path.name, KIND, CURE):
        look(path, path.name, limits.npz_bytes)
        found = {}
        with zipfile.ZipFile(path) as held:
            for name, member in _members(held, path.name, limits).items():
                with held.open(member) as stream:
                    found[name.removesuffix(".npy")] = _header(stream)[0][1:]
        return found


def _members(held: zipfile.ZipFile, file: str, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """What the zip's directory lists, if it is what numpy writes."""
    listed = held.infolist()
    if len(listed) > limits.members:
        raise DataError(f"{shown(file)}: has over {limits.members} members; {CURE}")
    for each in listed:
        if "/" in each.filename or "\\" in each.filename or ".." in each.filename:
            raise DataError(f"{shown(file)}: has a member outside its folder; {CURE}")
    members = {each.filename: each for each in listed}
    if len(members) < len(listed):
        raise DataError(f"{shown(file)}: has two members of one name; {CURE}")
    return members


def _check(
    members: Mapping[str, zipfile.ZipInfo], wanted: Sequence[str], file: str, limits: Limits
) -> None:
    for name in wanted:
        array = name.removesuffix(".npy")
        if name not in members:
            raise DataError(
                f"{shown(file)}: has no {array}; it needs <split>_images and <split>_labels"
            )
        each = members[name]
        if each.flag_bits & ENCRYPTED or each.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise DataError(f"{shown(file)}: {array} is packed as numpy does not; {CURE}")
        ratio = each.file_size / max(each.compress_size, 1)
        if each.file_size > limits.small_bytes and ratio > limits.ratio:
            raise DataError(
                f"{shown(file)}: {array} would inflate over {limits.ratio} times; "
                "if you trust it, write it again with numpy.savez, which does not compress"
            )
    if sum(members[name].file_size for name in wanted) > limits.npz_bytes:
        raise DataError(
            f"{shown(file)}: would inflate over {limits.npz_bytes:,} bytes; make it smaller"
        )


def _array(held: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> NDArray[Any]:
    """One array, whose header is checked before its data are read."""
    array = member.filename.removesuffix(".npy")
    with held.open(member) as stream:
        shape, dtype = _header(stream)
        start = stream.tell()
    if wrong := _wrong(array.partition("_")[2], shape, dtype):
        raise DataError(f"{shown(file)}: {array} {wrong}; write it again so")
    # In Python's integers, which do not overflow whatever the header says.
    if start + dtype.itemsize * _product(shape) != member.file_size:
        raise DataError(f"{shown(file)}: {array} is not as long as it says; {CURE}")
    with held.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    shape, _, dtype = read(stream)
    return shape, dtype


def _wrong(what: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    """What is wrong with images or labels, without their number; "" if nothing."""
    if any(each < 0 for each in shape) or 0 in shape[1:]:
        return "must not be empty"
    if what == "images":
        if dtype != np.uint8:
            return f"must be of type uint8, got {dtype}"
        if len(shape) != 3 and (len(shape) != 4 or shape[3] != 3):
            return f"must be of shape (n, H, W) or (n, H, W, 3), got {_shown(shape)}"
    elif dtype.kind not in "biu":
        return f"must be whole numbers, got type {dtype}"
    elif len(shape) != 2:
        return f"must be of shape (n, 1), got {_shown(shape)}"
    return ""


def _shown(shape: tuple[int, ...]) -> str:
    return str(("n", *shape[1:])).replace("'", "")


def _product(shape: tuple[int, ...]) -> int:
    made = 1
    for each in shape:
        made *= each
    return made


def write_npz(splits: Mapping[str, Labelled], path: str | Path) -> Path:
    """Write splits as `read_npz` reads them; the file has no name until it is whole.

    Raises:
        DataError: if the file can't be written.
        ValueError: if a split is not train, val or test.
    """
    path = Path(path)
    arrays: dict[str, Any] = {}
    for split, held in splits.items():
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        arrays |= {f"{split}_images": held.images, f"{split}_labels": held.labels}
    with whole(path) as file:
        np.savez_compressed(file, **arrays)
    return path
