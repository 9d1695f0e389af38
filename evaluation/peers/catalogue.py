"""The peers: what runs them, on which shape of records, with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapes

HERE = Path(__file__).resolve().parent
SHAPES = {
    "flat": (shapes.flat, shapes.from_flat),
    "sequences": (shapes.sequences, shapes.from_sequences),
}


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One peer as it is measured. Adding one = a line below, a worker, a requirements file.

    Attributes:
        environment: its file in `requirements/`, without ".txt"; None is our own environment.
        worker: the script that runs in it.
        shape: of the records it is given, one of `SHAPES`.
        settings: that differ from the peer's own.
        private: whether it promises differential privacy; otherwise its epsilon is null.
    """

    environment: str | None
    worker: Path
    shape: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    private: bool = True

    def __post_init__(self) -> None:
        """The shape must be known."""
        if self.shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {self.shape!r}")


def _peer(name: str, shape: str, private: bool = True, **settings: Any) -> Peer:
    worker = HERE / f"worker_{name}.py"
    return Peer(environment=name, worker=worker, shape=shape, settings=settings, private=private)


PEERS = {
    "dpmm-mst": _peer("dpmm", "flat", model="mst"),
    "dpmm-mst-quick": _peer("dpmm", "flat", model="mst", quick=1000),
    "dpmm-aim": _peer("dpmm", "flat", model="aim"),
    "smartnoise-mst": _peer("smartnoise", "flat", model="mst"),
    "smartnoise-mst-quick": _peer("smartnoise", "flat", model="mst", quick=True),
    "smartnoise-mst-mended": _peer("smartnoise", "flat", model="mst", mended=True),
    "mostlyai": _peer("mostlyai", "sequences"),
    "mostlyai-flat": _peer("mostlyai", "flat"),
    "sdv-par": _peer("sdv", "sequences", private=False, cuda=False),
}
