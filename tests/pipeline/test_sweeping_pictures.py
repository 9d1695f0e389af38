"""Sweeps of pictures: every model, with and without noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.data.phantoms import chest
from dpsynth.data.pictures import Labelled, write_npz
from dpsynth.data.schema_file import load_schema
from dpsynth.pipeline import sweep
from dpsynth.privacy.ledger import Ledger

SCHEMA = """\
version: 1
name: chests
unit: image
population: 160
max_visits: 1
tables:
  chests:
    shape: visits
    key: patient
    time: {column: image, kind: order}
    picture: {file: image, size: 28, channels: 1}
    columns:
      label: {type: category, categories: [0, 1], missing: false}
label: {column: label, positive: 1, given: same}
"""


@pytest.fixture
def chests(tmp_path, monkeypatch, once_accounted):
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "ledger"))
    found = chest(160, seed=3)
    labels = (found.table["pneumonia"] == "true").to_numpy()[:, None].astype(np.uint8)
    write_npz({"train": Labelled(images=found.images[..., 0], labels=labels)}, tmp_path / "x.npz")
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    return tmp_path


def test_every_model_of_pictures_is_swept_with_and_without_noise(chests):
    found = sweep(
        [chests / "x.npz"],
        load_schema(chests / "schema.yaml"),
        chests / "sw",
        models=["image-diffusion", "image-gan", "dct-gaussian", "dp-merf"],
        epsilons=[10.0, math.inf],
        seeds=1,
        holdout_rate=0.4,
        population="chests",
        patients=60,
        settings={
            "image-diffusion": {"steps": 2},
            "image-gan": {"steps": 2},
            "dp-merf": {"steps": 2},
        },
        device="cpu",
    )
    assert (Ledger().spent("chests").runs, Ledger().spent("chests").epsilon) == (4, 40.0)
    known = {(c.model, c.epsilon, c.metric) for c in found.cells if c.assessable}
    for model in ("image-diffusion", "image-gan", "dct-gaussian", "dp-merf"):
        for epsilon in (10.0, math.inf):
            for metric in ("picture_tstr_auc", "kid", "membership_auc"):
                assert (model, epsilon, metric) in known
