"""The audit of a run: canaries go in before it, a verdict comes out, and can be had again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpsynth.errors import RunError
from dpsynth.pipeline.run_folder import Run, RunFolder
from dpsynth.privacy.audit import Auditor, Canaries, Transcript, Verdict, judged
from dpsynth.privacy.audit.verdict import ALPHA
from dpsynth.privacy.card import Audit, AuditTest, NotAssessed
from dpsynth.privacy.ledger import Ledger

THREAT = (
    "an attacker who sees every noisy answer and gradient, and knows all of the data but whether "
    "a made-up patient (a canary) is among them"
)
ESTIMATOR = (
    "canaries' weights ranked, or held against one half where noise hardly ever turns a rank; "
    "bounds at 95 %, every check together at alpha"
)
LIMITS = (
    "It trusts that the costs of steps and releases add up as the accountant says, and sees "
    "neither a layer whose gradients are clipped wrongly nor a leak outside noisy answers."
)


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What `audit` found.

    Attributes:
        run: whose audit it is.
        verdict: what may be published.
    """

    run: Run
    verdict: Verdict


def begin(book: Ledger, run: Run, canaries: Canaries | None) -> None:
    """Keep the coins whose hash `run` holds, once its budget is reserved."""
    if canaries is not None:
        Transcript(book.transcript_path(run.id), canaries)


def auditor(book: Ledger, run: Run) -> Auditor | None:
    """The canaries of an audited run, none for another or where its transcript is gone."""
    transcript = _transcript(book, run)
    return Auditor(transcript) if transcript else None


def report(book: Ledger, run: Run) -> Audit | NotAssessed:
    """The card's section on the audit."""
    if not run.audit:
        return NotAssessed(reason="the run was made with --no-audit")
    transcript = _transcript(book, run)
    if transcript is None:
        return NotAssessed(reason="the audit's transcript was lost between two parts of the run")
    verdict = judged(transcript, run.plan)
    tests = tuple(
        AuditTest(name=f.name, p=f.p, epsilon_lower_bound=f.epsilon_lower_bound)
        for f in verdict.findings
    )
    if not tests:
        return NotAssessed(reason="the run asked nothing that an audit could watch")
    return Audit(
        threat_model=THREAT,
        canaries=verdict.canaries,
        commitment=verdict.commitment,
        estimator=ESTIMATOR,
        alpha=ALPHA,
        tests=tests,
        false_alarm_rate=ALPHA,
        verdict=verdict.word,
        steps_bound=verdict.bound,
        steps_claimed=verdict.claimed,
    )


def audit(run_folder: str | Path, *, ledger: Ledger | None = None) -> Audited:
    """Judge a run once more from what its canaries saw, which is kept beside the ledger.

    Touches no patient's data and costs no privacy.

    Raises:
        RunError: if the run was not audited, or on another machine, or the transcript is not
            the one whose hash `run.json` holds.
    """
    run, book = RunFolder(Path(run_folder)).load(), ledger or Ledger()
    if not run.audit:
        raise RunError(f"{run_folder} was made with --no-audit; train again without it")
    transcript = Transcript(book.transcript_path(run.id))
    if transcript.canaries.commitment != run.audit:
        raise RunError(f"{transcript.path} is not the transcript that {run_folder} committed to")
    return Audited(run=run, verdict=judged(transcript, run.plan))


def _transcript(book: Ledger, run: Run) -> Transcript | None:
    path = book.transcript_path(run.id)
    if not run.audit or not path.exists():
        return None
    found = Transcript(path)
    return found if found.canaries.commitment == run.audit else None
