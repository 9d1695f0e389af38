"""Outputs are whole or not there."""

from __future__ import annotations

import pytest

from dpsynth.errors import InputError
from dpsynth.pipeline.folders import check_free, claimed, write_text


def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "half.txt").write_text("half")
        (tmp_path / "a" / "b" / "inner").mkdir()
        raise ZeroDivisionError
    assert not (tmp_path / "a").exists()


def test_a_failure_leaves_an_empty_folder_empty(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path / "mine"):
        (tmp_path / "mine" / "half.txt").write_text("half")
        raise KeyboardInterrupt
    assert list((tmp_path / "mine").iterdir()) == []


def test_what_worked_stays(tmp_path):
    with claimed(tmp_path / "made"):
        write_text(tmp_path / "made" / "whole.txt", "whole")
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["whole.txt"]


@pytest.mark.parametrize("taken", ["folder", "file", "below a file"])
def test_a_taken_place_is_refused(tmp_path, taken):
    (tmp_path / "file").write_text("mine")
    place = {"folder": tmp_path, "file": tmp_path / "file", "below a file": tmp_path / "file" / "a"}
    with pytest.raises(InputError, match=r"choose another|can't be made"), claimed(place[taken]):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_a_new_or_empty_folder_is_free(tmp_path):
    check_free(tmp_path)
    check_free(tmp_path / "new")
    assert not (tmp_path / "new").exists()
