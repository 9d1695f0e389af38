"""The few tags of a DICOM file that are claimed, as text; its pixels are not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dpsynth.data.pictures.dicom import (
    CURE,
    KIND,
    check_claimed,
    is_dicom,
    pydicom,
)
from dpsynth.data.pictures.guard import look, plainly, shown
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.errors import DataError

YEARS = {"Y": 1.0, "M": 12.0, "W": 365.25 / 7, "D": 365.25}  # of DICOM's ages, in one year


def read_tags(
    path: str | Path, claimed: Sequence[str], *, name: str = "", limits: Limits = LIMITS
) -> Mapping[str, str]:
    """Claimed keywords that a file has, as text; ages ("006M") in years; none is empty.

    Guarantee:
        Nothing of the file is taken but the claimed tags.

    Args:
        path: of the file.
        claimed: keywords such as "PatientSex".
        name: of the file in messages; its last part if left out.
        limits: caps on bytes.

    Raises:
        DataError: if it is no readable DICOM file.
        InputError: if pydicom is not installed.
        ValueError: if a claimed keyword is not one of a tag that holds a short text or numbers.
    """
    check_claimed(claimed)
    path = Path(path)
    name = name or path.name
    with plainly(name, KIND, CURE):
        look(path, name, limits.file_bytes)
        if not is_dicom(path):
            raise DataError(f"{shown(name)}: is not a DICOM file; {CURE}")
        head = pydicom().dcmread(path, stop_before_pixels=True, specific_tags=list(claimed))
        found = {key: _text(head[key]) for key in claimed if key in head}
        return {key: text for key, text in found.items() if text}


def _text(element: Any) -> str:
    """A tag's value; several ones with DICOM's own backslash between."""
    value = element.value
    if value is None:
        return ""
    many = not isinstance(value, str) and hasattr(value, "__iter__") and element.VM > 1
    text = "\\".join(str(each) for each in value) if many else str(value)
    return _years(text.strip()) if element.VR == "AS" else text.strip()


def _years(age: str) -> str:
    """DICOM's age, three digits and a letter, in years; what is none stays as it is."""
    number, unit = age[:-1], age[-1:]
    if not number.isdecimal() or unit not in YEARS:
        return age
    return f"{int(number) / YEARS[unit]:.6g}"
