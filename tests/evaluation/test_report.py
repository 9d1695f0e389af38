"""The page a steward reads: safe, complete and self-contained."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser

import pytest

from dpsynth.evaluation.group_lines import WORST
from dpsynth.evaluation.leakage import METRICS
from dpsynth.evaluation.report import INTERNAL, render, report_facts, write_report


class Tags(HTMLParser):
    """Checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta", "br", "link", "rect", "line", "path", "circle", "image"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line", "path", "circle", "image", "p", "li"}:
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
    assert not re.search(r"src=|@import|url\(|https?:", page)
    assert all(
        link.startswith(("#", "data:image/png")) for link in re.findall('href="([^"]*)', page)
    )
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
    assert "<script>alert" not in page
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


def test_only_our_own_script_may_run_and_only_it_is_there(evaluations):
    page = render(evaluations[0], title="Clinic", privacy=None)
    (script,) = re.findall("<script>(.*?)</script>", page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in page and f"script-src 'sha256-{digest}'" in page


def test_bias_is_folded_but_for_the_worst(evaluations):
    page = render(evaluations[0], title="Clinic", privacy=None)
    assert "intersections</summary>" in page
    shown = page[page.index('id="groups"') :]
    shown = shown[: shown.index("<details")]
    assert shown.count("<tr><td><b>") <= WORST
    assert 'details class="fold"' in page and "details-content" in page


def test_the_promised_stands_beside_the_measured(evaluations, tmp_path):
    card = {"epsilon": 1.0, "delta": 0.0}
    page = render(evaluations[0], title="Clinic", privacy=card)
    assert "Claim allows" in page and "at most 0.0272" in page  # e / 100
    assert "Claim allows" not in render(evaluations[0], title="Clinic", privacy=None)
    facts = report_facts(evaluations[0], title="Clinic", privacy=card)["claim"]
    assert facts["rows_at_most"]["membership_tpr"] == pytest.approx(math.e / 100)
    assert facts["contradicted_by"] == []
    assert set(facts["rows_at_most"]) == set(METRICS)


def test_figures_are_in_the_json_and_as_files_if_asked(evaluations, tmp_path):
    written = write_report(evaluations[0], tmp_path, title="Clinic", figures=True)
    names = {path.name for path in written}
    assert {"roc.svg", "calibration.svg", "membership.svg", "correlations.svg"} <= names
    figures = json.loads((tmp_path / "report.json").read_text())["figures"]
    assert [each["name"] for each in figures["plots"]] == ["roc", "calibration", "membership"]
