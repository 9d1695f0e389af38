"""Page and JSON of a sweep: offline, the same numbers in both, every figure in words."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.figures import Dose, Doses
from dpsynth.evaluation.svg import doses
from dpsynth.evaluation.sweep import Measured, Thresholds, cells, decide
from dpsynth.evaluation.sweep.report import INTERNAL, sections, write_sweep

ASKED = Thresholds(loss=0.03, group_loss=0.05)


def measures(loss):
    near = [Estimate(loss + d, loss + d - 0.01, loss + d + 0.01, 300) for d in (0.0, 0.002)]
    return [
        Measured(metric="tstr_auc", estimate=Estimate(0.8 - loss, 0.7, 0.9, 300)),
        Measured(metric="auc_loss", estimate=near[0]),
        Measured(metric="auc_loss", group="sex <f>", estimate=near[1]),
        Measured(metric="auc_loss", group="sex m", estimate=not_assessable("4 events", 12)),
        Measured(metric="worst_group_loss", estimate=near[1]),
        Measured(metric="tv1", estimate=Estimate(loss, 0, 0.2, 300)),
        Measured(metric="membership_auc", estimate=Estimate(0.5, 0.4, 0.6, 300)),
        Measured(metric="membership_tpr", estimate=not_assessable("needs 100 outsiders", 9)),
    ]


CURVE = cells(
    (model, epsilon, measures(loss + 0.001 * seed))
    for seed in range(3)
    for model in ("log-linear", "table-gan")
    for epsilon, loss in ((1.0, 0.06), (3.0, 0.01), (math.inf, 0.0))
)
REAL = [Measured(metric="tstr_auc", estimate=Estimate(0.8, 0.7, 0.9, 300))]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("swept")
    schema = root / "schema.yaml"
    schema.write_text(
        (Path(__file__).parents[2] / "conftest.py").read_text().split('"""\\\n')[1].split('"""')[0]
    )
    return write_sweep(
        root,
        schema=load_schema(schema),
        sweep="0123",
        payment={"mode": "charged", "words": "Who pays: population <clinic>."},
        real=REAL,
        cells=CURVE,
        decision=decide(CURVE, ASKED),
        thresholds=ASKED,
        sizes=(700, 300),
        points=[],
    )


def test_the_page_loads_nothing_and_escapes_everything(written):
    text = written[0].read_text()
    assert INTERNAL in text and "Who pays: population &lt;clinic&gt;." in text
    assert "<clinic>" not in text and "sex &lt;f&gt;" in text and "<f>" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)=["'](?!#)""", text)
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_page_shows_decision_curves_and_unknown_groups(written):
    text = written[0].read_text()
    assert "log-linear at epsilon 3" in text
    for heading in ("Is it useful?", "For whom is it worse?", "Does it leak?", "Who pays?"):
        assert heading in text
    assert "sex m: 4 events" in text
    assert "no noise" in text


def test_json_and_page_hold_the_same_numbers(written):
    facts = json.loads(written[1].read_text())
    assert facts["internal"] == INTERNAL and facts["kind"] == "sweep"
    assert facts["recommendation"]["status"] == "draft"
    assert facts["recommendation"]["epsilon"] == 3.0
    rows = {(r["model"], r["epsilon"], r["metric"], r["group"]): r for r in facts["rows"]}
    free = rows["table-gan", None, "auc_loss", None]
    assert free["value"] == pytest.approx(0.001) and free["seeds"] == 3
    assert rows["log-linear", 1.0, "auc_loss", "sex m"]["value"] is None
    assert f"{rows['log-linear', 1.0, 'tstr_auc', None]['value']:.3f}" in written[0].read_text()


def test_what_is_nowhere_assessable_has_no_figure_and_the_rest_have():
    drawn = [d.name for part in sections(REAL, CURVE) for d in part.drawings]
    assert drawn == ["tstr_auc", "auc_loss", "worst_group_loss", "tv1", "membership_auc"]


def test_a_curve_is_drawn_where_its_values_are():
    line = Dose(
        name="a<b",
        epsilon=(1.0, 10.0, math.inf),
        y=(0.0, 1.0, math.nan),
        low=(0.0, 0.5, math.nan),
        high=(0.0, 1.0, math.nan),
    )
    made = doses(Doses(title="t", up="u", lines=(line,), marks=(("real", 0.5),)))
    root = ET.fromstring(str(made))
    discs = [(float(e.get("cx")), float(e.get("cy"))) for e in root.iter("circle")]
    assert len(discs) == 3  # two points and the legend; what is unknown has no mark
    (x1, y1), (x10, y10), _ = discs
    assert x1 < x10 and y1 > y10  # epsilon to the right, worth upwards
    said = root.find("desc").text
    assert "0 (0 to 0) at 1, 1 (0.5 to 1) at 10" in said and "real patients: 0.5" in said
    labels = [e.text for e in root.iter("text")]
    assert {"1", "10", "no noise", "epsilon", "a<b", "real patients"} <= set(labels)


def test_a_curve_of_one_point_and_of_none_is_still_a_drawing():
    one = Dose(name="a", epsilon=(2.0,), y=(0.3,), low=(0.3,), high=(0.3,))
    for lines in ((one,), ()):
        ET.fromstring(str(doses(Doses(title="t", up="u", lines=lines))))
