"""Picture files that the tests make themselves."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dpsynth.errors import DataError


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write an array or a Pillow image, in the format that the name's end says."""

    def write(name: str, what: Any, **more: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = what if isinstance(what, Image.Image) else Image.fromarray(np.asarray(what))
        image.save(path, **more)
        return path

    return write


@pytest.fixture
def dicom_file(tmp_path: Path) -> Callable[..., Path]:
    """Write an array of (H, W), (H, W, 3) or (frames, H, W) as DICOM, with tags over the usual."""
    pydicom = pytest.importorskip("pydicom")

    def write(name: str, pixels: Any, *, syntax: str = "1.2.840.10008.1.2.1", **tags: Any) -> Path:
        pixels = np.asarray(pixels)
        colour = pixels.ndim == 3 and pixels.shape[2] == 3
        made = pydicom.Dataset()
        made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
        made.PatientName, made.PatientID, made.BurnedInAnnotation = "Doe^Jane", "4711", "NO"
        made.Rows, made.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
        if pixels.ndim == 3 and not colour:
            made.NumberOfFrames = len(pixels)
        made.SamplesPerPixel = 3 if colour else 1
        made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            made.PlanarConfiguration = 0
        bits = 8 * pixels.dtype.itemsize
        made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
        made.PixelRepresentation = int(pixels.dtype.kind == "i")
        for keyword, value in tags.items():
            setattr(made, keyword, value)
        raw = pixels.tobytes()
        made.add_new("PixelData", "OB" if bits == 8 else "OW", raw + b"\0" * (len(raw) % 2))
        made.file_meta = pydicom.dataset.FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        made.save_as(path := tmp_path / name, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def png_of_size() -> Callable[[int, int], bytes]:
    """A PNG of a few bytes whose header says any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def build(width: int, height: int) -> bytes:
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)

    return build


@pytest.fixture
def gif() -> bytes:
    """A GIF, which no reader takes."""
    out = io.BytesIO()
    Image.new("L", (8, 8), 7).save(out, format="GIF")
    return out.getvalue()


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Call a reader; it must say one plain line that names the file, and no folder of ours."""

    def check(name: str, call: Callable[[], Any]) -> str:
        with pytest.raises(DataError) as caught:
            call()
        line = str(caught.value)
        assert name in line
        assert ";" in line  # what is wrong; the cure
        assert "\n" not in line
        assert str(tmp_path) not in line
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return line

    return check
