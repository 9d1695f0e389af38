"""A killed run: what was asked stays spent, what was said is kept, and nothing is executed."""

import errno
import json
import os
import pickle

import numpy as np
import pytest
import torch

from dpsynth.errors import RunError
from dpsynth.models.state import State, read_tensors, write_tensors
from dpsynth.privacy.ledger import durable


class Killed(BaseException):
    """As by a signal: nothing catches it."""


def test_an_answer_is_asked_once_and_read_back_bit_for_bit(tmp_path):
    answers = [np.array([[1.5, -2.0]]), np.arange(3.0), np.zeros((0, 2))]
    first = State(tmp_path / "s").once("tables", lambda: answers)

    def never() -> list[np.ndarray]:
        raise AssertionError("asked twice")

    again = State(tmp_path / "s").once("tables", never)
    for one, other, truth in zip(first, again, answers, strict=True):
        np.testing.assert_array_equal(one, truth)
        np.testing.assert_array_equal(other, truth)
        assert one.dtype == other.dtype == np.float64


def test_many_answers_keep_their_order(tmp_path):
    answers = [np.array([float(i)]) for i in range(120)]
    found = State(tmp_path / "s").once("tables", lambda: answers)
    assert [a[0] for a in found] == list(range(120))


def test_an_answer_that_was_not_saved_was_seen_by_nobody(tmp_path, monkeypatch):
    state, seen = State(tmp_path / "s"), []

    def die(path, data):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(durable, "publish", die)
        with pytest.raises(Killed):
            seen += state.once("tables", lambda: [np.array([7.0])])
    assert not seen
    assert not state.holds("tables")
    assert state.once("tables", lambda: [np.array([8.0])])[0].tolist() == [8.0]


def test_a_step_is_on_the_disk_before_it_is_asked(tmp_path, monkeypatch):
    order = []
    sync, folder = os.fsync, durable.sync_folder
    monkeypatch.setattr(os, "fsync", lambda file: (order.append("file"), sync(file)))
    monkeypatch.setattr(durable, "sync_folder", lambda path: (order.append("folder"), folder(path)))
    state = State(tmp_path / "s")
    order.clear()
    state.asking(0)
    assert order[0] == "file"
    assert "folder" in order  # the file's name too, the first time
    assert state.asked == 1


@pytest.mark.parametrize("short", [0, 5])
def test_a_full_disk_stops_the_step(tmp_path, monkeypatch, short):
    state = State(tmp_path / "s")
    state.asking(0)
    write = os.write

    def full(file, data):
        if short and len(data) > short:
            return write(file, data[:short])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        with pytest.raises(RunError, match=r"No space left.*resume"):
            state.asking(1)
    assert state.asked == 1
    state.asking(1)
    assert [json.loads(x) for x in (tmp_path / "s" / "asked.jsonl").read_text().splitlines()] == [
        {"step": 0},
        {"step": 1},
    ]


def test_a_torn_line_counts_as_a_step(tmp_path):
    state = State(tmp_path / "s")
    assert state.asked == 0
    for step in range(3):
        state.asking(step)
    with (tmp_path / "s" / "asked.jsonl").open("ab") as file:
        file.write(b'{"st')
    assert State(tmp_path / "s").asked == 4


def test_a_checkpoint_comes_back_with_its_step(tmp_path):
    state = State(tmp_path / "s")
    assert state.restore() is None
    for step in (0, 20):
        state.checkpoint(
            {"net.w": torch.full((2,), float(step)), "adam.0.step": torch.tensor(3.0)}, step
        )
    tensors, step = State(tmp_path / "s").restore()
    assert step == 20
    assert {name: value.tolist() for name, value in tensors.items()} == {
        "net.w": [20.0, 20.0],
        "adam.0.step": 3.0,
    }


def test_a_checkpoint_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    state = State(tmp_path / "s")
    state.checkpoint({"w": torch.ones(1)}, 5)

    def die(fresh, path):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(durable, "replace", die)
        with pytest.raises(Killed):
            state.checkpoint({"w": torch.zeros(1)}, 6)
    tensors, step = State(tmp_path / "s").restore()
    assert (tensors["w"].tolist(), step) == ([1.0], 5)


class Bomb:
    def __reduce__(self):
        return (os.mkdir, (str(Bomb.where),))


@pytest.mark.parametrize("make", [pickle.dumps, "torch", b"", b"\x00" * 64, b"\xff" * 64])
def test_a_pickle_where_tensors_should_be_is_refused_and_never_run(tmp_path, make):
    Bomb.where = tmp_path / "run"
    path = tmp_path / "model.safetensors"
    if make == "torch":
        torch.save({"w": Bomb()}, path)
    else:
        path.write_bytes(make if isinstance(make, bytes) else make(Bomb()))
    with pytest.raises(RunError, match="not a safetensors file"):
        read_tensors(path)
    assert not Bomb.where.exists()


def test_a_missing_file_a_folder_and_a_foreign_checkpoint_are_run_errors(tmp_path):
    with pytest.raises(RunError, match="missing"):
        read_tensors(tmp_path / "model.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(RunError, match="not a safetensors file"):
        read_tensors(tmp_path / "folder.safetensors")
    state = State(tmp_path / "s")
    write_tensors(tmp_path / "s" / "checkpoint.safetensors", {"w": torch.ones(1)})
    with pytest.raises(RunError, match="not a checkpoint of ours"):
        state.restore()


def test_a_finished_run_leaves_no_folder(tmp_path):
    state = State(tmp_path / "s")
    state.asking(0)
    state.checkpoint({"w": torch.ones(1)}, 1)
    state.remove()
    assert not (tmp_path / "s").exists()


def test_half_saved_answers_are_not_asked_again(tmp_path):
    state = State(tmp_path / "state")
    (tmp_path / "state" / "tables.safetensors.new").write_bytes(b"half")
    with pytest.raises(RunError, match="half saved"):
        state.once("tables", lambda: [np.zeros(2)])


def test_answers_have_no_name_before_they_are_whole(tmp_path, monkeypatch):
    state = State(tmp_path / "state")
    seen = []

    def link(*words, **more):
        seen.append(sorted(p.name for p in state.folder.iterdir()))
        raise OSError(5, "the disk is gone")

    monkeypatch.setattr("os.link", link)
    with pytest.raises(OSError, match="gone"):
        state.once("tables", lambda: [np.ones(3)])
    assert seen == [[]] and not list(state.folder.iterdir())
