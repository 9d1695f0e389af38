"""The page a steward reads: safe, complete and self-contained."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from dpsynth.evaluation.report import INTERNAL, render, write_report
from dpsynth.evaluation.run import evaluate


@pytest.fixture(scope="module")
def evaluations(clinic, clinic_plan, clinic_codec):
    plan, book = clinic_plan, clinic_codec
    train, holdout, other = (clinic(150, seed) for seed in (1, 2, 3))
    none = other.take(np.array([], dtype=int))
    return [evaluate(train, holdout, each, plan, book) for each in (other, none)]


class Tags(HTMLParser):
    """Checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta", "br", "link", "rect", "line", "path", "circle"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line", "path", "circle", "p", "li"}:
            while self.open and self.open[-1] in {"p", "li"}:
                self.open.pop()
            assert self.open.pop() == tag
        elif self.open and self.open[-1] == tag:
            self.open.pop()


@pytest.mark.parametrize("which", [0, 1])
def test_the_page_is_whole_and_loads_nothing(evaluations, which):
    page = render(evaluations[which], title="Clinic", privacy=None)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert INTERNAL in page
    assert not re.search(r"(src|href)=|@import|url\(", page)
    assert not re.search(r"\b[nN]a[nN]\b|\bNone\b|\binf\b|Estimate\(", page)
    assert len(page) < 1_000_000


def test_what_is_written_is_one_page_and_strict_json(evaluations, tmp_path):
    written = write_report(
        evaluations[0], tmp_path / "report", title="Clinic", privacy={"epsilon": 3, "delta": 1e-5}
    )
    assert [path.name for path in written] == ["report.html", "report.json"]
    facts = json.loads(written[1].read_text(encoding="utf-8"))
    assert facts["internal"] == INTERNAL
    assert len(facts["verdicts"]) == 5
    assert facts["privacy"]["epsilon"] == 3


def test_names_from_the_data_are_escaped(evaluations):
    page = render(evaluations[0], title="<script>alert(1)</script>", privacy={"<b>": "<i>"})
    assert "<script>" not in page
    assert "<b>&lt;" not in page
    assert "&lt;i&gt;" in page


def test_the_page_names_each_question_and_both_references(evaluations):
    page = render(evaluations[0], title="Clinic", privacy=None)
    for words in (
        "Is it like the real data?",
        "Is it useful?",
        "For whom is it worse?",
        "Does it leak?",
        "other real patients",
        "a plain copy of the training patients",
        "Synthetic patient 1",
    ):
        assert words in page


def test_no_real_patient_is_printed(evaluations, clinic):
    pages = [render(each, title="Clinic", privacy=None) for each in evaluations]
    for key in (*clinic(150, 1).keys, *clinic(150, 2).keys):
        assert not any(f">{key}<" in page or f" {key} " in page for page in pages)
    assert "Synthetic patient 1" not in pages[1]  # an empty copy has nobody to print
