"""Every figure says in words what it shows, and is a whole drawing also as a file."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from dpsynth.evaluation import svg
from dpsynth.evaluation.charts import Bars, Heat
from dpsynth.evaluation.drawings import bounding, copied, sections, slug
from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.figures import Correlations, Figures, Line, Plot
from dpsynth.evaluation.leakage.claimed import implied
from dpsynth.evaluation.page import alone, write_figures

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def made(evaluations):
    return sections(evaluations[0], implied({"epsilon": 1.0, "delta": 1e-5}))


def drawings(made):
    return [d for section in made for d in (*section.drawings, *section.folded)]


def test_every_kind_of_figure_is_there(made):
    anchors = [each.anchor for each in made]
    assert anchors == [
        "columns", "trajectories", "transitions", "correlations", "models", "gaps", "attacks",
    ]  # fmt: skip


def test_every_figure_has_a_text_alternative(made):
    for each in drawings(made):
        for drawn in filter(None, (each.svg, each.more)):
            root = ElementTree.fromstring(alone(drawn))
            assert root.get("role") == "img"
            assert root.findtext(f"{SVG}title")
            assert root.findtext(f"{SVG}desc") or each.table


def test_names_of_files_are_unique_and_plain(made, tmp_path):
    names = [each.name for each in drawings(made)]
    assert len(set(names)) == len(names)
    written = write_figures(made, tmp_path)
    assert {path.suffix for path in written} == {".svg"}
    assert all(re.fullmatch(r"[a-z0-9-]+\.svg", path.name) for path in written)
    assert slug("Größe/../x y") == "gr-e-x-y"


def test_nothing_drawn_is_no_number(made):
    for each in drawings(made):
        assert not re.search(r'"[^"]*\b(nan|inf)\b[^"]*"', str(each.svg))


def test_names_in_figures_are_escaped():
    bars = Bars("<b>", "", ("<i>",), (1.0,), (1.0,), 0.0)
    assert "<b>" not in svg.histogram(bars) and "<i>" not in svg.histogram(bars)


def test_a_row_nobody_is_in_is_no_row_of_zeros():
    drawn = svg.heat(Heat("x", ("a", "b"), ((1.0, 0.0), (0.0, 0.0)), ((1, 0), (0, 1)), 0.0), "real")
    assert drawn.count("–</text>") == 2 and "100%" in drawn


def test_a_difference_tells_its_sign_in_letters():
    table = ((1.0, 0.4, math.nan), (0.4, 1.0, 0.0), (math.nan, 0.0, 1.0))
    zero = ((1.0, 0.1, 0.0), (0.1, 1.0, 0.5), (0.0, 0.5, 1.0))
    drawn = svg.correlation(Correlations(labels=("a", "b", "c"), real=zero, synthetic=table))
    assert "+0.30" in drawn and "−0.50" in drawn and "–</text>" in drawn
    assert "b and a +0.30" in drawn


def test_a_gap_that_is_not_assessable_is_said():
    sure = Estimate(0.1, 0.0, 0.2, 9)
    drawn = svg.forest([svg.Gap("sex", sure, sure, not_assessable("few"))], "Gaps")
    assert drawn.count("not assessable") == 2  # in letters, and in the description
    assert "real 0.100 (0.000 to 0.200)" in drawn


def test_the_bound_is_that_of_the_claim():
    line = Line(name="attack", role="copy", x=(0.01, 0.1, 1.0), y=(0.0, 0.2, 1.0))
    plot = Plot(
        name="membership", kind="membership", title="x", across="a", up="b", log=True, lines=(line,)
    )
    claim = implied({"epsilon": 1.0, "delta": 0.0})
    bound = bounding(claim, plot)
    assert (bound.x[0], bound.y[0]) == pytest.approx((0.01, 0.01 * math.e))
    assert "claimed epsilon 1" in svg.curves(plot, bound)


def test_curves_lie_inside_their_axes():
    line = Line(name="attack", role="copy", x=(0.001, 0.01, 1.0), y=(0.0, 0.5, 1.0))
    plot = Plot(name="m", kind="membership", title="x", across="a", up="b", log=True, lines=(line,))
    path = re.search(r'<path d="M([\d. L]+)"', str(svg.curves(plot)))[1]
    points = np.array(re.findall(r"[\d.]+", path), dtype=float).reshape(-1, 2)
    assert points[:, 1].min() >= 12 and points[:, 1].max() <= 312


def test_the_copy_alone_is_drawn_without_real_patients():
    bars = Bars("age", "", ("young", "old"), (), (0.4, 0.6), 0.0)
    found = copied([bars], None, [], Figures())
    assert [each.anchor for each in found] == ["columns"]
    assert "real" not in str(found[0].drawings[0].svg)
    assert "real" not in found[0].says
