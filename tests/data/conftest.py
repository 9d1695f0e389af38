"""Small schemas and files for the readers' and writers' tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dpsynth.data.records import Records
from dpsynth.schema import Schema


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write text, bytes or a frame (as CSV or Parquet, by name) to a file."""

    def write(name: str, what: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif isinstance(what, str):
            path.write_text(what, encoding="utf-8")
        elif path.suffix == ".parquet":
            what.to_parquet(path, index=False)
        else:
            what.to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def one_table() -> Callable[..., Schema]:
    """A schema of one table."""

    def build(shape: str, columns: dict[str, Any], **more: Any) -> Schema:
        whole = {k: more.pop(k) for k in ("label", "strict", "max_visits") if k in more}
        if shape == "visits":
            whole.setdefault("max_visits", 10)
            more.setdefault("time", {"column": "t"})
        if shape == "events" and "span" not in more:
            whole.setdefault("max_visits", 10)
        table = {"shape": shape, "key": "pid", "columns": columns, **more}
        return Schema(name="test", tables={"x": table}, **whole)

    return build


@pytest.fixture
def same() -> Callable[[Records, Records], None]:
    """Two records are bit-equal."""

    def check(one: Records, two: Records) -> None:
        assert list(one.keys) == list(two.keys)
        pd.testing.assert_frame_equal(one.static, two.static, check_exact=True)
        pd.testing.assert_frame_equal(one.visits, two.visits, check_exact=True)

    return check
