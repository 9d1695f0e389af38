"""Cost against size: the fit by hand, and the script on made-up encounters."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from toys import EVALUATION, patients, script

from dpsynth.data.codec import codec
from dpsynth.data.schema_file import load_schema
from dpsynth.data.writer import write


@pytest.fixture
def encounters(tmp_path):
    schema = load_schema(EVALUATION / "diabetes130/schema.yaml")
    books = codec(schema)
    write(books.decode(patients(books, 60), np.random.default_rng(0)), schema, tmp_path, "parquet")
    return tmp_path / "diabetic_data.parquet"


def test_a_power_law_is_found_with_its_interval():
    fit = script("scaling/fit.py")
    found = fit.power_law([1.0, 10.0, 100.0], [2.0, 20.0, 200.0])
    assert (found.exponent, found.scale) == pytest.approx((1.0, 2.0))
    assert found.at(50.0) == pytest.approx(100.0)
    # In logarithms to base 10: x = 0, 1, 2 and y = 0, 3/2, 2. Slope 1, intercept 1/6, residuals
    # -1/6, 1/3, -1/6: variance (1/6) / 1, of the slope (1/6) / 2. Half width 12.706 x sqrt(1/12).
    bent = fit.power_law([1.0, 10.0, 100.0], [1.0, 10**1.5, 100.0])
    assert bent.exponent == pytest.approx(1.0)
    assert bent.high - 1 == pytest.approx(12.706 * 12**-0.5, rel=1e-4)
    assert bent.low - 1 == pytest.approx(-12.706 * 12**-0.5, rel=1e-4)
    with pytest.raises(ValueError, match="three points"):
        fit.power_law([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="positive"):
        fit.power_law([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])


def test_the_first_patients_of_a_file_come_whole_and_larger_sizes_hold_smaller(
    encounters, tmp_path
):
    run, rows = script("scaling/run.py"), pd.read_parquet(encounters)
    kept = {}
    for size in (10, 25):
        run.first_patients(encounters, size, tmp_path / "part.parquet")
        part = pd.read_parquet(tmp_path / "part.parquet")
        kept[size] = set(part["patient_nbr"])
        assert len(kept[size]) == size
        assert len(part) == rows["patient_nbr"].isin(kept[size]).sum()
    assert kept[10] < kept[25]
    with pytest.raises(SystemExit, match="60 patients; 61"):
        run.first_patients(encounters, 61, tmp_path / "part.parquet")


def test_a_step_is_timed_between_the_first_and_the_last():
    steps = script("scaling/measure.py").Steps()
    steps.at = [(1, 7.0), (2, 9.0), (4, 13.0)]
    assert steps.one == 2.0
    steps("generating", 1, 1)
    assert len(steps.at) == 3


def test_an_epoch_of_a_model_with_steps_is_one_expected_pass(encounters, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    tiny = {"steps": 3, "warm_steps": 1, "width": 8, "depth": 1, "batch": 8}
    found = script("scaling/measure.py").point("table-diffusion", encounters.parent, 60, 0, tiny)
    assert set(found) == {"base_gb", "epoch_s", "before_s", "generate_s", "peak_gb"}
    assert min(found.values()) > 0


def test_the_script_takes_up_fits_and_draws(encounters, tmp_path, monkeypatch, capsys):
    run, out = script("scaling/run.py"), tmp_path / "results.json"
    measured, asked = run.measured, []

    def quick(name, folder, size, seed, settings):
        asked.append(size)
        if size == 20:  # one size as it is: in a process of its own
            return measured(name, folder, size, seed, settings)
        return {"epoch_s": size / 1e3, "generate_s": size / 1e4, "peak_gb": 0.5}

    monkeypatch.setattr(run, "measured", quick)
    words = ["--data", str(encounters.parent), "--out", str(out), "--models", "markov"]
    words += ["--sizes", "20,40,60", "--seeds", "1"]
    run.main(words)
    assert asked == [20, 40, 60]
    rows = json.loads(out.read_text())["rows"]
    fitted = {row["metric"] for row in rows if "patients" not in row}
    assert fitted == {"epoch_exponent", "generate_exponent", "peak_exponent"}
    assert {"base_gb", "peak_gb"} <= {row["metric"] for row in rows if row.get("patients") == 20}
    drawn = ET.parse(tmp_path / "results.svg").getroot()
    assert len(drawn.findall(".//{*}circle")) == 9
    assert "| markov | 3 | 60 |" in capsys.readouterr().out
    run.main(words)
    assert asked == [20, 40, 60]
    assert json.loads(out.read_text())["rows"] == rows
