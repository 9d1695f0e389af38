"""The evaluation as one page to read and sign, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dpsynth.evaluation.drawings import sections
from dpsynth.evaluation.evaluation import Evaluation, Row, plain
from dpsynth.evaluation.group_lines import grouped
from dpsynth.evaluation.labels import flattened, text
from dpsynth.evaluation.leakage.claimed import Implied, implied
from dpsynth.evaluation.page import filled, write_figures
from dpsynth.evaluation.verdict import beyond, guarantee, verdicts

WEAKEST = 8  # rows of a table shown at once
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
SCHEMA_URL = "urn:dpsynth:evaluation-report:1"
INTERNAL = (
    "INTERNAL: computed on real records; this report is itself a disclosure; do not share outside."
)


NOT_CHECKED = (
    "The card was given with the copy and not checked: nothing shows that it is of these files."
)


@dataclass(frozen=True)
class Ranked:
    """The rows of a family.

    Attributes:
        question: that they answer.
        rows: all of them.
        weakest: those that reach least, where there are many more.
    """

    question: str
    rows: tuple[Row, ...]
    weakest: tuple[Row, ...] = ()


def write_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    title: str,
    privacy: Mapping[str, Any] | None = None,
    known_by: Mapping[str, str] | None = None,
    card_check: str = NOT_CHECKED,
    figures: bool = False,
) -> list[Path]:
    """Write `report.html` (one file, nothing loaded from elsewhere) and `report.json`.

    Args:
        evaluation: what was found.
        folder: where to; made if missing. Never the run folder, which may be shared.
        title: of the page.
        privacy: facts of the privacy card, if there is one; shown, not checked.
        known_by: the report's id and the copy's digest, by which a release knows them again.
        card_check: how far it is known that the card is of this copy, in words.
        figures: whether to write every figure as a file too.

    Returns:
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "report.html", folder / "report.json"
    told: dict[str, Any] = {"title": title, "privacy": privacy, "card_check": card_check}
    page.write_text(render(evaluation, **told), encoding="utf-8")
    facts = report_facts(evaluation, known_by=known_by, **told)
    data.write_text(as_json(facts), encoding="utf-8")
    drawn = write_figures(sections(evaluation, implied(privacy)), folder) if figures else []
    return [page, data, *drawn]


def as_json(facts: Mapping[str, Any]) -> str:
    """A report as text."""
    return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def report_facts(
    evaluation: Evaluation,
    *,
    title: str,
    privacy: Mapping[str, Any] | None = None,
    known_by: Mapping[str, str] | None = None,
    card_check: str = NOT_CHECKED,
) -> dict[str, Any]:
    """The report for machines; `report.schema.json` says what stands where."""
    claim = implied(privacy)
    return {
        "schema": SCHEMA_URL,
        "title": title,
        "kind": "internal",
        "internal": INTERNAL,
        "date": date.today().isoformat(),
        **(known_by or {}),
        "verdicts": [
            asdict(each) for each in (*verdicts(evaluation), guarantee(evaluation, privacy))
        ],
        "privacy": plain(dict(privacy)) if privacy else None,
        "card_check": card_check if privacy else None,
        "claim": None
        if claim is None
        else {
            **claim_facts(claim),
            "rows_at_most": allowed(evaluation, claim),
            "contradicted_by": [row.metric for row, _ in beyond(evaluation, claim)],
        },
        **evaluation.to_json(),
    }


def claim_facts(claim: Implied) -> dict[str, Any]:
    """What the claim allows any attacker."""
    return {
        "epsilon": claim.epsilon,
        "delta": claim.delta,
        "advantage_at_most": claim.advantage,
        "recognised_at_most": [
            {"false_positive_rate": rate, "true_positive_rate": most}
            for rate, most in claim.recognised.items()
        ],
    }


def allowed(evaluation: Evaluation, claim: Implied) -> dict[str, float]:
    """What each leakage row may reach, where the claim bounds it."""
    found = {row.metric: claim.most(row.metric) for row in evaluation.family("leakage")}
    return {name: most for name, most in found.items() if most is not None}


def render(
    evaluation: Evaluation,
    *,
    title: str,
    privacy: Mapping[str, Any] | None,
    card_check: str = NOT_CHECKED,
) -> str:
    """The page as text."""
    claim = implied(privacy)
    return filled(
        "report.html",
        e=evaluation,
        title=title,
        today=date.today().isoformat(),
        internal=INTERNAL,
        verdicts=verdicts(evaluation),
        guarantee=guarantee(evaluation, privacy),
        privacy=[(name, text(value)) for name, value in flattened(privacy or {})],
        card_check=card_check,
        unchecked=card_check == NOT_CHECKED,
        claim=claim,
        allowed={} if claim is None else allowed(evaluation, claim),
        beyond=[] if claim is None else [row.metric for row, _ in beyond(evaluation, claim)],
        tables=[
            ranked("Is it like the real data?", evaluation.family("fidelity")),
            ranked("Is it useful?", evaluation.family("utility")),
            Ranked("Does it leak?", evaluation.family("leakage")),
        ],
        groups=grouped(evaluation),
        bias=evaluation.family("bias"),
        sections=sections(evaluation, claim),
    )


def ranked(question: str, rows: Sequence[Row]) -> Ranked:
    """A family whose weakest rows stand alone if it has many more."""
    known = [(row.reached, place) for place, row in enumerate(rows) if row.reached is not None]
    weakest = sorted(known)[:WEAKEST]
    few = len(rows) <= WEAKEST + 2 or not weakest
    return Ranked(question, tuple(rows), () if few else tuple(rows[p] for _, p in weakest))
