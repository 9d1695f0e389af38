"""No byte of the ledger can be changed without its being seen."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import Ledger


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Ledger, dict[str, bytes]]:
    """One ledger and its files' right bytes; every example puts them back."""
    root = tmp_path_factory.mktemp("chain")
    ledger = Ledger(root / "ledger")
    ledger.join("icu", [])
    for run in ("a", "b", "c"):
        ledger.reserve("icu", run=run, epsilon=1.0, delta=1e-6, plan={"sigma": 2.0})
    files = {f.name: f.read_bytes() for f in (ledger.root / "icu").iterdir()}
    return ledger, files


def _refused(made, name: str, data: bytes) -> str:
    ledger, files = made
    path: Path = ledger.root / "icu" / name
    path.write_bytes(data)
    try:
        with pytest.raises(LedgerError) as caught:
            ledger.verify("icu")
    finally:
        path.write_bytes(files[name])
    ledger.verify("icu")
    return str(caught.value)


@settings(max_examples=300, deadline=None)
@given(choice=st.data())
def test_an_edit_of_any_byte_is_seen(made, choice):
    name = choice.draw(st.sampled_from(["entries.jsonl", "head.json"]))
    data = bytearray(made[1][name])
    at = choice.draw(st.integers(0, len(data) - 1))
    data[at] ^= choice.draw(st.integers(1, 255))
    assert "\n" not in _refused(made, name, bytes(data))


@settings(max_examples=100, deadline=None)
@given(choice=st.data())
def test_bytes_put_in_or_taken_out_are_seen(made, choice):
    right = made[1]["entries.jsonl"]
    at = choice.draw(st.integers(0, len(right) - 1))
    gone = choice.draw(st.integers(0, 40))
    more = choice.draw(st.binary(max_size=10))
    changed = right[:at] + more + right[at + gone :]
    if not changed.startswith(right):
        _refused(made, "entries.jsonl", changed)


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ([0, 2, 1], "line 2"),
        ([1, 0, 2], "line 1"),
        ([0, 2], "line 2"),
        ([1, 2], "line 1"),
        ([0, 0, 1, 2], "line 2"),
        ([0, 1], "has 2 whole lines, and its head confirmed 3"),
    ],
)
def test_lines_moved_removed_or_doubled_are_named(made, order, named):
    lines = made[1]["entries.jsonl"].splitlines(keepends=True)
    assert named in _refused(made, "entries.jsonl", b"".join(lines[i] for i in order))


def test_a_lowered_budget_with_a_fresh_hash_of_its_own_line_is_seen(made):
    from dpsynth.privacy.ledger.chain import seal

    lines = made[1]["entries.jsonl"].splitlines(keepends=True)
    old = json.loads(lines[1])
    body = {**old["body"], "epsilon": 0.1}
    _, forged = seal(2, "reserve", body, old["previous"])
    assert "line 3" in _refused(made, "entries.jsonl", lines[0] + forged + lines[2])
    _, forged = seal(3, "reserve", body, json.loads(lines[2])["previous"])
    message = _refused(made, "entries.jsonl", lines[0] + lines[1] + forged)
    assert "line 3 is not the one that head.json confirmed" in message


def test_a_chain_does_not_pass_for_another_populations(made, tmp_path):
    files = made[1]
    other = Ledger(tmp_path / "ledger")
    other.join("ward", [])
    for name, data in files.items():
        (other.root / "ward" / name).write_bytes(data)
    with pytest.raises(LedgerError, match="line 1"):
        other.verify("ward")
