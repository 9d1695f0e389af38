"""Stored DICOM values to shades: modality, window, photometric interpretation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpsynth.data.pictures.frame import shades

Range = tuple[float, float]
PRIMARIES = ("Red", "Green", "Blue")


def greyed(raw: NDArray[np.generic], facts: Any, window: Range | None) -> NDArray[np.uint8]:
    """One grey frame to shades, 0 black.

    Args:
        raw: (H, W) whole numbers as stored.
        facts: the header as it holds for this frame.
        window: (low, high) after rescaling; None takes the file's.

    Raises:
        ValueError: if the file's rescaling or window is none.
    """
    values, low, high = rescaled(raw, facts)
    if window is not None:
        made = shades(values, *window)
    elif facts.get("WindowCenter") is not None and facts.get("WindowWidth") is not None:
        centre, width = first(facts.WindowCenter), first(facts.WindowWidth)
        made = windowed(values, centre, width, str(facts.get("VOILUTFunction") or "LINEAR"))
    elif facts.get("VOILUTSequence"):
        item = facts.VOILUTSequence[0]
        found, top = looked_up(values, item.LUTDescriptor, item.LUTData)
        made = shades(found, 0, top)
    else:
        made = shades(values, low, high)
    return 255 - made if str(facts.PhotometricInterpretation) == "MONOCHROME1" else made


def coloured(raw: NDArray[np.generic], facts: Any, window: Range | None) -> NDArray[np.uint8]:
    """One coloured frame to RGB of 8 bits; pydicom has turned YBR to RGB already.

    Raises:
        ValueError: if the frame is of another kind, or its palette lacks entries or is written
            in segments.
    """
    kind = str(facts.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        values = _clean(raw, facts)
        return np.stack([_paletted(values, facts, each) for each in PRIMARIES], axis=-1)
    if kind not in ("RGB", "YBR_FULL", "YBR_FULL_422") or raw.shape[2:] != (3,):
        raise ValueError("no colour that we know")
    return shades(raw, *(window or (0, 2 ** int(facts.BitsStored) - 1)))


def rescaled(raw: NDArray[np.generic], facts: Any) -> tuple[NDArray[np.generic], float, float]:
    """Values in the modality's units, and the least and greatest that the header allows.

    Raises:
        ValueError: if slope or intercept is not finite, or the slope is 0.
    """
    stored = int(facts.BitsStored)
    values = _clean(raw, facts)
    if facts.get("ModalityLUTSequence"):
        item = facts.ModalityLUTSequence[0]
        found, top = looked_up(values, item.LUTDescriptor, item.LUTData)
        return found, 0, top
    slope = float(facts.get("RescaleSlope", 1) or 0)
    shift = float(facts.get("RescaleIntercept", 0) or 0)
    if not (np.isfinite(slope) and np.isfinite(shift) and slope):
        raise ValueError("no finite rescaling")
    signed = values.dtype.kind == "i"
    ends = (-(2 ** (stored - 1)), 2 ** (stored - 1) - 1) if signed else (0, 2**stored - 1)
    low, high = sorted(slope * end + shift for end in ends)
    if (slope, shift) == (1, 0):
        return values, low, high
    return values * slope + shift, low, high


def windowed(
    values: NDArray[np.generic], centre: float, width: float, function: str
) -> NDArray[np.uint8]:
    """The window functions of DICOM PS3.3 C.11.2.1.2, to 0..255.

    LINEAR goes from `centre - 0.5 - (width - 1) / 2` to `centre - 0.5 + (width - 1) / 2`,
    LINEAR_EXACT from `centre - width / 2` to `centre + width / 2`, and SIGMOID is
    `1 / (1 + exp(-4 (value - centre) / width))`.

    Raises:
        ValueError: if the window is not finite, or too narrow for its function.
    """
    if not (np.isfinite(centre) and np.isfinite(width)):
        raise ValueError("no finite window")
    if width < 1 if function == "LINEAR" else width <= 0:
        raise ValueError("a window of no width")
    if function == "SIGMOID":
        power = np.clip(-4 * (np.asarray(values, np.float64) - centre) / width, -700, 700)
        return shades(1 / (1 + np.exp(power)), 0, 1)
    if function == "LINEAR_EXACT":
        return shades(values, centre - width / 2, centre + width / 2)
    if function != "LINEAR":
        raise ValueError("no window function that we know")
    middle, half = centre - 0.5, (width - 1) / 2
    if half == 0:
        return np.where(np.asarray(values) > middle, 255, 0).astype(np.uint8)
    return shades(values, middle - half, middle + half)


def first(value: Any) -> float:
    """A window's number, or the first of several windows."""
    return float(value) if isinstance(value, str | int | float) else float(value[0])


def _clean(raw: NDArray[Any], facts: Any) -> NDArray[Any]:
    """The stored bits alone: what overlays keep in the bits above is shifted out."""
    if raw.dtype.kind not in "iu":
        raise ValueError("pixels that are no whole numbers")
    unused = 8 * raw.dtype.itemsize - int(facts.BitsStored)
    return (raw << unused) >> unused if unused > 0 else raw


def _paletted(values: NDArray[Any], facts: Any, primary: str) -> NDArray[np.uint8]:
    """One primary colour of a palette's frame."""
    descriptor = facts[f"{primary}PaletteColorLookupTableDescriptor"].value
    data = facts[f"{primary}PaletteColorLookupTableData"].value
    found, top = looked_up(values, descriptor, data)
    return shades(found, 0, top)


def looked_up(
    values: NDArray[Any], descriptor: Sequence[int], data: bytes | int | Sequence[int]
) -> tuple[NDArray[np.generic], int]:
    """Values through one of DICOM's tables, and the greatest entry that its bits allow.

    What is below the table's first value takes its first entry, what is beyond it its last.

    Args:
        values: any shape, whole or rescaled numbers.
        descriptor: number of entries (0 means 65536), first value mapped, bits of an entry.
        data: the entries, as numbers or as little endian bytes of one or two bytes each.

    Raises:
        ValueError: if the table lacks entries.
    """
    entries, start, bits = (int(each) for each in descriptor)
    entries = entries or 2**16
    if isinstance(data, bytes):
        table = np.frombuffer(data, "<u2" if len(data) >= 2 * entries else "u1")
    else:
        table = np.atleast_1d(np.asarray(data, dtype=np.int64))
    if not (entries <= len(table) and 1 <= bits <= 16):
        raise ValueError("a table that lacks entries")
    place = np.rint(values).astype(np.int64) - start
    return table[np.clip(place, 0, entries - 1)], 2**bits - 1
