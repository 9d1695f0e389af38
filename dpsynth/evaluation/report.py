"""The evaluation as one page to read and sign, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dpsynth.evaluation import svg
from dpsynth.evaluation.evaluation import Evaluation, Row
from dpsynth.evaluation.labels import rounded, text
from dpsynth.evaluation.verdict import flattened, guarantee, verdicts

HISTOGRAMS = 9  # columns drawn; the rest stand in a table
INTERNAL = (
    "INTERNAL: computed on real records; this report is itself a disclosure; do not share outside."
)


@dataclass(frozen=True)
class GroupLine:
    """One subgroup over all bias metrics."""

    name: str
    share: Row | None
    auc: Row | None
    loss: Row | None


def write_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    title: str,
    privacy: Mapping[str, Any] | None = None,
    known_by: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write `report.html` (one file, nothing loaded from elsewhere) and `report.json`.

    Args:
        evaluation: what was found.
        folder: where to; made if missing. Never the run folder, which may be shared.
        title: of the page.
        privacy: facts of the privacy card, if there is one; shown, not checked.
        known_by: the report's id and the copy's digest, by which a release knows them again.

    Returns:
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "report.html", folder / "report.json"
    page.write_text(render(evaluation, title=title, privacy=privacy), encoding="utf-8")
    facts = {
        "title": title,
        "internal": INTERNAL,
        "date": date.today().isoformat(),
        **(known_by or {}),
        "verdicts": [
            asdict(each) for each in (*verdicts(evaluation), guarantee(evaluation, privacy))
        ],
        "privacy": dict(privacy) if privacy else None,
        **evaluation.to_json(),
    }
    data.write_text(
        json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n",
        encoding="utf-8",
    )
    return [page, data]


def render(evaluation: Evaluation, *, title: str, privacy: Mapping[str, Any] | None) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("dpsynth.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(rounded=rounded, percent=svg.percent, text=text)
    return environment.get_template("report.html").render(
        e=evaluation,
        title=title,
        today=date.today().isoformat(),
        internal=INTERNAL,
        verdicts=verdicts(evaluation),
        guarantee=guarantee(evaluation, privacy),
        privacy=[(name, text(value)) for name, value in flattened(privacy or {})],
        tables=[
            ("Is it like the real data?", evaluation.family("fidelity")),
            ("Is it useful?", evaluation.family("utility")),
            ("Does it leak?", evaluation.family("leakage")),
        ],
        groups=group_lines(evaluation),
        gaps=[row for row in evaluation.family("bias") if row.metric == "auc_gap"],
        histograms=evaluation.columns[:HISTOGRAMS],
        svg=svg,
    )


def group_lines(evaluation: Evaluation) -> list[GroupLine]:
    """One line for each subgroup, in the order of the rows."""
    found = dict.fromkeys(
        row.group for row in evaluation.family("bias") if row.group and row.metric == "group_share"
    )
    return [
        GroupLine(
            name,
            evaluation.get("group_share", name),
            evaluation.get("group_auc", name),
            evaluation.get("auc_loss", name),
        )
        for name in found
    ]
