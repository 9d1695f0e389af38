"""The privacy statement that ends every command that touched real data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from dpsynth.pipeline.run_folder import Run
from dpsynth.privacy.budget import reported
from dpsynth.privacy.card.page import not_protected
from dpsynth.privacy.ledger import Ledger, Spent, words

ADJACENCY = "add-or-remove"


def lines(run: Run, card: dict[str, Any], folder: Path, ledger: Ledger) -> list[str]:
    """The promise, what it leaves out, what is spent, and where the card is."""
    gaps = "; ".join(f"{name}: {what}" for name, what in not_protected(card)) or "nothing is known"
    return [
        f"Privacy: (epsilon {reported(run.plan.epsilon):g}, delta {run.plan.delta:g}) per "
        f"{run.schema.unit}, {ADJACENCY} of one {run.schema.unit} with all records.",
        f"Not covered: {gaps}.",
        *audit_lines(card),
        *spent_lines(run.population, ledger),
        f"Card: {folder / 'privacy.html'} to read, {folder / 'privacy.json'} for machines.",
    ]


def audit_lines(card: dict[str, Any]) -> list[str]:
    """The verdict of the run's own audit."""
    audit = card["audit"]
    if audit["status"] != "assessed":
        return [f"Audit: none; {audit['reason']}."]
    said = f"Audit: {audit['verdict']} with the claim"
    if audit["verdict"] != "consistent":
        said = f"Audit: {audit['verdict']}"
    if audit["steps_bound"] is not None:
        said += (
            f"; of the training steps' epsilon {audit['steps_claimed']:.2f} it proved "
            f"{audit['steps_bound']:.2f}"
        )
    return [f"{said}; {audit['note']}."]


def spent_lines(population: str, ledger: Ledger) -> list[str]:
    """What all runs on the population have spent, as this machine's ledger knows."""
    found = _known(population, ledger)
    if found is None:
        return [f"Spent: population {population} is not in this machine's ledger {ledger.root}."]
    return [f"Population {population}: {words(found)}."]


def facts(run: Run, card: dict[str, Any], folder: Path, ledger: Ledger) -> dict[str, Any]:
    """The same for machines."""
    return {
        "epsilon": run.plan.epsilon,
        "delta": run.plan.delta,
        "unit": run.schema.unit,
        "adjacency": ADJACENCY,
        "not_covered": [f"{name}: {what}" for name, what in not_protected(card)],
        "population": run.population,
        "spent": spent_facts(run.population, ledger),
        "audit": {
            name: card["audit"].get(name)
            for name in ("status", "verdict", "steps_bound", "steps_claimed")
        },
        "card": str(folder / "privacy.json"),
        "page": str(folder / "privacy.html"),
    }


def spent_facts(population: str, ledger: Ledger) -> dict[str, Any] | None:
    """The sums, or none where the ledger does not know the population."""
    found = _known(population, ledger)
    return None if found is None else asdict(found)


def _known(population: str, ledger: Ledger) -> Spent | None:
    """Of the population's patients, so of its whole group if it has one."""
    return ledger.spent(population) if population in ledger.populations() else None
