"""Patients and pictures that a figure shows: drawn by chance, each as they are."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from dpsynth.evaluation.series.gallery import PICTURES, SIDE, gallery
from dpsynth.evaluation.series.trajectories import PATIENTS, trajectories


def test_a_trajectory_is_a_patients_own_values(clinic, clinic_plan):
    real, copy = clinic(50, 1), clinic(50, 2)
    (made,) = trajectories(real, copy, clinic_plan, np.random.default_rng(0))
    assert (made.name, made.unit, made.across) == ("pressure", "mmHg", "days since the first visit")
    assert len(made.real) == len(made.synthetic) == PATIENTS
    known = {tuple(v["pressure"]) for _, v in real.visits.groupby("patient")}
    assert all(path.value in known for path in made.real)
    assert all(path.time[0] == 0 and len(path.time) >= 2 for path in made.real)


def test_nobody_with_two_visits_means_no_path(clinic, clinic_plan):
    real = clinic(50, 1)
    none = real.take(np.array([], dtype=int))
    (made,) = trajectories(real, none, clinic_plan, np.random.default_rng(0))
    assert made.synthetic == ()
    assert trajectories(none, none, clinic_plan, np.random.default_rng(0)) == ()
    (alone,) = trajectories(None, real, clinic_plan, np.random.default_rng(0))
    assert alone.real == ()


def test_pictures_stand_by_class_and_are_small(pictured_tokens, picture_schema):
    make, book = pictured_tokens
    rng = np.random.default_rng(0)
    shelves = gallery(make(40, 1), make(40, 2), book, picture_schema.label, rng)
    assert [each.name for each in shelves] == ["false", "true"]
    for shelf in shelves:
        assert len(shelf.real) == len(shelf.synthetic) == PICTURES
        picture = Image.open(io.BytesIO(base64.b64decode(shelf.real[0])))
        assert max(picture.size) <= SIDE
    # Who is ill is brighter at the left, so classes are not mixed up.
    means = [
        np.mean([_left(each) for each in shelf.real])
        - np.mean([_left(each, 4) for each in shelf.real])
        for shelf in shelves
    ]
    assert means[1] > means[0] + 20


def _left(picture: str, start: int = 0) -> float:
    return float(
        np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))[:, start : start + 4].mean()
    )
