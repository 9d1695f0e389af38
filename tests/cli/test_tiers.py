"""Tiers on the command line: what a run may ask, what a release must keep to, who may have it."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from refusals import refused

from dpsynth.pipeline import bundle, training
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.policy import DEFAULT, load_policy, policy_of

OURS = load_policy()
RELEASE = ("release", "run", "--synthetic=copy", "--report=report", "--out=b.zip")


def without(words, *names):
    return [w for w in words if not w.startswith(tuple(f"--{name}" for name in names))]


def written(path, **changed):
    """Our policy with other values of tier registered."""
    text = DEFAULT.read_text()
    head, part, rest = text.partition("[tiers.registered]")
    body, more, tail = rest.partition("[tiers.controlled]")
    for name, value in changed.items():
        body, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", body)
        assert count == 1
    path.write_text(head + part + body + more + tail)
    return path


@pytest.fixture
def unread(monkeypatch):
    """Records may not be read."""

    def read(*_):
        raise AssertionError("records were read")

    monkeypatch.setattr(training, "read", read)


@pytest.fixture(scope="module")
def ready_once(trained_once, tmp_path_factory):
    """A clinic with a copy and its internal report; not to be changed."""
    from dpsynth.cli.main import run

    root = tmp_path_factory.mktemp("ready")
    shutil.copytree(trained_once, root, dirs_exist_ok=True)
    path = root / "run" / "privacy.json"
    card = json.loads(path.read_text())
    card["audit"]["verdict"] = "consistent"  # four steps are too few for a verdict
    path.write_text(json.dumps(card))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DPSYNTH_LEDGER", str(root / "ledger"))
        patch.chdir(root)
        assert run(["generate", "run", "--n=60", "--out=copy", "--json"]) == 0
        words = ["--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report", "--json"]
        assert run(["evaluate", *words]) == 0
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (root / "key.pem").write_bytes(private)
    (root / "key.pub").write_bytes(public)
    return root


@pytest.fixture
def ready(clinic, ready_once):
    shutil.copytree(ready_once, clinic.root, dirs_exist_ok=True)
    return clinic


# --- train -------------------------------------------------------------------------------


def test_a_tier_gives_epsilon_and_delta_and_stands_on_the_card(clinic, dpsynth):
    words = without(clinic.train("--tier=public", "--json"), "epsilon")
    done = dpsynth(*words)
    assert done.code == 0, done.err
    assert (done.json["privacy"]["epsilon"], done.json["privacy"]["delta"]) == (1.0, 0.01)
    assert done.json["tier"] == "public"
    card = json.loads((clinic.root / "run" / "privacy.json").read_text())
    assert (card["tier"]["name"], card["tier"]["policy_sha256"]) == ("public", OURS.sha256)


def test_a_run_for_no_tier_says_so(trained):
    card = json.loads((trained.root / "run" / "privacy.json").read_text())
    assert card["tier"]["status"] == "none"


def test_too_much_is_refused_before_any_record_is_read(clinic, dpsynth, unread):
    written(clinic.root / "p.toml", delta_exponent="1.5")
    theirs = ["--tier=registered", "--policy=p.toml"]
    for words, names in (
        (["--epsilon=1.01", "--tier=public"], ["epsilon 1.01 is above tier public's 1"]),
        # P is 24 after the holdout, and 24^-1.5 is 0.0085.
        (["--delta=0.0086", *theirs], ["delta 0.0086 is not below", "leave it out for 0.001"]),
        (["--no-audit", "--tier=public"], ["demands an audited run"]),
    ):
        refused(clinic, dpsynth, *clinic.train(*words), names=names)


def test_facts_read_from_values_are_refused_before_any_record_is_read(clinic, dpsynth, unread):
    clinic.schema.write_text(clinic.schema.read_text() + "assumed_public: [tables.clinic.sys]\n")
    words = clinic.train("--tier=public")
    refused(clinic, dpsynth, *words, names=["tables.clinic.sys", "read from values"])


def test_a_smaller_epsilon_and_delta_are_taken_as_given(clinic, dpsynth):
    words = clinic.train("--tier=controlled", "--delta=0.02", "--model=markov")
    done = dpsynth(*without(words, "setting"), "--json")
    assert done.code == 0, done.err
    assert (done.json["privacy"]["epsilon"], done.json["privacy"]["delta"]) == (1.0, 0.02)


def test_the_committees_file_decides(clinic, dpsynth, unread):
    policy = written(clinic.root / "p.toml", epsilon="0.5")
    words = clinic.train("--tier=registered", f"--policy={policy}")
    refused(clinic, dpsynth, *words, names=["above tier registered's 0.5"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--tier=secret"], ["one of public, registered, controlled"]),
        (["--policy=p.toml"], ["name one of its tiers"]),
        (["--tier=public", "--policy=absent.toml"], ["absent.toml can't be read"]),
        (["--tier=public", "--policy=schema.yaml"], ["can't be read as a policy"]),
    ],
)
def test_bad_usage_ends_with_2(clinic, dpsynth, unread, words, names):
    written(clinic.root / "p.toml")
    refused(clinic, dpsynth, *clinic.train(*words), names=names, code=2)


def test_without_epsilon_and_tier_the_usage_is_wrong(clinic, dpsynth):
    done = dpsynth(*without(clinic.train(), "epsilon"))
    assert done.code == 2 and "--epsilon" in done.err


def test_a_tier_is_fixed_by_the_run(clinic, dpsynth):
    done = dpsynth("train", clinic.data, "--out=run", "--resume", "--tier=public")
    assert done.code == 2 and "--tier is fixed by the run" in done.err


def private(clinic):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace("population: 40", "population: private"))


def test_with_a_noised_size_epsilon_is_refused_before_reading(clinic, dpsynth, unread):
    private(clinic)
    words = clinic.train("--tier=public", "--epsilon=2")
    refused(clinic, dpsynth, *words, names=["above tier public's 1"])


def test_with_a_noised_size_a_given_delta_is_held_against_it_after_the_count(clinic, dpsynth):
    private(clinic)
    words = without(clinic.train("--tier=controlled", "--model=markov", "--epsilon=10"), "setting")
    # With 24 patients and epsilon 0.5 for the count, the noised size is at least 3 but for a
    # chance below exp(-0.5 * 21) = 3e-5; and 3^-1.1 = 0.299 is less than 0.3.
    done = dpsynth(*words, "--delta=0.3")
    assert done.code == 1
    assert "delta 0.3 is not below tier controlled's" in done.err
    assert "counting them has spent epsilon 0.5, for good" in done.err
    assert not (clinic.root / "run").exists()
    spent = Ledger().spent("clinic")
    assert (spent.epsilon, spent.delta, spent.runs) == (0.5, 0.0, 1)  # the count, and no plan
    done = dpsynth(*words, "--json")
    assert done.code == 0, done.err
    card = json.loads((clinic.root / "run" / "privacy.json").read_text())
    size = card["guarantee"]["size"]["shown"]
    assert card["guarantee"]["delta"] < size**-1.1


def test_a_tier_of_all_runs_together_refuses_the_run_that_would_pass_it(trained, dpsynth, unread):
    policy = written(trained.root / "p.toml", of='"population"', epsilon="1.5")
    words = trained.train("--tier=registered", f"--policy={policy}", out="more")
    names = ["all runs on population 'clinic' together would come to epsilon 2 at delta 0.02"]
    refused(trained, dpsynth, *words, names=names)


def test_a_tier_of_all_runs_together_lets_in_what_keeps_to_it(trained, dpsynth):
    policy = written(trained.root / "p.toml", of='"population"', epsilon="2")
    words = trained.train("--tier=registered", f"--policy={policy}", out="more")
    assert dpsynth(*words).code == 0


# --- release -----------------------------------------------------------------------------


def test_a_bundle_says_who_may_have_it_and_by_whose_rules(ready, dpsynth):
    done = dpsynth(*RELEASE, "--tier=registered", "--json")
    assert done.code == 0, done.err
    audience = OURS.tier("registered").audience
    with zipfile.ZipFile("b.zip") as file:
        assert file.read("policy.json") == OURS.canonical()
        card = json.loads(file.read("privacy.json"))
        for page in ("privacy.html", "datasheet.html"):
            text = file.read(page).decode()
            assert audience in text and OURS.sha256 in text
        assert audience in " ".join(file.read("registry.yaml").decode().split())
    assert card["tier"] == done.json["tier"]
    assert (card["tier"]["name"], card["tier"]["audience"]) == ("registered", audience)
    done = dpsynth("verify", "b.zip", "--json")
    assert done.code == 0, done.err
    assert (done.json["tier"]["name"], done.json["policy_checked"]) == ("registered", False)
    assert "give --policy to check it" in dpsynth("verify", "b.zip").out
    assert dpsynth("verify", "b.zip", f"--policy={DEFAULT}").code == 0
    other = written(ready.root / "p.toml", epsilon="2")
    words = ("verify", "b.zip", f"--policy={other}")
    refused(ready, dpsynth, *words, names=["another policy", OURS.sha256])


def test_public_wants_a_signature(ready, dpsynth):
    words = (*RELEASE, "--tier=public")
    refused(ready, dpsynth, *words, names=["no release of tier public", "give --key"])
    assert dpsynth(*words, "--key=key.pem").code == 0
    assert dpsynth("verify", "b.zip", "--key=key.pub").code == 0


def test_a_guarantee_above_the_tier_is_refused(ready, dpsynth):
    policy = written(ready.root / "p.toml", epsilon="0.99")
    words = (*RELEASE, "--tier=registered", f"--policy={policy}")
    refused(ready, dpsynth, *words, names=["this run has epsilon 1 at delta 0.01"])
    policy = written(ready.root / "p.toml", delta_exponent="1.5")  # 24^-1.5 = 0.0085
    refused(ready, dpsynth, *words, names=["with delta below 24^-1.5"])


def test_what_all_runs_have_spent_is_held_against_a_tier_that_counts_it(ready, dpsynth):
    Ledger().reserve("clinic", run="before", epsilon=1.0, delta=0.001, plan={})
    of_run = written(ready.root / "one.toml", epsilon="1.5")
    of_all = written(ready.root / "all.toml", epsilon="1.5", of='"population"')
    words = (*RELEASE, "--tier=registered")
    names = ["all 2 runs on these patients together have epsilon 2 at delta 0.011"]
    refused(ready, dpsynth, *words, f"--policy={of_all}", names=names)
    assert dpsynth(*words, f"--policy={of_run}").code == 0


def test_no_report_and_a_reason_are_not_enough_where_subgroups_are_demanded(ready, dpsynth):
    words = [*without(RELEASE, "report"), "--reason=no time", "--tier=registered"]
    refused(ready, dpsynth, *words, names=["somebody looked at subgroups"])
    policy = written(ready.root / "p.toml", subgroups="false")
    assert dpsynth(*words, f"--policy={policy}").code == 0


def test_an_audit_that_is_not_consistent_is_refused(ready, dpsynth):
    path = ready.root / "run" / "privacy.json"
    card = json.loads(path.read_text())
    card["audit"]["verdict"] = "inconclusive"
    path.write_text(json.dumps(card))
    words = (*RELEASE, "--tier=registered")
    refused(ready, dpsynth, *words, names=["the run's is inconclusive"])


def test_a_tier_without_reports_has_none_in_the_bundle(ready, dpsynth):
    policy = written(ready.root / "p.toml", report='"none"')
    words = (*RELEASE, "--tier=registered", f"--policy={policy}")
    assert dpsynth(*words).code == 0
    with zipfile.ZipFile("b.zip") as file:
        assert not [name for name in file.namelist() if name.startswith("report/")]
        assert "its tier allows none" in file.read("datasheet.html").decode()
    assert dpsynth("verify", "b.zip", f"--policy={policy}").code == 0


def test_the_same_release_of_a_tier_has_the_same_bytes(ready, dpsynth):
    words = (*RELEASE, "--tier=registered")
    assert dpsynth(*words).code == 0
    first = (ready.root / "b.zip").read_bytes()
    (ready.root / "b.zip").unlink()
    assert dpsynth(*words).code == 0
    assert (ready.root / "b.zip").read_bytes() == first


def test_a_release_under_no_tier_says_so_and_is_not_the_committees(ready, dpsynth):
    assert dpsynth(*RELEASE).code == 0
    assert "not said" in dpsynth("verify", "b.zip").out
    words = ("verify", "b.zip", f"--policy={DEFAULT}")
    refused(ready, dpsynth, *words, names=["released under no policy"])


# --- bundles from a foe ------------------------------------------------------------------


def relisted(members, **changed):
    """Members with a manifest that fits them."""
    members = {n: c for n, c in members.items() if n != bundle.MANIFEST} | changed
    listed = {n: bundle._measured(content) for n, content in members.items()}
    return {bundle.MANIFEST: bundle.manifest_of(listed)} | members


def with_card(members, change):
    card = json.loads(members["privacy.json"])
    change(card)
    return relisted(members, **{"privacy.json": json.dumps(card).encode()})


def laxer(members):
    """A policy of the foe's own, with a card that fits its hash alone."""
    facts = json.loads(members["policy.json"])
    facts["tiers"]["registered"]["audience"] = "anybody"
    policy = policy_of(facts)
    changed = relisted(members, **{"policy.json": policy.canonical()})
    return with_card(changed, lambda card: card["tier"].update(policy_sha256=policy.sha256))


def spent(card):
    card["guarantee"]["epsilon"] = 3.5
    card["guarantee"]["epsilon_at"] = [
        each | {"epsilon": 3.5} for each in card["guarantee"]["epsilon_at"]
    ]
    card["scope"]["composition"] |= {"epsilon": 3.5, "added_epsilon": 3.5}


FOES = {
    "another audience": (
        lambda m: with_card(m, lambda card: card["tier"].update(audience="anybody")),
        "not as the policy in the bundle says it",
    ),
    "another hash": (
        lambda m: with_card(m, lambda card: card["tier"].update(policy_sha256="0" * 64)),
        "not as the policy in the bundle says it",
    ),
    "another tier's name": (
        lambda m: with_card(m, lambda card: card["tier"].update(name="public")),
        "not as the policy in the bundle says it",
    ),
    "a tier that the policy lacks": (
        lambda m: with_card(m, lambda card: card["tier"].update(name="open")),
        "has no such tier",
    ),
    "a policy that the card does not fit": (laxer, "not as the policy in the bundle says it"),
    "no policy": (
        lambda m: relisted({n: c for n, c in m.items() if n != "policy.json"}),
        "policy.json is missing",
    ),
    "a policy that is none": (
        lambda m: relisted(m, **{"policy.json": b"[]"}),
        "policy.json is no policy",
    ),
    "a policy in other bytes": (
        lambda m: relisted(m, **{"policy.json": m["policy.json"] + b" "}),
        "not as dpsynth writes it",
    ),
    "a policy that no tier is of": (
        lambda m: with_card(m, lambda card: card.update(tier={"status": "none", "reason": "x"})),
        "the card names no tier of it",
    ),
    "a larger epsilon than the tier's": (
        lambda m: with_card(m, spent),
        "this run has epsilon 3.5",
    ),
    "nobody looked": (
        lambda m: with_card(
            m, lambda card: card.update(subgroups={"status": "not assessed", "reason": "x"})
        ),
        "looked at subgroups",
    ),
    "no report": (
        lambda m: relisted({n: c for n, c in m.items() if n != "report/report.html"}),
        "report/report.html is missing",
    ),
}


@pytest.mark.parametrize("kind", FOES)
def test_what_does_not_keep_to_its_tier_is_refused_with_1(ready, dpsynth, kind):
    assert dpsynth(*RELEASE, "--tier=registered").code == 0
    assert dpsynth("verify", "b.zip").code == 0
    change, named = FOES[kind]
    with zipfile.ZipFile("b.zip") as file:
        members = change({name: file.read(name) for name in file.namelist()})
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    (ready.root / "b.zip").write_bytes(held.getvalue())
    refused(ready, dpsynth, "verify", "b.zip", names=[named])


def test_what_a_foe_says_can_not_steer_a_terminal(ready, dpsynth):
    assert dpsynth(*RELEASE).code == 0
    with zipfile.ZipFile("b.zip") as file:
        members = {name: file.read(name) for name in file.namelist()}
    bad = "x\x1b[2J\nSigned by the ministry"
    changed = with_card(members, lambda c: c.update(tier={"status": "none", "reason": bad}))
    with zipfile.ZipFile("b.zip", "w") as file:
        for name, content in changed.items():
            file.writestr(name, content)
    done = dpsynth("verify", "b.zip")
    assert done.code == 0
    assert "\x1b" not in done.out and "\nSigned" not in done.out


def test_a_report_that_the_tier_does_not_allow_is_refused(ready, dpsynth):
    policy = written(ready.root / "p.toml", report='"none"')
    assert dpsynth(*RELEASE, "--tier=registered", f"--policy={policy}").code == 0
    with zipfile.ZipFile("b.zip") as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile("b.zip", "w") as file:
        for name, content in relisted(members, **{"report/report.html": b"<p>"}).items():
            file.writestr(name, content)
    refused(ready, dpsynth, "verify", "b.zip", names=["report/report.html is in the bundle"])
