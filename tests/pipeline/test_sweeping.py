"""Who pays for a sweep, what stays of it, and how it is taken up again."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dpsynth.data.schema_file import load_schema
from dpsynth.errors import BudgetError, InputError, LedgerError, PromiseError, RunError
from dpsynth.evaluation.sweep import Thresholds
from dpsynth.models import MODELS
from dpsynth.models.unkept import Unkept
from dpsynth.pipeline import release, sweep, sweep_points, sweeping, train
from dpsynth.pipeline.choices import CHOSEN
from dpsynth.pipeline.sweep_points import POINTS, RUNS, Point
from dpsynth.privacy.ledger import Ledger

INF = math.inf


@pytest.fixture
def swept(clinic):
    """A sweep of the clinic; what is given wins."""

    def call(out="sw", data=None, **given):
        common = {"models": ["markov"], "epsilons": [1.0, INF], "seeds": 2, "holdout_rate": 0.4}
        common |= {"population": "clinic", "device": "cpu"} | given
        schema = load_schema(clinic.schema)
        return sweep(data or [clinic.data], schema, clinic.root / out, **common)

    return call


def entries(kind, name="clinic"):
    return [e.body for e in Ledger().entries(name) if e.type == kind]


def weights(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*.safetensors"))


# --- who pays -----------------------------------------------------------------------


def test_the_ledger_holds_the_sum_of_all_finite_trainings(swept, clinic):
    said = []
    found = swept(epsilons=[0.5, 1.0, INF], told=said.append)
    # Two seeds: 2 x (0.5 + 1) = 3; delta 0.01 each, four times. Two trainings without noise.
    spent = Ledger().spent("clinic")
    assert (spent.epsilon, spent.delta, spent.runs) == (3.0, 0.04, 4)
    paid = found.payment
    assert (paid.epsilon, paid.delta, paid.trainings, paid.unprotected) == (3.0, 0.04, 4, 2)
    assert said == [paid]
    facts = json.loads((clinic.root / "sw" / "sweep.json").read_text())
    assert facts["who_pays"]["mode"] == "charged" and facts["who_pays"]["epsilon"] == 3.0
    # Every look is written down: at the patients, at 4 copies, and at 2 models without noise.
    assert spent.unprotected == 1 + 4 + 2
    assert {e["report"] for e in entries("unprotected")} == {facts["id"]}


def test_it_is_said_before_anything_is_read_or_written(swept, clinic):
    class StopError(Exception):
        pass

    def stop(paid):
        assert "epsilon 2 and delta 0.02" in paid.words() and "population clinic" in paid.words()
        assert not Ledger().populations() and not (clinic.root / "sw").exists()
        raise StopError

    with pytest.raises(StopError):
        swept(told=stop)


def test_a_cap_holds_for_the_whole_sum_before_the_first_training(swept, clinic):
    book = Ledger()
    book.join("clinic", [clinic.data])
    book.cap("clinic", epsilon=1.2, delta=0.5)
    before = clinic.tree()
    with pytest.raises(BudgetError, match="2 runs together ask epsilon 2"):
        swept()
    assert clinic.tree() == before
    swept(seeds=1)  # one alone fits
    assert book.spent("clinic").runs == 1
    with pytest.raises(BudgetError, match="this run asks epsilon 1"):
        swept(seeds=2)  # what is paid is not asked again, what is added is
    assert book.spent("clinic").runs == 1


def test_a_stand_in_touches_no_ledger(swept, clinic):
    found = swept(mode="stand-in", population=None, thresholds=Thresholds(loss=0.5))
    assert not Ledger().populations() and not Ledger().root.exists()
    assert found.payment.population is None and found.payment.trainings == 0
    facts = json.loads((clinic.root / "sw" / "sweep.json").read_text())
    assert facts["internal"] is None and facts["who_pays"]["mode"] == "stand-in"
    assert weights(clinic.root / "sw") == []
    assert "INTERNAL" not in (clinic.root / "sw" / "sweep.html").read_text()


def test_patients_of_a_ledger_are_no_stand_in(swept, clinic):
    Ledger().join("clinic", [clinic.data])
    with pytest.raises(InputError, match="belongs to population 'clinic'"):
        swept(mode="stand-in", population=None)
    with pytest.raises(InputError, match="a stand-in has no population"):
        swept(mode="stand-in")
    # Nor in a folder, nor where the ledger is broken and can't tell.
    (clinic.root / "folder").mkdir()
    (clinic.root / "folder" / "clinic.csv").write_bytes(clinic.data.read_bytes())
    stand_in = {"mode": "stand-in", "population": None}
    with pytest.raises(InputError, match="belongs to population 'clinic'"):
        swept(**stand_in, data=[clinic.root / "folder"])
    chain = Ledger().root / "clinic" / "entries.jsonl"
    text = chain.read_text()
    chain.write_text(text.replace('"number"', '"nomber"'))
    with pytest.raises(LedgerError):
        swept(**stand_in)
    chain.write_text(text)
    (Ledger().root / ".secret").unlink()
    with pytest.raises(LedgerError, match="secret"):
        swept(**stand_in)


def test_an_internal_sweep_charges_nothing_and_leaves_nothing_to_release(swept, clinic):
    found = swept(mode="internal")
    spent = Ledger().spent("clinic")
    assert (spent.runs, spent.epsilon) == (0, 0.0)
    purposes = [e["purpose"] for e in entries("unprotected")]
    assert sum("without charge" in p for p in purposes) == 2
    assert sum("without noise" in p for p in purposes) == 2
    assert found.payment.unprotected == 4
    assert weights(clinic.root / "sw") == [] and not list((clinic.root / "sw" / RUNS).iterdir())


# --- without noise ------------------------------------------------------------------


def test_of_a_training_without_noise_only_its_measures_stay(swept, clinic):
    swept()
    out = clinic.root / "sw"
    assert weights(out) == [f"{RUNS}/markov-1.0-{k}/model.safetensors" for k in (0, 1)]
    point = json.loads((out / POINTS / "markov-inf-0.json").read_text())
    assert point["epsilon"] is None and point["run"] is None
    for place in (out, out / RUNS / "markov-inf-0", out / POINTS):
        with pytest.raises(InputError, match="no run folder"):
            release(place, clinic.root, clinic.root / "b.zip", reason="none")


def test_a_run_without_noise_is_refused_even_if_somebody_makes_one(trained):
    file = trained.root / "run" / "run.json"
    facts = json.loads(file.read_text())
    facts["plan"]["epsilon"] = INF
    file.write_text(json.dumps(facts))
    with pytest.raises(PromiseError, match="trained without noise: it protects nobody"):
        release(trained.root / "run", trained.root, trained.root / "b.zip", reason="none")
    assert not (trained.root / "b.zip").exists()


def test_a_training_without_noise_never_writes_a_file(swept, clinic, monkeypatch):
    # So nothing can be left where a worker is killed, or the machine.
    fit = MODELS["markov"].fit

    def watched(self, door, state, *rest):
        before = clinic.tree()
        fit(self, door, state, *rest)
        assert clinic.tree() == before and isinstance(state, Unkept)
        raise ZeroDivisionError

    monkeypatch.setattr(MODELS["markov"], "fit", watched)
    with pytest.raises(ZeroDivisionError):
        swept(epsilons=[INF])


def test_weights_are_deleted_where_measuring_fails(swept, clinic, monkeypatch):
    def broken(*_):
        assert weights(clinic.root) == []  # before it is measured
        raise ZeroDivisionError

    monkeypatch.setattr(sweep_points, "measured", broken)
    with pytest.raises(ZeroDivisionError):
        swept(epsilons=[INF])
    assert weights(clinic.root) == []


def test_every_model_of_records_can_be_trained_without_noise(swept, clinic):
    tiny = {"steps": 2, "width": 8, "batch": 8}
    found = swept(
        mode="stand-in",
        population=None,
        models=["table-diffusion", "log-linear", "table-gan", "markov", "independent"],
        epsilons=[INF],
        seeds=1,
        settings={"table-gan": tiny, "table-diffusion": {**tiny, "warm_steps": 2}},
    )
    worth = {c.model: c.value for c in found.cells if c.metric == "tv1"}
    assert len(worth) == 5 and all(0 <= value < 0.5 for value in worth.values())


def test_less_noise_is_nearer_to_the_data(swept, clinic):
    # On this split 25 trainings each had 0.40 +- 0.08 at epsilon 0.1 and 0.185 +- 0.043 without
    # noise. Means of five differ by 0.215 +- 0.041: a false alarm once in ten million.
    found = swept(epsilons=[0.1, INF], seeds=5, patients=400, mode="stand-in", population=None)
    value = {c.epsilon: c.value for c in found.cells if c.metric == "tv1"}
    assert value[INF] < value[0.1]


# --- going on -----------------------------------------------------------------------


def test_what_is_done_is_not_done_again_and_a_sweep_may_grow(swept, clinic):
    first = swept(seeds=1)
    assert (first.reused, first.points) == (0, 2)
    times = {p: p.stat().st_mtime_ns for p in (clinic.root / "sw" / POINTS).glob("*.json")}
    again = swept(seeds=1)
    assert (again.reused, again.points) == (2, 2)
    more = swept(seeds=2, epsilons=[1.0, 3.0, INF])
    assert (more.reused, more.points) == (2, 6)
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert Ledger().spent("clinic").runs == 1 + 3
    assert sorted(c.epsilon for c in more.cells if c.metric == "tv1") == [1.0, 3.0, INF]


def test_a_model_may_be_added_with_settings_and_then_keeps_them(swept):
    small = {"table-gan": {"steps": 2, "width": 8, "critic_width": 4, "batch": 8}}
    both = {"models": ["markov", "table-gan"], "epsilons": [INF], "seeds": 1}
    swept(seeds=1, epsilons=[INF])
    assert swept(**both, settings=small).points == 2
    assert swept(seeds=1, epsilons=[INF]).reused == 1  # without the other's settings
    with pytest.raises(InputError, match="another setting of table-gan"):
        swept(**both)


def test_another_recipe_is_refused(swept, clinic):
    swept(seeds=1)
    for given, named in (
        ({"delta": 0.001}, "delta"),
        ({"mode": "internal"}, "mode"),
        ({"holdout_rate": 0.3}, "holdout"),
        ({"patients": 10}, "patients"),
    ):
        with pytest.raises(InputError, match=f"another {named}"):
            swept(seeds=1, **given)
    (clinic.root / "sw" / "recipe.json").write_text("{")
    with pytest.raises(RunError, match="can't be read"):
        swept(seeds=1)


DIES = """\
import os, sys
from pathlib import Path
from dpsynth.data.schema_file import load_schema
from dpsynth.models.markov_model import MarkovModel
from dpsynth.pipeline import sweep, sweep_points, training

where = sys.argv[1]
def die(*_, **__): os._exit(9)
if where == "asked":  # in the middle of a run: its answers are saved, nothing else is
    kept = MarkovModel.fit
    def fit(*given):
        kept(*given)
        die()
    MarkovModel.fit = fit
elif where == "certified":
    training.card_of = die
elif where == "measured":
    sweep_points.measured = die
sweep(["clinic.csv"], load_schema("schema.yaml"), "sw", models=["markov"],
      epsilons=[float(sys.argv[2])], seeds=1, holdout_rate=0.4, population="clinic", device="cpu")
"""


def killed(clinic, where, epsilon):
    """A process of its own that dies as if by kill -9."""
    words = [sys.executable, "-W", "ignore", "-c", DIES, where, str(epsilon)]
    made = subprocess.run(words, cwd=clinic.root, env={**os.environ}, capture_output=True)
    assert made.returncode == 9, made.stderr.decode()[-2000:]


@pytest.mark.parametrize("where", ["asked", "certified", "measured"])
def test_a_killed_run_is_taken_up_by_the_budget_that_it_reserved(swept, clinic, where):
    killed(clinic, where, 1.0)
    [reserved] = entries("reserve")
    assert not list((clinic.root / "sw" / POINTS).glob("*.json"))
    swept(seeds=1, epsilons=[1.0])
    assert entries("reserve") == [reserved]  # once, and not less than what was asked
    assert len(entries("resume")) == (where != "measured")
    assert len(entries("finish")) == 1
    assert Ledger().spent("clinic").epsilon == 1.0


def test_a_killed_training_without_noise_leaves_no_weights(swept, clinic):
    killed(clinic, "asked", "inf")
    assert weights(clinic.root / "sw") == []
    before = len(entries("unprotected"))
    swept(seeds=1, epsilons=[INF])
    assert len(entries("unprotected")) == before + 2  # it is trained again, as another access


def test_two_processes_are_never_at_one_point(swept, clinic):
    swept(seeds=1, epsilons=[1.0])
    point = Point(model="markov", epsilon=3.0, seed=0)
    with (
        sweep_points.lock(clinic.root / "sw", point.name),
        pytest.raises(RunError, match=r"another process is at work on markov-3\.0-0"),
    ):
        swept(seeds=1, epsilons=[1.0, 3.0])
    assert Ledger().spent("clinic").runs == 1


# --- what stands on cards -----------------------------------------------------------


def made(clinic, out):
    train(
        [clinic.data], load_schema(clinic.schema), clinic.root / out,
        epsilon=1.0, model="markov", population="clinic", device="cpu",
    )  # fmt: skip
    return json.loads((clinic.root / out / "privacy.json").read_text())["scope"]


def test_a_choice_after_looking_stands_on_the_next_card_and_not_before(swept, clinic):
    before = made(clinic, "before")
    assert before["accesses"]["tuning"]["status"] == "no access"
    assert CHOSEN not in before["unprotected"]
    swept(seeds=1, epsilons=[INF], mode="internal")
    after = made(clinic, "after")
    assert after["accesses"]["tuning"]["status"] == "not covered"
    assert "evaluations, benchmarks or sweeps" in after["accesses"]["tuning"]["how"]
    assert CHOSEN in after["unprotected"]


def test_an_evaluation_before_training_stands_on_the_card_and_one_after_does_not(trained, dpsynth):
    assert dpsynth("generate", "run", "--n=20", "--out=copy").code == 0
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    assert dpsynth(*words).code == 0
    after = made(trained, "second")
    assert after["accesses"]["tuning"]["status"] == "not covered"
    assert CHOSEN in after["unprotected"]
    words = ["release", "run", "--synthetic=copy", "--report=report", "--out=b.zip"]
    assert dpsynth(*words).code == 0
    import zipfile

    with zipfile.ZipFile(trained.root / "b.zip") as file:
        tuning = json.loads(file.read("privacy.json"))["scope"]["accesses"]["tuning"]
    assert tuning["status"] == "no access" and "width" in tuning["how"]  # settings of the tests


def test_a_run_made_before_is_released_with_the_choice_on_its_card(trained, swept, dpsynth):
    swept(seeds=1, epsilons=[1.0], thresholds=Thresholds(loss=0.5))
    assert dpsynth("generate", "run", "--n=20", "--out=copy").code == 0
    words = ["release", "run", "--synthetic=copy", "--out=b.zip", "--reason=none", "--json"]
    for run in ("run", f"sw/{RUNS}/markov-1.0-0"):  # a swept run may be released itself
        assert dpsynth("generate", run, "--n=20", f"--out={run}-copy").code == 0
        words[1:4] = [run, f"--synthetic={run}-copy", f"--out={Path(run).name}.zip"]
        assert dpsynth(*words).code == 0
        checked = dpsynth("verify", f"{Path(run).name}.zip", "--json")
        assert checked.code == 0, checked.err
        import zipfile

        with zipfile.ZipFile(trained.root / f"{Path(run).name}.zip") as file:
            scope = json.loads(file.read("privacy.json"))["scope"]
        assert scope["accesses"]["tuning"]["status"] == "not covered"
        assert scope["unprotected"].count(CHOSEN) == 1
        assert scope["composition"]["epsilon"] == 2.0


def test_a_sweep_on_a_stand_in_stands_on_no_card(swept, clinic):
    swept(seeds=1, mode="stand-in", population=None)
    assert made(clinic, "after")["accesses"]["tuning"]["status"] == "no access"


def test_patients_shared_with_another_population_were_looked_at_too(swept, clinic):
    swept(seeds=1, epsilons=[INF])
    ward = clinic.root / "ward.csv"
    ward.write_text(clinic.data.read_text() + "999,0,f,0,100\n")
    Ledger().join("ward", [ward])
    Ledger().group("hospital", ["clinic", "ward"])
    train(
        [ward], load_schema(clinic.schema), clinic.root / "run", epsilon=1.0, model="markov",
        population="ward", device="cpu",
    )  # fmt: skip
    card = json.loads((clinic.root / "run" / "privacy.json").read_text())
    assert card["scope"]["accesses"]["tuning"]["status"] == "not covered"


def test_no_record_is_read_before_the_ledger_says_so(swept, clinic, monkeypatch):
    text = clinic.schema.read_text().replace("population: 40", "population: private")
    clinic.schema.write_text(text)
    seen = []

    def reading(*_, **__):
        seen.append(entries("unprotected")[-1]["purpose"])
        raise ZeroDivisionError

    monkeypatch.setattr(sweeping, "read", reading)
    with pytest.raises(ZeroDivisionError):
        swept(mode="internal")
    assert "real patients were read" in seen[0]
    # A delta that no size allows is refused without looking, by words that tell no size.
    with pytest.raises(InputError, match=r"delta must be in .*1/2"):
        swept(mode="internal", delta=0.6, out="other")
    assert len(seen) == 1


def test_a_worker_that_sees_another_ledger_charges_nothing(swept, clinic):
    job = sweep_points.Job(
        point=Point(model="markov", epsilon=1.0, seed=0), out=clinic.root / "sw", schema=None,
        settings={}, patients=5, device="cpu", judge=None, sweep="x",
        ledger=clinic.root / "elsewhere", population="clinic",
        run=sweep_points.Charged(data=[], delta=None, holdout_rate=0.2), bare=None,
    )  # fmt: skip
    (clinic.root / "sw" / POINTS).mkdir(parents=True)
    with pytest.raises(LedgerError, match="sees another ledger"):
        sweep_points.work(job)
    assert not Ledger(clinic.root / "elsewhere").populations()


def test_a_draft_by_real_metrics_is_an_access_of_its_own(swept):
    swept(seeds=1, epsilons=[1.0])
    before = len(entries("unprotected"))
    found = swept(seeds=1, epsilons=[1.0], thresholds=Thresholds(loss=0.1))
    new = [e["purpose"] for e in entries("unprotected")[before:]]
    assert sum("chosen by thresholds" in p for p in new) == 1
    assert found.decision is not None and found.decision.status == "undecided"


# --- beside each other, and other data ----------------------------------------------


def test_workers_find_what_one_process_finds_and_charge_the_same(swept, clinic):
    swept(jobs=2, seeds=1, models=["markov", "independent"])
    spent = Ledger().spent("clinic")
    assert (spent.epsilon, spent.runs) == (2.0, 2)
    assert spent.unprotected == 1 + 2 + 2
    assert len(list((clinic.root / "sw" / POINTS).glob("*.json"))) == 4


def test_patients_of_other_files_may_be_held_out(swept, clinic):
    head, *rows = clinic.data.read_text().splitlines(keepends=True)
    for name, kept in (("some", lambda p: p % 3), ("others", lambda p: not p % 3)):
        part = [r for r in rows if kept(int(r.split(",")[0]))]
        (clinic.root / f"{name}.csv").write_text("".join([head, *part]))
    found = sweep(
        ["some.csv"],
        load_schema(clinic.schema),
        "sw",
        models=["markov"],
        epsilons=[1.0],
        seeds=1,
        holdout=["others.csv"],
        population="clinic",
        device="cpu",
    )
    facts = json.loads((clinic.root / "sw" / "sweep.json").read_text())
    assert (facts["trained_on"], facts["held_out"]) == (26, 14)
    assert found.payment.epsilon == 1.0


def test_private_columns_and_a_private_size_need_another_payer(swept, clinic):
    text = clinic.schema.read_text().replace("population: 40", "population: private")
    clinic.schema.write_text(text.replace("{type: number, bounds: [80, 200], bins: 4}",
                                          "{type: number, private: true, bins: 4}"))  # fmt: skip
    with pytest.raises(InputError, match="must know its whole cost before it starts"):
        swept()
    found = swept(mode="internal", seeds=1)
    assert {c.epsilon for c in found.cells} == {1.0, INF}
    assert weights(clinic.root / "sw") == []
