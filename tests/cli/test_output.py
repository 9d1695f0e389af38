"""What commands print besides their results: progress, the end of a pipe, and plain words."""

from __future__ import annotations

import shutil
import subprocess
import sys

import click
import pytest

from dpsynth.cli import main, progress
from dpsynth.cli.output import one_line
from dpsynth.cli.progress import Lines
from dpsynth.cli.summary import summary
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Evaluation, Row


def row(metric: str, family: str, value: Estimate, *, group: str | None = None) -> Row:
    return Row(
        metric=metric,
        family=family,
        title=metric,
        scale="",
        group=group,
        value=value,
        real=Estimate(0.8, 0.75, 0.85, 90, ""),
        real_name="real",
        control=Estimate(0.55, 0.5, 0.6, 90, ""),
        control_name="control",
        better="higher",
    )


def found(*rows: Row) -> Evaluation:
    fixed = {"columns": (), "transitions": (), "visits": None, "sample": (), "notes": ()}
    return Evaluation(
        name="x", unit="patient", train=60, holdout=40, synthetic=50, rows=rows, seed=0,
        seconds=1.0, **fixed,
    )  # fmt: skip


def test_the_summary_says_five_things_with_their_references():
    lines = summary(
        found(
            row("tstr_auc", "utility", Estimate(0.7, 0.6, 0.75, 90, "")),
            row("c2st_auc", "fidelity", Estimate(0.9, 0.85, 0.95, 90, "")),
            row("auc_loss", "bias", Estimate(0.05, 0.0, 0.1, 90, ""), group="sex f"),
            row("auc_loss", "bias", Estimate(0.12, 0.02, 0.2, 90, ""), group="sex m"),
            row("auc_loss", "bias", Estimate(0.5, 0.0, 1.0, 3, "few events"), group="old"),
            row("membership_auc", "leakage", Estimate(0.51, 0.48, 0.54, 90, "")),
        )
    )
    assert len(lines) == 5
    assert "AUC 0.700 (0.600 to 0.750)" in lines[0] and "0.800" in lines[0]
    assert "0.900 (0.850 to 0.950)" in lines[1]
    assert "of 2; 1 not assessable: sex m loses 0.120" in lines[2]
    assert "0.510" in lines[3] and "proves nothing" in lines[3]


def test_what_was_not_measured_is_called_not_assessable():
    lines = summary(found())
    assert [("not assessable" in line) for line in lines] == [True] * 4 + [False]


def test_lines_wait_and_come_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    report = Lines()
    for second in range(40):
        now[0] = float(second)
        report("training", second, 40)
    # The first after 2 seconds, then one every 15.
    assert capsys.readouterr().err.splitlines() == [
        "training: 2 of 40",
        "training: 17 of 40",
        "training: 32 of 40",
    ]


def test_bars_stand_on_a_terminal_only(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.progress() as report:
        report("training", 1, 4)
        report("training", 4, 4)
    found = capsys.readouterr()
    assert "training" in found.err and "4/4" in found.err
    assert found.out == ""


def test_a_line_stays_one_line_whatever_a_file_is_called():
    assert one_line("a\nb\x1b[31m\tc") == "a b [31m c"


def test_a_library_fault_is_not_hidden_as_bad_input(monkeypatch):
    def fault(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main.cli, "main", fault)
    with pytest.raises(ZeroDivisionError):
        main.run(["demo"])


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/a"), 2, "error: no permission (/a); choose"),
        (OSError(28, "No space left"), 2, "error: the disk is full; free some room"),
        (OSError(5, "Input/output error", "/a"), 2, "error: input/output error (/a)"),
        (MemoryError(), 2, "error: out of memory"),
        (click.Abort(), 130, "interrupted"),
    ],
)
def test_what_the_machine_refuses_is_one_line(monkeypatch, capsys, error, code, words):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", fail)
    assert main.run(["demo"]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(words)


def test_a_copy_made_without_the_ledger_says_so(trained, dpsynth):
    shutil.rmtree(trained.root / "ledger")
    done = dpsynth("generate", "run", "--out=copy")
    assert done.code == 0
    assert "population clinic is not in this machine's ledger" in done.out
    assert not (trained.root / "ledger").exists()


def test_the_installed_command_ends_quietly_when_its_reader_has_gone(tmp_path):
    script = "import sys; sys.argv[1:] = ['--help']; from dpsynth.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(60)
