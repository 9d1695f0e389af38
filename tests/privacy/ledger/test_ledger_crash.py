"""Whatever happens to the machine, what is shown as spent is never less than what was."""

import contextlib
import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from dpsynth.errors import BudgetError, LedgerError
from dpsynth.privacy.ledger import Ledger, durable


def _folder(ledger: Ledger) -> Path:
    return ledger.root / "icu"


def _states(ledger: Ledger) -> tuple[bytes, bytes, bytes, bytes]:
    """Entries and head before and after one more reservation of epsilon 1."""
    entries, head = _folder(ledger) / "entries.jsonl", _folder(ledger) / "head.json"
    old = entries.read_bytes(), head.read_bytes()
    ledger.reserve("icu", run="d", epsilon=1.0, delta=1e-6, plan={"sigma": 2.0})
    return *old, entries.read_bytes(), head.read_bytes()


def test_a_crash_at_any_byte_of_an_append_never_lowers_what_is_spent(ledger, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # speed: no power is cut here
    old, old_head, new, new_head = _states(ledger)
    for size in range(len(old), len(new) + 1):
        (_folder(ledger) / "entries.jsonl").write_bytes(new[:size])
        (_folder(ledger) / "head.json").write_bytes(old_head)
        (_folder(ledger) / "head.json.new").write_bytes(new_head)
        whole = size == len(new)
        assert ledger.spent("icu").epsilon == (4.0 if whole else 3.0)
        ledger.reserve("icu", run="after", epsilon=1.0, delta=1e-6, plan={})
        assert ledger.spent("icu").epsilon == (5.0 if whole else 4.0)
        types = [e.type for e in ledger.entries("icu")]
        assert ("repaired" in types) == (len(old) < size < len(new))


def test_a_crash_at_any_byte_of_the_head_never_lowers_what_is_spent(ledger, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: None)
    _, old_head, _, new_head = _states(ledger)
    for size in range(len(new_head) + 1):
        (_folder(ledger) / "head.json").write_bytes(old_head)
        (_folder(ledger) / "head.json.new").write_bytes(new_head[:size])
        assert ledger.spent("icu").epsilon == 4.0


def test_a_removed_tail_is_refused_at_any_byte(ledger):
    _, _, new, _ = _states(ledger)
    for size in range(len(new)):
        (_folder(ledger) / "entries.jsonl").write_bytes(new[:size])
        with pytest.raises(LedgerError, match=r"head confirmed 5: lines were removed"):
            ledger.spent("icu")
        if size % 50 == 0:
            with pytest.raises(LedgerError, match="restore it from a backup"):
                ledger.reserve("icu", run="after", epsilon=1.0, delta=1e-6, plan={})


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\0" * 64 + b"\n", b'{"number":5}\n', b"\n"])
def test_garbage_past_the_head_is_cut_off_and_logged(ledger, tail):
    with (_folder(ledger) / "entries.jsonl").open("ab") as file:
        file.write(tail)
    assert ledger.spent("icu").epsilon == 3.0
    ledger.unprotected("icu", run=None, purpose="evaluation")
    repaired = ledger.entries("icu")[-2]
    assert (repaired.type, repaired.body) == ("repaired", {"bytes": len(tail)})


def test_a_lost_folder_entry_or_head_is_named(ledger):
    head = (_folder(ledger) / "head.json").read_bytes()
    (_folder(ledger) / "head.json").unlink()
    with pytest.raises(LedgerError, match=r"head .*head\.json can't be read"):
        ledger.spent("icu")
    (_folder(ledger) / "head.json").write_bytes(head)
    ledger.join("ward", [])
    (ledger.root / "ward" / "entries.jsonl").unlink(missing_ok=True)
    assert ledger.spent("ward").runs == 0
    ledger.reserve("ward", run="a", epsilon=1.0, delta=0.0, plan={})
    (ledger.root / "ward" / "entries.jsonl").unlink()
    with pytest.raises(LedgerError, match="has 0 whole lines, and its head confirmed 1"):
        ledger.spent("ward")


def test_another_version_is_named(ledger):
    head = _folder(ledger) / "head.json"
    head.write_bytes(head.read_bytes().replace(b'"version":1', b'"version":2'))
    with pytest.raises(LedgerError, match="is of version 2; this code reads 1"):
        ledger.spent("icu")


def test_the_clock_does_not_order_the_entries(ledger, monkeypatch):
    from dpsynth.privacy.ledger import chain

    class Earlier(chain.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(1999, 1, 1, tzinfo=tz)

    monkeypatch.setattr(chain, "datetime", Earlier)
    ledger.reserve("icu", run="d", epsilon=1.0, delta=0.0, plan={})
    last = ledger.entries("icu")[-1]
    assert (last.number, last.body["run"], last.time) == (5, "d", "1999-01-01T00:00:00+00:00")


# --- two at once -------------------------------------------------------------------------


def _append_fifty(root: Path, name: str) -> None:
    for i in range(50):
        Ledger(root).reserve("icu", run=f"{name}-{i}", epsilon=0.1, delta=1e-8, plan={})


def test_two_processes_append_one_after_the_other(ledger):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_append_fifty, args=(ledger.root, n)) for n in "xy"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [w.exitcode for w in workers] == [0, 0]
    spent = ledger.spent("icu")
    assert (spent.runs, spent.epsilon, spent.delta) == (103, 13.0, 4e-6)  # 3 + 100 x 0.1
    assert [e.number for e in ledger.entries("icu")] == list(range(1, 105))


def _ask(root: Path, name: str, go: object, told: object) -> None:
    go.wait()
    try:
        Ledger(root).reserve("icu", run=name, epsilon=1.0, delta=0.0, plan={})
        told.put((name, ""))
    except BudgetError as error:
        told.put((name, str(error)))


def test_two_processes_race_for_the_last_piece_and_one_is_refused(ledger):
    ledger.cap("icu", epsilon=4.5, delta=1e-5)  # 3 are spent: one more fits, two do not
    spawn = multiprocessing.get_context("spawn")
    go, told = spawn.Event(), spawn.Queue()
    racers = [spawn.Process(target=_ask, args=(ledger.root, n, go, told)) for n in "xy"]
    for racer in racers:
        racer.start()
    go.set()
    ends = dict(told.get(timeout=60) for _ in racers)
    for racer in racers:
        racer.join()
    refused = [said for said in ends.values() if said]
    assert len(refused) == 1 and "0.5 is left" in refused[0]
    assert ledger.spent("icu").epsilon == 4.0


@pytest.mark.parametrize("call", ["prepare", "append", "replace"])
@pytest.mark.parametrize("nth", range(5))
def test_a_crash_while_a_group_is_made_never_lowers_what_is_spent(ledger, monkeypatch, call, nth):
    ledger.join("ward", [])
    ledger.reserve("ward", run="w", epsilon=2.0, delta=0.0, plan={})
    real, calls = getattr(durable, call), []

    def dying(*args: object) -> object:
        calls.append(args)
        if len(calls) == nth + 1:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(durable, call, dying)
        with contextlib.suppress(KeyboardInterrupt):
            ledger.group("hospital", ["icu", "ward"])
    for name in (*ledger.populations(), *ledger.groups()):
        ledger.verify(name)
    whole = ledger.groups().get("hospital") == ["icu", "ward"]
    assert ledger.spent("icu").epsilon == (5.0 if whole else 3.0)
    ledger.group("hospital", ["icu", "ward"])
    assert ledger.spent("icu").epsilon == ledger.spent("ward").epsilon == 5.0
    for name in ("icu", "ward"):
        assert [e.type for e in ledger.entries(name)].count("member") == 1


SPENDER = """
import sys
from pathlib import Path
from dpsynth.privacy.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for i in range(100000):
    ledger.reserve("icu", run=f"{sys.argv[2]}-{i}", epsilon=1.0, delta=0.0, plan={"x": "y" * 5000})
    print(i, flush=True)  # the reservation is confirmed: from here questions are asked
"""


def test_kill_9_in_the_middle_loses_no_confirmed_reservation(ledger):
    confirmed = 0
    for attempt in range(3):
        command = [sys.executable, "-c", SPENDER, str(ledger.root), str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as spender:
            spender.stdout.readline()
            time.sleep(0.05)
            spender.send_signal(signal.SIGKILL)
            confirmed += 1 + len(spender.stdout.readlines())
    spent = ledger.spent("icu").epsilon - 3.0
    assert confirmed <= spent <= confirmed + 3
    ledger.reserve("icu", run="after", epsilon=1.0, delta=0.0, plan={})
    assert ledger.spent("icu").epsilon == spent + 4.0


# --- disk full ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("nth", range(5))
def test_a_full_disk_fails_the_reservation_in_one_line(ledger, monkeypatch, call, nth):
    target = durable.Path if call == "replace" else durable.os
    real, calls = getattr(target, call), []

    def full(*args, **kwargs):
        calls.append(args)
        if len(calls) == nth + 1:
            if call == "write":  # half the bytes fit
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(target, call, full)
        try:
            ledger.reserve("icu", run="d", epsilon=1.0, delta=0.0, plan={})
            raised = ""
        except LedgerError as error:
            raised = str(error)
    assert bool(raised) == (len(calls) > nth)
    assert raised.count("\n") == 0
    assert not raised or "No space left on device" in raised
    assert ledger.spent("icu").epsilon in ({3.0, 4.0} if raised else {4.0})
    ledger.reserve("icu", run="after", epsilon=1.0, delta=0.0, plan={})
    ledger.verify("icu")


LIMITED = """
import resource, sys
from pathlib import Path
from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
size = (ledger.root / "icu" / "entries.jsonl").stat().st_size
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
try:
    ledger.reserve("icu", run="d", epsilon=1.0, delta=0.0, plan={})
except LedgerError as error:
    print(error)
"""


def test_a_real_limit_on_the_file_leaves_a_valid_ledger(ledger):
    before = (_folder(ledger) / "entries.jsonl").read_bytes()
    command = [sys.executable, "-c", textwrap.dedent(LIMITED), str(ledger.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the ledger can't be written" in done.stdout
    assert "File too large; nothing was asked of the data" in done.stdout
    assert (_folder(ledger) / "entries.jsonl").read_bytes() == before
    ledger.reserve("icu", run="d", epsilon=1.0, delta=0.0, plan={})
    assert ledger.spent("icu").epsilon == 4.0


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path, table_file):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(LedgerError, match="can't be written"):
        Ledger(blocked / "ledger").join("icu", [table_file])


def test_a_copied_ledger_is_a_ledger(ledger, tmp_path):
    shutil.copytree(ledger.root, tmp_path / "backup")
    assert Ledger(tmp_path / "backup").spent("icu") == ledger.spent("icu")
