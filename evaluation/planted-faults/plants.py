"""The faults that are planted, and who is meant to see each. Adding one: a function and a line."""

from __future__ import annotations

import made_up
import numpy as np
import pandas as pd
from planting import (
    Plant,
    by,
    in_all,
    in_copy,
    of_training,
    only_visits,
    other_gaps,
    static,
    turned,
    visits,
    with_sides,
)
from plants_of_pictures import PLANTS_OF_PICTURES

from dpsynth.data.records import Records
from dpsynth.evaluation import leakage, utility
from dpsynth.evaluation.case import Case
from dpsynth.evaluation.controls import independent_columns

WOMEN = "sex f"
Rng = np.random.Generator


def as_they_are(records: Records, rng: Rng) -> Records:
    """Nothing is changed."""
    return records


def shuffled(case: Case, rng: Rng) -> Case:
    """Each column of the copy is shuffled across patients."""
    tokens = independent_columns(case.synthetic.tokens, rng)
    return with_sides(case, synthetic=case.codec.decode(tokens, rng))


def nobody_from_abroad(records: Records, rng: Rng) -> Records:
    """Who is from abroad, 4 in 100, is from the north."""
    return static(records, region=records.static["region"].replace("abroad", "north"))


def nobody_heavy(records: Records, rng: Rng) -> Records:
    """Weights end at 85: the bins above are empty."""
    return static(records, weight=records.static["weight"].clip(upper=85.0))


def higher_pressure(records: Records, rng: Rng) -> Records:
    """Pressure is 40 mmHg too high."""
    return visits(records, pressure=records.visits["pressure"] + 40)


def filled(records: Records, rng: Rng) -> Records:
    """Half of the missing pressures are filled in."""
    pressure = records.visits["pressure"]
    gone = pressure.isna() & (rng.random(len(pressure)) < 0.5)
    return visits(records, pressure=pressure.mask(gone, pressure.median()))


def missing_at_any_visit(records: Records, rng: Rng) -> Records:
    """As many pressures are missing, but not oftener at later visits."""
    pressure = records.visits["pressure"]
    gone = rng.permutation(pressure.isna().to_numpy())
    return visits(records, pressure=pressure.fillna(pressure.median()).mask(gone))


def without_last_visit(records: Records, rng: Rng) -> Records:
    """Everyone's last visit is dropped."""
    return only_visits(records, records.visits["patient"].duplicated(keep="last").to_numpy())


def longer_gaps(records: Records, rng: Rng) -> Records:
    """A third more time between visits."""
    return other_gaps(records, lambda gaps: gaps * 4 / 3)


def no_rhythm(records: Records, rng: Rng) -> Records:
    """Gaps are dealt anew: as a whole they are right, but nobody has an own rhythm."""

    def dealt(gaps: pd.Series) -> pd.Series:
        found = gaps.to_numpy(dtype=float, copy=True)
        known = ~np.isnan(found)
        found[known] = rng.permutation(found[known])
        return pd.Series(found, index=gaps.index)

    return other_gaps(records, dealt)


def other_codes(records: Records, rng: Rng) -> Records:
    """Every third diagnosis is written as the code that comes three further on."""
    further = (_numbers(records) + 3) % len(made_up.CODES)
    return visits(records, diagnosis=_mixed(records, further, rng.random(len(further)) < 1 / 3))


def wrong_change(records: Records, rng: Rng) -> Records:
    """After the first visit every third diagnosis is one that never follows; first ones stay."""
    later = records.visits["patient"].duplicated().to_numpy()
    before = np.roll(_numbers(records), 1)
    never = (before + len(made_up.CODES) // 2) % len(made_up.CODES)
    return visits(
        records, diagnosis=_mixed(records, never, later & (rng.random(len(later)) < 1 / 3))
    )


def _numbers(records: Records) -> np.ndarray:
    return records.visits["diagnosis"].str[1:].to_numpy(dtype=int)


def _mixed(records: Records, other: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.array(made_up.CODES)[np.where(where, other, _numbers(records))]


def rule_broken(records: Records, rng: Rng) -> Records:
    """In 1 % of visits the lower pressure is above the upper one."""
    wrong = rng.random(len(records.visits)) < 0.01
    return visits(records, lower=records.visits["lower"].mask(wrong, 240.0))


def earlier_ends(records: Records, rng: Rng) -> Records:
    """Everyone is followed half as long."""
    return static(records, followed=records.static["followed"] / 2)


def women_are_one(records: Records, rng: Rng) -> Records:
    """All women have the facts and visits of one of them: the group has collapsed."""
    women = np.flatnonzero(_women(records))
    kept = np.arange(len(records))
    kept[women] = rng.choice(women)
    return Records.stacked([records.take(np.array([each])) for each in kept])


def half_of_women(records: Records, rng: Rng) -> Records:
    """Half of the women are left out."""
    return records.take(np.flatnonzero(~(_women(records) & (rng.random(len(records)) < 0.5))))


def labels_dealt(records: Records, rng: Rng) -> Records:
    """The label is dealt at random: as many die."""
    return static(records, died=rng.permutation(records.static["died"].to_numpy()))


def labels_half_dealt(records: Records, rng: Rng) -> Records:
    """The label of every other patient is dealt at random."""
    died, half = records.static["died"].to_numpy(copy=True), rng.random(len(records)) < 0.5
    died[half] = rng.permutation(died[half])
    return static(records, died=died)


def labels_turned(records: Records, rng: Rng) -> Records:
    """The label is turned over."""
    return static(records, died=turned(records.static["died"]))


def fewer_cases(records: Records, rng: Rng) -> Records:
    """Half of those who died are said to live."""
    spared = rng.random(len(records)) < 0.5
    return static(records, died=records.static["died"].mask(spared, "false"))


def womens_labels_turned(records: Records, rng: Rng) -> Records:
    """The label of women is turned over."""
    died = records.static["died"]
    return static(records, died=died.mask(_women(records), turned(died)))


def womens_labels_dealt(records: Records, rng: Rng) -> Records:
    """The label of women is dealt at random."""
    died, women = records.static["died"].to_numpy(copy=True), _women(records)
    died[women] = rng.permutation(died[women])
    return static(records, died=died)


def women_die(records: Records, rng: Rng) -> Records:
    """Nine of ten women are said to die."""
    doomed = _women(records) & (rng.random(len(records)) < 0.9)
    return static(records, died=records.static["died"].mask(doomed, "true"))


def old_die(records: Records, rng: Rng) -> Records:
    """All above 60 are said to die: more of them die than of others anyway."""
    return static(records, died=records.static["died"].mask(records.static["age"] > 60, "true"))


def _women(records: Records) -> np.ndarray:
    women: np.ndarray = (records.static["sex"] == "f").to_numpy()
    return women


def straight(records: Records, rng: Rng) -> Records:
    """Whoever is on one side of a slanted plane dies: a straight line tells it, stairs hardly."""
    return static(records, died=np.where(_slanted(records, 1) > 0, "true", "false"))


def other_reasons(records: Records, rng: Rng) -> Records:
    """Every static column has to do with the label, and most the other way round than in truth."""
    chance = 1 / (1 + np.exp(2 * _slanted(records, -1)))
    return static(records, died=np.where(rng.random(len(records)) < chance, "true", "false"))


def _slanted(records: Records, sex: float) -> np.ndarray:
    facts = records.static
    risk = (facts["age"] - 57) / 22 + (facts["weight"] - 75) / 14 + (facts["followed"] - 30) / 15
    risk += np.where(facts["sex"] == "m", sex, -sex)
    return (risk + np.where(facts["region"] == "north", -1, 1)).to_numpy()


def women_copied(case: Case, rng: Rng) -> Case:
    """Women of the copy are training patients."""
    real, made = case.train.records, case.synthetic.records
    parts = [real.take(np.flatnonzero(_women(real))), made.take(np.flatnonzero(~_women(made)))]
    return with_sides(case, synthetic=Records.stacked(parts))


def by_generator(case: Case, rng: Rng) -> Case:
    """The model without noise turns women's labels over already."""
    return with_sides(case, unprotected=womens_labels_turned(case.synthetic.records, rng))


def by_privacy(case: Case, rng: Rng) -> Case:
    """The model without noise is perfect; its noisy copy has women's labels turned over."""
    bare = case.synthetic.records
    return with_sides(case, unprotected=bare, synthetic=womens_labels_turned(bare, rng))


PLANTS: dict[str, Plant] = {
    "columns shuffled": Plant(
        sow=shuffled,
        seen_by=by(
            "tv2", "tv3", "transition_tv", "transition_tv_2", "transition_tv_3",
            "autocorrelation", "cross_lag", "c2st_auc", "c2st_p", "precision", "density",
            "coverage", "co_occurrence",
        ),
    ),
    "a category missing": Plant(sow=in_copy(nobody_from_abroad), seen_by=by("category_coverage")),
    "a tail cut off": Plant(sow=in_copy(nobody_heavy), seen_by=by("bin_coverage")),
    "a column shifted": Plant(sow=in_copy(higher_pressure), seen_by=by("tv1")),
    "missing values filled in": Plant(sow=in_copy(filled), seen_by=by("missing_tv")),
    "missing at any visit": Plant(
        sow=in_copy(missing_at_any_visit), seen_by=by("missing_over_time")
    ),
    "a visit less": Plant(
        sow=in_copy(without_last_visit), seen_by=by("length_tv", "length_wasserstein")
    ),
    "longer gaps": Plant(sow=in_copy(longer_gaps), seen_by=by("gap_ks", "gap_wasserstein")),
    "gaps dealt anew": Plant(sow=in_copy(no_rhythm), seen_by=by("patient_gap_ks")),
    "other codes": Plant(sow=in_copy(other_codes), seen_by=by("prevalence")),
    "a transition error": Plant(
        sow=in_copy(wrong_change), seen_by=by("transition_tv", "unseen_transitions")
    ),
    "a rule broken": Plant(sow=in_copy(rule_broken), seen_by=by("rules_broken")),
    "earlier ends": Plant(sow=in_copy(earlier_ends), seen_by=by("survival_distance")),
    "a subgroup collapsed": Plant(
        sow=in_copy(women_are_one),
        seen_by=by("recall", "coverage") | by("group_tv1", group=WOMEN),
    ),
    "a subgroup halved": Plant(sow=in_copy(half_of_women), seen_by=by("group_share", group=WOMEN)),
    "labels dealt at random": Plant(
        sow=in_copy(labels_dealt),
        seen_by=by(
            *utility.METRICS, *utility.FAMILIES, "trts_auc",
        ),
    ),
    "half of the labels dealt": Plant(
        sow=in_copy(labels_half_dealt), seen_by=by("tstr_calibration_slope")
    ),
    "half of the cases missed": Plant(
        sow=in_copy(fewer_cases), seen_by=by("tstr_calibration_intercept")
    ),
    "labels turned over": Plant(
        sow=in_copy(labels_turned), seen_by=by("augmented_auc")
    ),
    "other reasons for the label": Plant(
        sow=in_copy(other_reasons),
        seen_by=by("coefficient_overlap", "interval_coverage"),
        patients=2000,
    ),
    "models ranked the wrong way round": Plant(
        sow=in_copy(labels_turned), seen_by=by("ranking_agreement"), world="bent"
    ),
    "another model looks best": Plant(sow=in_copy(straight), seen_by=by("regret"), world="bent"),
    "a subgroup's labels turned over": Plant(
        sow=in_copy(womens_labels_turned),
        seen_by=by(
            "group_auc", "auc_loss", "auc_loss_shrunk", "group_tpr", "group_fpr", group=WOMEN
        )
        | by("auc_gap", "tpr_gap", "auc_gap_added", "tpr_gap_added", group="sex")
        | by("worst_gap", "worst_gap_p", group="sex"),
    ),
    "a subgroup said to die": Plant(
        sow=in_copy(women_die),
        seen_by=by("group_selection_rate", "group_calibration", group=WOMEN)
        | by("selection_gap", "selection_gap_added", group="sex"),
    ),
    "an age said to die": Plant(
        sow=in_copy(old_die), seen_by=by("bias_amplification", group="age")
    ),
    "a gap that was there": Plant(
        sow=in_all(womens_labels_dealt), seen_by=by("gap_already_there", group="sex")
    ),
    "a gap by the generator": Plant(
        sow=by_generator, seen_by=by("gap_by_generator", group="sex")
    ),
    "a gap by privacy": Plant(sow=by_privacy, seen_by=by("gap_by_privacy", group="sex")),
    "1 % of patients copied": Plant(
        sow=of_training(as_they_are, 0.01), seen_by=by("copy_rate", "near_copy_rate")
    ),
    "a quarter of patients copied": Plant(
        sow=of_training(as_they_are, 0.25),
        seen_by=by(
            "membership_auc", "membership_tpr", "membership_tpr_at_0.1", "ratio_auc",
            "ratio_tpr", "ratio_tpr_at_0.1", "dcr_share",
        ),
    ),
    "a quarter of 9,000 patients copied": Plant(
        sow=of_training(as_they_are, 0.25),
        seen_by=by("membership_tpr_at_0.001", "ratio_tpr_at_0.001"),
        patients=9000,
    ),
    "identical data": Plant(
        sow=of_training(as_they_are),
        seen_by=by("attribute_inference", group="age")
        | by("copy_rate", "membership_auc", "ratio_auc", "dcr_share", "black_box_epsilon"),
    ),
    "a subgroup copied": Plant(sow=women_copied, seen_by=by("group_membership_auc", group=WOMEN)),
    "identical data, for anonymeter": Plant(
        sow=of_training(as_they_are),
        seen_by=by("anonymeter_singling_out", "anonymeter_linkability")
        | by("anonymeter_inference", group="age"),
    ),
    **PLANTS_OF_PICTURES,
}  # fmt: skip

OPTIONAL = set(leakage.ANONYMETER)  # they need an environment of their own
