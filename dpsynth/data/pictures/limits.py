"""How much a picture file may ask of this machine: caps against bombs, checked before decoding."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps on files that nobody vouches for. All fields are public.

    Attributes:
        file_bytes: of one picture file on disk.
        pixels: of one decoded picture, or of all the frames that are asked of one DICOM file.
        frames: that a DICOM file may say it has.
        npz_bytes: of one .npz file on disk, and of its arrays in memory.
        members: of one .npz file.
        ratio: bytes inflated / bytes compressed of one member of an .npz file.
        small_bytes: a member no larger than this when inflated may have any ratio: labels that
            are nearly all the same compress a thousandfold, and harm nobody.
    """

    file_bytes: int = 2**30
    pixels: int = 2**26
    frames: int = 20_000
    npz_bytes: int = 2**34
    members: int = 64
    ratio: int = 200
    small_bytes: int = 2**24

    def __post_init__(self) -> None:
        for each in fields(self):
            if (value := getattr(self, each.name)) < 1:
                raise ValueError(f"{each.name} must be at least 1, got {value!r}")


LIMITS = Limits()
