"""`dpsynth audit`: what a run claims, against what its canaries prove."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish

NO_GUARANTEE = "A bound is not a guarantee: only the promise on the privacy card is."


@click.command("audit", short_help="The claimed epsilon against what an attacker can prove.")
@click.argument("run", type=options.PATH, metavar="RUN")
@options.json_option
def command(run: Path, as_json: bool) -> None:
    """Hold what a run's canaries saw against what it claims; no patient's data are touched.

    Canaries are made-up patients that joined the run, or did not, by coins thrown before it. What
    they saw lies beside the ledger, so this works where the run was made. Ends with 1 if the
    claim is violated.
    """
    from dpsynth.pipeline.auditing import LIMITS, audit
    from dpsynth.privacy.audit.verdict import ALPHA, Verdict

    def lines(verdict: Verdict) -> list[str]:
        said = [f"Audit of {run}: {verdict.word}" + (f" ({verdict.why})." if verdict.why else ".")]
        said += [f"  p = {each.p:<8.3g} {each.name}" for each in verdict.findings]
        if verdict.bound is not None and verdict.claimed is not None:
            said.append(
                f"DP-SGD steps: epsilon proved at least {verdict.bound:.2f} (at 95 %), claimed "
                f"{verdict.claimed:.2f}, at the run's delta; the releases are not in these."
            )
        said.append(f"An honest run is called violated with chance {ALPHA:g} at most. {LIMITS}")
        return [*said, NO_GUARANTEE]

    verdict = audit(run).verdict
    finish(
        {"command": "audit", "run": str(run), "alpha": ALPHA, **asdict(verdict)},
        lines(verdict),
        as_json=as_json,
    )
    if verdict.word == "violated":
        click.get_current_context().exit(1)
