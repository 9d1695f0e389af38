"""A release holds what may be out, is refused where it may not, and is known again elsewhere."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from refusals import refused

from dpsynth.pipeline import bundle, signing
from dpsynth.privacy.card import validate
from dpsynth.privacy.ledger import Ledger


@pytest.fixture(scope="module")
def ready_once(trained_once, tmp_path_factory):
    """A clinic with a copy and its internal report; not to be changed."""
    from dpsynth.cli.main import run

    root = tmp_path_factory.mktemp("ready")
    shutil.copytree(trained_once, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DPSYNTH_LEDGER", str(root / "ledger"))
        patch.chdir(root)
        assert run(["generate", "run", "--n=60", "--out=copy", "--json"]) == 0
        words = ["--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report", "--json"]
        assert run(["evaluate", *words]) == 0
    return root


@pytest.fixture
def ready(clinic, ready_once):
    shutil.copytree(ready_once, clinic.root, dirs_exist_ok=True)
    return clinic


RELEASE = ("release", "run", "--synthetic=copy", "--report=report", "--out=b.zip")


def test_a_bundle_holds_the_copy_and_the_card_names_its_files(ready, dpsynth):
    done = dpsynth(*RELEASE, "--json")
    assert done.code == 0, done.err
    with zipfile.ZipFile("b.zip") as file:
        names = set(file.namelist())
        card = json.loads(file.read("privacy.json"))
        assert file.read("data/clinic.csv") == (ready.root / "copy" / "clinic.csv").read_bytes()
        page = file.read("datasheet.html").decode()
    assert names == {
        *("MANIFEST.json", "schema.yaml", "privacy.json", "privacy.html", "datasheet.html"),
        *("registry.yaml", "report/report.html", "report/report.json"),
        "data/clinic.csv",
    }
    validate(card, released=True)
    assert card["scope"]["copies"] == 1
    assert card["evaluation"]["status"] == card["subgroups"]["status"] == "internal"
    # Public names only: which groups and measures there are follows from real patients.
    assert card["subgroups"]["looked_at"] == ["sex"]
    assert card["evaluation"]["looked_at"] == ["bias", "fidelity", "leakage", "utility"]
    assert card["scope"]["accesses"]["evaluation"]["status"] == "not covered"
    assert card["scope"]["composition"]["unprotected"] == 1
    assert "sex f" in page and "nobody in it is a real patient" in page
    assert done.json["privacy"]["epsilon"] == 1.0


def test_no_figure_of_the_internal_report_is_in_a_bundle(ready, dpsynth):
    assert dpsynth(*RELEASE).code == 0
    report = json.loads((ready.root / "report" / "report.json").read_text())
    figures = {
        repr(row["value"]) for row in report["rows"] if row["value"] not in (None, 0, 1, 0.5)
    }
    # Known without it: the card, and a shareable report, which opens no real file.
    shared = ["evaluate", "--shareable", "--run=run", "--synthetic=copy", "--out=shared"]
    assert dpsynth(*shared).code == 0
    known = "".join(
        (ready.root / name).read_text() for name in ("run/privacy.json", "shared/report.json")
    )
    figures = {each for each in figures if len(each) > 8 and each not in known}
    assert figures
    with zipfile.ZipFile("b.zip") as file:
        for name in file.namelist():
            if not name.startswith("data/"):
                text = file.read(name).decode()
                assert not any(figure in text for figure in figures), name


def test_the_same_release_has_the_same_bytes(ready, dpsynth):
    assert dpsynth(*RELEASE).code == 0
    first = (ready.root / "b.zip").read_bytes()
    (ready.root / "b.zip").unlink()
    assert dpsynth(*RELEASE).code == 0
    assert (ready.root / "b.zip").read_bytes() == first


def test_a_signed_bundle_is_verified_without_a_ledger(ready, dpsynth, monkeypatch):
    make = ["openssl", "genpkey", "-algorithm", "ed25519", "-out"]
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make keys as a user would")
    for name in ("key", "other"):
        subprocess.run([*make, f"{name}.pem"], check=True, capture_output=True)
        public = ["openssl", "pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub"]
        subprocess.run(public, check=True)
    assert dpsynth(*RELEASE, "--key=key.pem").code == 0
    monkeypatch.setenv("DPSYNTH_LEDGER", str(ready.root / "nowhere"))
    done = dpsynth("verify", "b.zip", "--key=key.pub", "--json")
    assert done.code == 0
    assert (done.json["epsilon"], done.json["signed"]) == (1.0, True)
    assert "signature not checked" in dpsynth("verify", "b.zip").out
    assert dpsynth("verify", "b.zip", "--key=other.pub").code == 1
    assert dpsynth("verify", "b.zip", "--key=key.pem").code == 2
    assert dpsynth("verify", "b.zip", "--key=schema.yaml").code == 2
    refused(ready, dpsynth, *RELEASE, "--key=clinic.csv", code=2, names=["b.zip exists"])
    # A signature that was taken off, and one that another put on.
    Path("off.zip").write_bytes(altered("b.zip", without_signature))
    done = dpsynth("verify", "off.zip")
    assert done.code == 1 and "not signed, and its card says" in done.err
    Path("theirs.zip").write_bytes(altered("b.zip", signed_again))
    done = dpsynth("verify", "theirs.zip", "--key=other.pub")
    assert done.code == 1 and "another signer" in done.err


# --- refusals ----------------------------------------------------------------------------


def test_a_copy_that_was_changed_is_refused(ready, dpsynth):
    path = ready.root / "copy" / "clinic.csv"
    path.write_text(path.read_text().replace("f", "m", 1))
    refused(ready, dpsynth, *RELEASE, code=1, names=["did not make the files in copy"])


def test_an_added_file_is_refused(ready, dpsynth):
    shutil.copy(ready.data, ready.root / "copy" / "real.csv")
    refused(ready, dpsynth, *RELEASE, code=1, names=["did not make the files in copy"])


def test_nobody_looked_and_no_reason_is_refused(ready, dpsynth):
    words = [word for word in RELEASE if "report" not in word]
    refused(ready, dpsynth, *words, code=1, names=["nobody has looked", "--reason"])
    assert dpsynth(*words, "--reason=a teaching set of made-up people").code == 0
    with zipfile.ZipFile("b.zip") as file:
        card = json.loads(file.read("privacy.json"))
    assert card["evaluation"]["reason"] == "a teaching set of made-up people"


def test_a_report_that_the_ledger_does_not_hold_is_refused(ready, dpsynth):
    path = ready.root / "report" / "report.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"id": "0" * 16}))
    refused(ready, dpsynth, *RELEASE, code=1, names=["does not hold the access"])


def test_a_report_about_another_copy_is_refused(ready, dpsynth):
    assert dpsynth("generate", "run", "--n=30", "--out=second").code == 0
    words = [word.replace("copy", "second") for word in RELEASE]
    refused(ready, dpsynth, *words, code=1, names=["about another copy"])


def test_a_broken_ledger_is_refused(ready, dpsynth):
    path = ready.root / "ledger" / "clinic" / "entries.jsonl"
    path.write_text(path.read_text().replace('"epsilon":1.0', '"epsilon":0.1'))
    refused(ready, dpsynth, *RELEASE, code=2, names=["edited, removed or moved"])


def test_a_ledger_that_does_not_know_the_run_is_refused(ready, dpsynth, monkeypatch):
    monkeypatch.setenv("DPSYNTH_LEDGER", str(ready.root / "other"))
    assert dpsynth("ledger", "join", "clinic", ready.data).code == 0
    refused(ready, dpsynth, *RELEASE, code=1, names=["holds no finished run"])


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("implementation", "seed", "insecure"), True, "implementation.seed is insecure"),
        (("audit", "verdict"), "violated", "audit.verdict is violated"),
    ],
)
def test_a_known_seed_and_a_violated_audit_are_refused(ready, dpsynth, place, value, named):
    path = ready.root / "run" / "privacy.json"
    card = json.loads(path.read_text())
    inner = card
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    path.write_text(json.dumps(card))
    refused(ready, dpsynth, *RELEASE, code=1, names=[named])


def test_an_unfinished_run_and_an_empty_folder_are_refused(ready, dpsynth):
    (ready.root / "empty").mkdir()
    words = ["release", "run", "--synthetic=empty", "--out=b.zip"]
    refused(ready, dpsynth, *words, code=2, names=["holds no files"])
    path = ready.root / "run" / "run.json"
    path.write_text(path.read_text().replace('"status": "finished"', '"status": "running"'))
    refused(ready, dpsynth, *RELEASE, code=2, names=["not finished"])


def test_words_about_the_data_stand_on_card_and_sheet(ready, dpsynth):
    (ready.root / "about.yaml").write_text(
        "curator: Ward 7, ward7@example.org\nlimits: no infants\nlicence: CC BY\n"
    )
    assert dpsynth(*RELEASE, "--about=about.yaml").code == 0
    with zipfile.ZipFile("b.zip") as file:
        assert json.loads(file.read("privacy.json"))["identity"]["curator"].startswith("Ward 7")
        sheet = file.read("datasheet.html").decode()
        assert "no infants" in sheet and "CC BY" in sheet
        # What nobody said is told to be missing, never left out in silence.
        assert sheet.count("not stated") >= 6
    (ready.root / "about.yaml").write_text("curater: Ward 7\n")
    words = [word.replace("b.zip", "c.zip") for word in RELEASE]
    refused(ready, dpsynth, *words, "--about=about.yaml", code=2, names=["curater", "curator"])


# --- bundles from a foe ------------------------------------------------------------------


def altered(source, change):
    """The bundle with its members changed: {name: bytes} in, the same out."""
    with zipfile.ZipFile(source) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members = change(members)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def relisted(members, **changed):
    """Members with a manifest that fits them."""
    members = {name: c for name, c in members.items() if name != bundle.MANIFEST} | changed
    listed = {name: bundle._measured(content) for name, content in members.items()}
    return {bundle.MANIFEST: bundle.manifest_of(listed)} | members


def without_signature(members):
    return {name: content for name, content in members.items() if name != bundle.SIGNATURE}


def signed_again(members):
    other = signing.private_key(Path("other.pem"))
    return members | {bundle.SIGNATURE: other.sign(members[bundle.MANIFEST])}


def weakened(members):
    card = json.loads(members["privacy.json"])
    card["guarantee"]["epsilon"] = 0.5
    return relisted(members, **{"privacy.json": json.dumps(card).encode()})


FOES = {
    "a changed byte of data": (
        lambda m: m | {"data/clinic.csv": m["data/clinic.csv"] + b"x"},
        "data/clinic.csv was changed",
    ),
    "a file more": (lambda m: m | {"data/more.csv": b"1"}, "data/more.csv is not on the manifest"),
    "a file less": (
        lambda m: {n: c for n, c in m.items() if n != "datasheet.html"},
        "datasheet.html is missing",
    ),
    "other data with a fitting manifest": (
        lambda m: relisted(m, **{"data/clinic.csv": b"pid\n1\n"}),
        "of other files",
    ),
    "a smaller epsilon with a fitting manifest": (weakened, "guarantee.epsilon"),
    "no card": (
        lambda m: relisted({n: c for n, c in m.items() if n != "privacy.json"}),
        "privacy.json is missing",
    ),
    "no manifest": (
        lambda m: {n: c for n, c in m.items() if n != bundle.MANIFEST},
        "holds no MANIFEST.json",
    ),
    "a way out": (lambda m: relisted(m, **{"../evil": b"1"}), "leads elsewhere"),
    "an absolute name": (lambda m: relisted(m, **{"/etc/evil": b"1"}), "leads elsewhere"),
    "a card that is no JSON": (lambda m: relisted(m, **{"privacy.json": b"{"}), "not JSON"),
    "a manifest that is a list": (lambda m: m | {bundle.MANIFEST: b"[]"}, "no manifest of ours"),
}


@pytest.mark.parametrize("kind", FOES)
def test_what_is_not_as_released_is_refused_with_1(ready, dpsynth, kind):
    assert dpsynth(*RELEASE).code == 0
    change, named = FOES[kind]
    (ready.root / "b.zip").write_bytes(altered("b.zip", change))
    refused(ready, dpsynth, "verify", "b.zip", code=1, names=[named])


def test_what_is_no_bundle_is_refused_with_2(ready, dpsynth, monkeypatch):
    refused(ready, dpsynth, "verify", "clinic.csv", code=2, names=["can't be read as a bundle"])
    refused(ready, dpsynth, "verify", "absent.zip", code=2, names=["absent.zip"])
    bomb = ready.root / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data/zeros", bytes(300 * 2**20))
    refused(ready, dpsynth, "verify", "bomb.zip", code=2, names=["would grow"])


def test_a_copy_that_can_not_be_recorded_is_not_made(trained, dpsynth, monkeypatch):
    (trained.root / "run" / "copies.jsonl").mkdir()
    done = dpsynth("generate", "run", "--n=5", "--out=copy")
    assert done.code == 2 and "copies.jsonl" in done.err
    assert not (trained.root / "copy").exists()


def test_the_ledger_holds_the_report(ready):
    report = json.loads((ready.root / "report" / "report.json").read_text())
    bodies = [e.body for e in Ledger().entries("clinic") if e.type == "unprotected"]
    assert [body["report"] for body in bodies] == [report["id"]]
