"""Rounds of drawing and rejecting, with a model whose law is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
import torch

from dpsynth.data.codec import PAD, Tokens, codec
from dpsynth.data.rules import broken
from dpsynth.errors import PromiseError
from dpsynth.models.base import quiet
from dpsynth.pipeline.conditions import conditions
from dpsynth.pipeline.quotas import strata, taken
from dpsynth.pipeline.sampling import WHERE, Sampler
from dpsynth.schema import Schema


def clinic(*rules: str) -> Schema:
    return Schema(
        name="clinic",
        max_visits=6,
        rules=rules,
        label={"column": "ill", "positive": "true"},
        tables={
            "people": {"shape": "static", "key": "pid", "columns": {
                "age": {"type": "number", "bounds": [0, 100], "bins": 10, "missing": False},
                "ill": {"type": "boolean", "missing": False}}},
            "visits": {"shape": "visits", "key": "pid", "time": {"column": "t", "kind": "order"},
                       "columns": {"x": {"type": "number", "bounds": [0, 4], "bins": 4,
                                         "missing": False},
                                   "dead": {"type": "boolean", "missing": False}}},
        },
    )  # fmt: skip


@dataclass
class Even:
    """Codes and numbers of visits (1 to 6) all equally likely; one in four is ill, `dead` rare."""

    dead: float = 0.1
    asked: list[tuple[int, dict[int, int], int]] = field(default_factory=list)

    def sample(
        self, patients: int, where: Mapping[int, int], seed: int, progress, device
    ) -> Tokens:
        self.asked.append((patients, dict(where), seed))
        rng = np.random.default_rng(seed)
        static = np.stack([rng.integers(0, 10, patients), rng.random(patients) < 0.25], 1)
        for place, code in where.items():
            static[:, place] = code
        length = rng.integers(1, 7, patients)
        x = np.sort(rng.integers(0, 4, (patients, 6)), 1)
        visits = np.stack([x, rng.random((patients, 6)) < self.dead], 2)
        visits[np.arange(6)[None, :] >= length[:, None]] = PAD
        return Tokens(
            static=static.astype(np.int16),
            visits=visits.astype(np.int16),
            length=length.astype(np.int16),
        )


def sampler(schema: Schema, model: Even, seed: int = 5) -> Sampler:
    return Sampler(
        model=model,
        schema=schema,
        codec=codec(schema),
        seed=seed,
        device=torch.device("cpu"),
        progress=quiet,
    )


def asked(schema: Schema, n: int, *where: str, model: Even | None = None, seed: int = 5):
    made = sampler(schema, model or Even(), seed)
    return made.sample(n, conditions(where, made.codec))


def test_without_rules_or_conditions_the_model_is_asked_once_with_the_seed_itself():
    model = Even()
    records, tally = asked(clinic(), 300, model=model)
    assert model.asked == [(300, {}, 5)]
    assert (len(records), tally.made, tally.rejected, tally.rate, tally.stand_ins) == (
        300, 300, 0, 0.0, 0,
    )  # fmt: skip
    again = codec(clinic()).decode(Even().sample(300, {}, 5, quiet, None),
                                   np.random.default_rng([5, 1]))  # fmt: skip
    pd.testing.assert_frame_equal(records.visits, again.visits)


def test_every_patient_holds_every_rule_and_rejections_are_counted():
    rules = ("x never falls", "no visit after dead == true", "x <= 3.5")
    records, tally = asked(clinic(*rules), 400)
    assert len(records) == 400
    assert records.keys.tolist() == [str(key) for key in range(1, 401)]
    assert not any(who.any() for who in broken(records, clinic(*rules)).values())
    assert set(tally.reasons) == {"no visit after dead == true"}  # the others by drawing again
    assert tally.rejected == tally.reasons["no visit after dead == true"] > 0
    assert tally.rate == tally.rejected / tally.made


def test_rounds_have_seeds_of_their_own_and_one_seed_repeats_them_all():
    model, again = Even(dead=0.3), Even(dead=0.3)
    schema = clinic("no visit after dead == true")
    first, _ = asked(schema, 200, model=model)
    second, _ = asked(schema, 200, model=again)
    other, _ = asked(schema, 200, model=Even(dead=0.3), seed=6)
    assert len(model.asked) > 1 and model.asked == again.asked
    seeds = [seed for _, _, seed in model.asked]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**63 for seed in seeds)
    pd.testing.assert_frame_equal(first.visits, second.visits)
    assert not first.visits.equals(other.visits)


def test_categories_are_given_to_the_model_and_ranges_hold_with_the_models_law():
    model = Even()
    records, tally = asked(clinic(), 5000, "ill=true", "age>=65", "age<95", model=model)
    assert {frozenset(where.items()) for _, where, _ in model.asked} == {frozenset({(1, 1)})}
    age = records.static["age"]
    assert len(age) == 5000 and (records.static["ill"] == "true").all()
    assert age.between(65, 95, inclusive="left").all()
    # Uniform on [65, 95) given the range: a third below 75; sd of the share 0.0067, 6 sd.
    assert (age < 75).mean() == pytest.approx(1 / 3, abs=6 * 0.0067)
    assert set(tally.reasons) == {WHERE} and tally.rate == pytest.approx(0.7, abs=0.05)


def test_a_range_inside_one_bin_rejects_nobody():
    records, tally = asked(clinic(), 200, "age>=42", "age<=43")
    assert records.static["age"].between(42, 43).all() and tally.rejected == 0


def test_what_can_not_be_made_is_one_line_that_names_the_rule():
    # x is never above 4: each patient breaks the rule.
    with pytest.raises(PromiseError) as caught:
        asked(clinic("x never falls", "x >= 5"), 20)
    line = str(caught.value)
    assert "\n" not in line and "'x >= 5'" in line and line.startswith("only 0 of ")
    assert caught.value.exit_code == 1


def test_nobody_is_made_when_nobody_is_asked_for():
    records, tally = asked(clinic("x >= 5"), 0)
    assert (len(records), tally.made, tally.rate) == (0, 0, 0.0)


def test_rejecting_leaves_numbers_of_visits_and_the_label_as_the_model_made_them():
    # Half of the visits are dead: of 6 visits 1 in 32 holds the rule, of 1 visit all do. Plain
    # rejection would leave a share of 1/12 with 3 visits or more, and hardly any with 6.
    schema = clinic("no visit after dead == true")
    records, tally = asked(schema, 600, model=Even(dead=0.3))
    lengths = records.visits.groupby("patient").size().value_counts(normalize=True)
    classes = [lengths[[1]].sum(), lengths[[2]].sum(), lengths[[3, 4]].sum(), lengths[[5, 6]].sum()]
    plain = np.array([1.0, 0.7, 0.7**2, 0.7**3, 0.7**4, 0.7**5])
    plain /= plain.sum()
    assert plain[4:].sum() < 0.14
    # Classes take the model's shares but for who stands in, plus the draw of the first round.
    loose = tally.stand_ins / 600 + 6 * np.sqrt(0.25 / 600)
    np.testing.assert_allclose(classes, [1 / 6, 1 / 6, 1 / 3, 1 / 3], atol=loose)
    assert classes[3] > 0.24
    ill = (records.static["ill"] == "true").mean()
    assert ill == pytest.approx(0.25, abs=6 * np.sqrt(0.25 * 0.75 / 600))


def test_taken_fills_each_class_and_then_from_the_nearest():
    # made: half 0, a quarter each 1 and 2; of 4 wanted 2, 1, 1 are; 2 lacks, 1 is nearest.
    kept, made = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2])
    found, stand_ins = taken(kept, made, 4)
    assert (found.tolist(), stand_ins) == ([0, 1, 3, 4], 1)
    found, stand_ins = taken(np.array([2, 1, 0, 0]), made, 4)
    assert (found.tolist(), stand_ins) == ([0, 1, 2, 3], 0)


def test_classes_tell_labels_and_visits_apart():
    schema = clinic()
    made = Even().sample(2000, {}, 0, quiet, None)
    found = strata(made, codec(schema), schema)
    pairs = set(zip(found, made.static[:, 1], strict=True))
    assert len({stratum for stratum, _ in pairs}) == len(pairs) == 8  # 4 classes by 2 labels
