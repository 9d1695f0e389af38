"""A card that is given with a copy is of its files, is refused, or is said to be unchecked."""

import pytest

from dpsynth.errors import PromiseError
from dpsynth.evaluation.report import NOT_CHECKED
from dpsynth.pipeline import copies, digests
from dpsynth.pipeline.given_card import MADE, NAMED, check_card

BARE = {"guarantee": {"epsilon": 1.0, "delta": 1e-5}}


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "a.csv").write_text("pid\n1\n")
    (folder / "b.csv").write_text("pid\n2\n")
    return folder


def card_of(folder):
    files = [{"name": f"data/{n}", "sha256": h} for n, h in digests.of_folder(folder).items()]
    return BARE | {"identity": {"files": files}}


def noted(tmp_path, folder):
    run = tmp_path / "run"
    run.mkdir()
    digest = digests.together(digests.of_folder(folder))
    copies.note(run, copies.Copy(digest=digest, patients=2))
    return run


def test_a_released_card_names_the_files(copy):
    card = card_of(copy)
    assert check_card(card, [copy]) == NAMED
    assert check_card(card, [copy / "a.csv"]) == NAMED
    assert check_card(card, [f"table={copy / 'a.csv'}", copy / "b.csv"]) == NAMED


def test_one_changed_or_added_file_is_refused(copy):
    card = card_of(copy)
    (copy / "c.csv").write_text("pid\n1\n3\n")
    with pytest.raises(PromiseError, match=r"does not name .*c\.csv as it is now"):
        check_card(card, [copy])
    (copy / "c.csv").unlink()
    (copy / "b.csv").write_text("pid\n3\n")
    with pytest.raises(PromiseError, match=r"does not name .*b\.csv as it is now"):
        check_card(card, [copy])
    assert check_card(card, [copy / "a.csv"]) == NAMED


def test_a_runs_card_is_of_the_copies_that_the_run_made(copy, tmp_path):
    run = noted(tmp_path, copy)
    assert check_card(BARE, [copy], run) == MADE
    assert check_card(BARE, [copy / "a.csv"], run) == NOT_CHECKED  # a part has no hash there
    (copy / "a.csv").write_text("pid\n3\n")
    with pytest.raises(PromiseError, match="did not make the files"):
        check_card(BARE, [copy], run)


@pytest.mark.parametrize(
    "card",
    [
        None,
        BARE,
        {"epsilon": 1.0},
        {"identity": {"files": []}},
        {"identity": 3},
        {"identity": {"files": 3}},
        {"identity": {"files": [3, {"name": "x"}]}},
    ],
)
def test_a_card_that_names_nothing_is_not_checked(copy, card, tmp_path):
    assert check_card(card, [copy]) == NOT_CHECKED
    assert check_card(card, [copy], tmp_path) == NOT_CHECKED  # no run lies there
