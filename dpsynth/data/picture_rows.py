"""The pictures of a table's rows: read beside the table, or out of one .npz file with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from dpsynth.data.notes import Notes
from dpsynth.data.pictures import Frame, Labelled, framed, read_npz, read_pictures
from dpsynth.data.records import Records
from dpsynth.errors import DataError
from dpsynth.schema import Picture, Schema, Table

NPZ = ".npz"
PICTURE = "(picture)"  # name of the file of a visit's picture, until it is read


def archived(path: Path, table: Table) -> pa.Table:
    """What an .npz file says beside its pictures: `image`, `patient` (the same), and labels.

    Raises:
        DataError: if it can't be read.
    """
    assert table.picture is not None
    held = read_npz(path, table.picture.splits)
    labels = np.concatenate([each.labels for each in held.values()])
    names = pa.array(_rows(held), pa.large_string())
    columns = {"patient": names, "image": names}
    for place in range(labels.shape[1]):
        name = "label" if labels.shape[1] == 1 else f"label_{place + 1}"
        columns[name] = pa.array(labels[:, place].astype(np.int64))
    return pa.table(columns)


def with_pictures(
    records: Records, files: Mapping[str, Sequence[Path]], schema: Schema, notes: Notes
) -> Records:
    """The records with the pictures that their visits name, each in the schema's frame.

    Guarantee:
        A visit whose picture can't be read is dropped where the schema says so; which visits
        those are depends on each one's own file alone.

    Raises:
        DataError: if a picture can't be read, and the schema does not skip such.
    """
    if schema.picture is None:
        return records
    name = next(name for name, table in schema.tables.items() if table.picture is not None)
    names = records.visits[PICTURE].to_numpy(dtype=object)
    if any(path.suffix == NPZ for path in files[name]):
        pixels, readable = _of_archive(files[name], names, schema.picture)
    else:
        pixels, readable, burned = _of_folder(files[name], names, schema.picture)
        notes.add(f"tables.{name}", "pictures that may have text burned in (kept)", burned)
    notes.add(f"tables.{name}", "pictures that can't be read (visit dropped)", (~readable).sum())
    visits = records.visits.drop(columns=PICTURE)[readable].reset_index(drop=True)
    if len(visits):
        turn = visits.groupby("patient", sort=False).cumcount()
        visits = visits.assign(time=turn.to_numpy(dtype=np.float64))
    return Records(records.keys, records.static, visits, pixels[readable])


def frame_of(picture: Picture) -> Frame:
    """What the schema says of size, shades and shape."""
    return Frame(
        size=picture.size, channels=picture.channels, window=picture.window, fit=picture.fit
    )


def _of_archive(
    paths: Sequence[Path], names: np.ndarray, picture: Picture
) -> tuple[np.ndarray, np.ndarray]:
    if len(paths) > 1:
        raise DataError(f"{paths[1].name}: a table takes one .npz file; put them together")
    held = read_npz(paths[0], picture.splits)
    frame = frame_of(picture)
    whole = [image for each in held.values() for image in each.images]
    place = {row: i for i, row in enumerate(_rows(held))}
    pixels = np.zeros((len(names), frame.size, frame.size, frame.channels), dtype=np.uint8)
    for i, name in enumerate(names):
        pixels[i] = framed(whole[place[name]], frame)
    return pixels, np.ones(len(names), dtype=bool)


def _of_folder(
    paths: Sequence[Path], names: np.ndarray, picture: Picture
) -> tuple[np.ndarray, np.ndarray, int]:
    roots = {path if path.is_dir() else path.parent for path in paths}
    if len(roots) > 1:
        raise DataError(
            f"{paths[1].name}: lies in another folder than {paths[0].name}; pictures are found "
            "from the table's folder, so put the files of a table together"
        )
    found = read_pictures(
        roots.pop() / picture.folder,
        [f"{name}{picture.suffix}" if name else None for name in names],
        frame_of(picture),
        skip_unreadable=picture.skip_unreadable,
        dicom=picture.dicom,
    )
    return found.pixels, found.readable, int((found.burned_in & found.readable).sum())


def _rows(held: Mapping[str, Labelled]) -> list[str]:
    """Names of the pictures, in the order of the splits."""
    return [f"{split}-{i:06d}" for split, each in held.items() for i in range(len(each.labels))]
