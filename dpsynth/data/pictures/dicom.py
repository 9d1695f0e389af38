"""DICOM files to pixels and the few tags that a schema asks for; needs the extra `dicom`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpsynth.data.pictures.dicom_values import coloured, greyed
from dpsynth.data.pictures.frame import check_window
from dpsynth.data.pictures.guard import look, plainly, shown
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.errors import DataError, InputError

KIND = "DICOM"
CURE = "check that it was copied whole, or export it again as uncompressed DICOM"
PREAMBLE, MAGIC = 128, b"DICM"

# Uncompressed, and the one compression that pydicom undoes by itself. Left out are deflated
# files, since pydicom inflates them without a cap, and the retired big endian.
SYNTAXES = {
    "1.2.840.10008.1.2": "implicit little endian",
    "1.2.840.10008.1.2.1": "explicit little endian",
    "1.2.840.10008.1.2.5": "RLE lossless",
}
NOT_TEXT = ("SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN", "UT")  # tags that nobody may claim


@dataclass(frozen=True, kw_only=True)
class Dicom:
    """What was read from one DICOM file. INTERNAL.

    Attributes:
        pixels: (frames, H, W) or (frames, H, W, 3), uint8; 0 is black.
        tags: the claimed keywords that the file has, as text; no other tag is kept.
        burned_in: the file does not say that its pixels are free of text (a name, a date).
        notes: what a person should look at, one line each.
    """

    pixels: NDArray[np.uint8]
    tags: Mapping[str, str] = field(default_factory=dict)
    burned_in: bool = False
    notes: tuple[str, ...] = ()


def pydicom(module: str = "") -> Any:
    """pydicom, or a module of it by its name there.

    Raises:
        InputError: if pydicom is not installed.
    """
    try:
        return importlib.import_module(f"pydicom.{module}" if module else "pydicom")
    except ImportError:
        raise InputError("DICOM files need pydicom; pip install 'dpsynth[dicom]'") from None


def is_dicom(path: Path) -> bool:
    """Whether a file's content starts as a DICOM file's does, whatever its name."""
    with path.open("rb") as file:
        return file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC


def read_dicom(
    path: str | Path,
    *,
    window: tuple[float, float] | None = None,
    frames: Sequence[int] = (0,),
    claimed: Sequence[str] = (),
    name: str = "",
    limits: Limits = LIMITS,
) -> Dicom:
    """The pixels of a DICOM file as a viewer would show them, and its claimed tags.

    Grey goes through the modality's table or rescaling, then through a window to 0..255:
    the given one, else the file's, else the whole range that the file's bits can hold (never
    the extremes of its pixels). MONOCHROME1 is turned, so that 0 is always black. YBR and
    palettes become RGB. Text that was burned into the pixels is not removed: see `burned_in`.

    Args:
        path: of the file.
        window: (low, high) after rescaling, such as Hounsfield units; for colour in stored units.
        frames: which ones, from 0.
        claimed: keywords of the tags to keep, such as "BodyPartExamined".
        name: of the file in messages; its last part if left out.
        limits: caps on bytes, pixels and frames.

    Raises:
        DataError: if the file is missing, too large, truncated, compressed in a way that
            pydicom does not undo by itself, without pixels, or lacks a frame asked for.
        InputError: if pydicom is not installed.
        ValueError: if a claimed keyword is not one of a tag that holds a short text or numbers,
            or the window is none.
    """
    pydicom()
    check_claimed(claimed)
    if window is not None:
        check_window(window)
    path = Path(path)
    name = name or path.name
    with plainly(name, KIND, CURE):
        look(path, name, limits.file_bytes)
        if not is_dicom(path):
            raise DataError(f"{shown(name)}: is not a DICOM file; {CURE}")
        head = pydicom().dcmread(path, stop_before_pixels=True)
        _check(head, frames, name, limits)
        pixels = np.stack(list(_frames(path, head, frames, window)))
        burned = str(head.get("BurnedInAnnotation", "")).strip() != "NO"
        note = f"{shown(name)}: does not say that no text is burned into its pixels; look at it"
        return Dicom(
            pixels=pixels,
            tags={key: str(head[key].value) for key in claimed if key in head},
            burned_in=burned,
            notes=(note,) if burned else (),
        )


def check_claimed(claimed: Sequence[str]) -> None:
    """Refuse keywords that no DICOM tag has, or whose tag holds more than a short text.

    Raises:
        InputError: if pydicom is not installed.
        ValueError: if a keyword can't be claimed.
    """
    known = pydicom("datadict")
    for key in claimed:
        tag = known.tag_for_keyword(key) if key else None
        if tag is None:
            raise ValueError(f"claimed must be DICOM keywords such as Modality, got {key!r}")
        if any(vr in NOT_TEXT for vr in known.dictionary_VR(tag).split(" or ")):
            raise ValueError(f"claimed must be tags of short text or numbers, got {key!r}")


def _check(head: Any, frames: Sequence[int], name: str, limits: Limits) -> None:
    """Refuse what can't be decoded or is too much, by the header alone."""
    syntax = str(head.file_meta.TransferSyntaxUID)
    if syntax not in SYNTAXES:
        raise DataError(
            f"{shown(name)}: is compressed, or its transfer syntax {shown(syntax)} is retired; "
            "export it again as uncompressed little endian DICOM"
        )
    if "Rows" not in head or "Columns" not in head:
        raise DataError(f"{shown(name)}: holds no picture; name a DICOM file with pixels")
    held = int(head.get("NumberOfFrames", None) or 1)
    if held > limits.frames:
        raise DataError(f"{shown(name)}: says over {limits.frames:,} frames; split it")
    if not frames or min(frames) < 0 or max(frames) >= held:
        raise DataError(f"{shown(name)}: has frames 0 to {held - 1}; ask for some of these")
    if int(head.Rows) * int(head.Columns) * len(frames) > limits.pixels:
        raise DataError(
            f"{shown(name)}: asked for more than {limits.pixels:,} pixels; ask for fewer frames"
        )
    allocated, stored = int(head.BitsAllocated), int(head.BitsStored)
    if not 1 <= stored <= allocated or int(head.get("HighBit", stored - 1)) != stored - 1:
        raise DataError(f"{shown(name)}: its bits are laid out as no viewer expects; {CURE}")


def _frames(
    path: Path, head: Any, frames: Sequence[int], window: tuple[float, float] | None
) -> Iterator[NDArray[np.uint8]]:
    decoded = pydicom("pixels").iter_pixels(path, indices=list(frames))
    for frame, raw in zip(frames, decoded, strict=True):
        facts = facts_of(head, frame)
        grey = str(facts.PhotometricInterpretation).startswith("MONOCHROME")
        yield greyed(raw, facts, window) if grey else coloured(raw, facts, window)


def facts_of(head: Any, frame: int) -> Any:
    """The header as it holds for one frame.

    An enhanced multi-frame file keeps rescaling and window in its functional groups, shared by
    all frames or for each; they are laid over the header here.
    """
    made = pydicom().Dataset(head)
    groups = [*head.get("SharedFunctionalGroupsSequence", ())[:1]]
    groups += [*head.get("PerFrameFunctionalGroupsSequence", ())[frame : frame + 1]]
    for group in groups:
        for part in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(part, ())[:1]:
                made.update(item)
    return made
