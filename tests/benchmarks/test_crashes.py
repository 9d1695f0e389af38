"""The script that kills commands runs on a tiny size, and its checks see what they are for."""

import json
import shutil

import pytest
from toys import script

from dpsynth.privacy.ledger import Ledger


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    monkeypatch.setenv("DPSYNTH_LEDGER", "set by the script")
    return script("crashes/run.py")


def test_crashes_runs_and_takes_up(run, tmp_path):
    out = tmp_path / "results.json"
    run.main(["--kills", "4", "--out", str(out)])
    rows = json.loads(out.read_text())["rows"]
    kills = {r["model"]: r["value"] for r in rows if r["metric"] == "kills"}
    assert kills == {"train": 2, "ledger cap": 1, "release": 1}
    for metric in ("chain_broken", "spending_lost", "bundle_wrongly_verified"):
        assert [r["value"] for r in rows if r["metric"] == metric] == [0, 0, 0]
    run.main(["--kills", "4", "--out", str(out)])
    assert json.loads(out.read_text())["rows"] == rows


def test_what_was_asked_and_not_reserved_is_seen(run, trained, monkeypatch):
    monkeypatch.setattr(run, "RUNS", "clinic")
    ledger, folder = Ledger(trained.root / "ledger"), trained.root / "run"
    facts = json.loads((folder / "run.json").read_text())
    asked = [*(each["name"] for each in facts["plan"]["releases"]), *["step"] * 4]
    assert run.recorded(ledger, folder, asked)
    assert run.recorded(ledger, folder, [])
    assert not run.recorded(ledger, folder, [*asked, "step"])
    (folder / "run.json").write_text(json.dumps(facts | {"id": "another"}))
    assert not run.recorded(ledger, folder, asked)
    assert not run.broken(ledger)
    entries = trained.root / "ledger" / "clinic" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes()[:-9])
    assert run.broken(ledger)


def test_a_release_that_is_not_the_whole_one_is_seen(run, trained, dpsynth):
    dpsynth("generate", "run", "--n=9", "--out=copy")
    words = ["release", "run", "--synthetic=copy", "--reason=a test"]
    assert dpsynth(*words, "--out=bundle.zip").code == 0
    whole = (trained.root / "bundle.zip").read_bytes()
    assert not run.wrongly_verified(trained.root, whole)
    assert run.wrongly_verified(trained.root, whole[:-1])
    (trained.root / "bundle.zip").write_bytes(whole[: len(whole) // 2])  # torn: does not verify
    assert not run.wrongly_verified(trained.root, whole)
    shutil.rmtree(trained.root / "copy")
