"""A small clinic with several pictures a patient, and the patients who would break it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from adversaries import JOINS
from PIL import Image

from dpsynth.schema import Schema

VISITS, SIDE = 3, 8
COLUMNS = {
    "finding": {"type": "category", "categories": ["none", "spot", "rare"], "missing": False},
    "dose": {"type": "number", "bounds": [0, 10], "bins": 3},
}
FACTS = {
    "ill": {"type": "boolean", "missing": False},
    "age": {"type": "number", "bounds": [0, 100], "bins": 4, "sensitive": True},
}


def schema(label: str = "finding", population: int | str = 40) -> Schema:
    """Pictures that are dropped where they can't be read; a label of the visit or the patient."""
    clock, positive = {"column": "image", "kind": "order"}, {"finding": "spot", "ill": "true"}
    picture = {"file": "image", "folder": "scans", "size": SIDE, "skip_unreadable": True}
    return Schema(
        name="scans",
        population=population,
        max_visits=VISITS,
        label={"column": label, "positive": positive[label]},
        tables={
            "patients": {"shape": "static", "key": "id", "columns": FACTS},
            "visits": {
                "shape": "visits", "key": "id", "time": clock, "picture": picture,
                "columns": COLUMNS,
            },
        },
    )  # fmt: skip


def png(pixels: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def shade(value: int) -> bytes:
    """A picture of one shade."""
    return png(np.full((SIDE, SIDE), value, np.uint8))


BOARD = png((np.indices((SIDE, SIDE)).sum(0) % 2 * 255).astype(np.uint8))
HALVES = png(np.repeat(np.arange(SIDE) < SIDE // 2, SIDE).reshape(SIDE, SIDE) * np.uint8(255))
DEEP = png(np.full((SIDE, SIDE), 65535, np.uint16))
WIDE = png(np.random.default_rng(1).integers(0, 256, (40, 300), dtype=np.uint8))

# The pictures of one patient, each with its finding and dose; none is a name without a file.
Pictures = list[tuple[bytes | None, str]]
ADVERSARIES: Mapping[str, Pictures] = {
    "all black": [(shade(0), "spot,0")] * VISITS,
    "all white": [(shade(255), "spot,10")] * VISITS,
    "one picture": [(HALVES, "spot,5")],
    "all of a rare class": [(HALVES, "rare,5")] * VISITS,
    "one of each class": [(HALVES, "none,1"), (BOARD, "spot,1e20"), (shade(255), "rare,nan")],
    "far past the maximum": [(BOARD, "spot,3")] * 60,
    "an empty history": [],
    "unreadable": [(b"", "spot,1"), (b"\x89PNG\r\n\x1a\nno", "spot,1"), (HALVES[:60], "rare,1")],
    "no files": [(None, "spot,1")] * 2,
    "unseen category": [(HALVES, "never heard of,inf")] * VISITS,
    "other depths and sizes": [(DEEP, "spot,1"), (WIDE, "none,2")],
}
OUT = "../../out.png"


def friends(patients: int = 32) -> dict[str, Pictures]:
    """Ordinary patients with even keys and none to three pictures; one alone is of a class."""
    rng = np.random.default_rng(7)
    found: dict[str, Pictures] = {}
    for i in range(patients):
        held: Pictures = []
        for _ in range(i % (VISITS + 1)):
            finding = "rare" if i == 5 else ("none", "spot")[int(rng.integers(0, 2))]
            pixels = rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
            held.append((png(pixels), f"{finding},{rng.integers(0, 11)}"))
        found[f"p{2 * i:04d}"] = held
    return found


def written(folder: Path, who: str | None) -> list[Path]:
    """The clinic's files, with that adversary among the patients, or without."""
    people = friends()
    if who is not None:
        people = {**people, JOINS: list(ADVERSARIES[who])}
    (folder / "scans").mkdir(parents=True)
    Image.new("L", (SIDE, SIDE), 200).save(folder.parent / "out.png")
    facts, visits = ["id,ill,age"], ["id,image,finding,dose"]
    for key, pictures in sorted(people.items(), key=lambda item: item[0]):
        facts.append(f"{key},{int(key) % 3 == 0 if key.isdecimal() else len(key) % 2},50")
        for turn, (data, cells) in enumerate(pictures):
            name = f"{key}_{turn:02d}.png"
            visits.append(f"{key},{name},{cells}")
            if data is not None:
                (folder / "scans" / name).write_bytes(data)
    if who == "no files":
        visits.append(f"{JOINS},{OUT},spot,1")
    files = [folder / "patients.csv", folder / "visits.csv"]
    files[0].write_text("\n".join(facts) + "\n")
    files[1].write_text("\n".join(visits) + "\n")
    return files
