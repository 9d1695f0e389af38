"""A run's folder: what it promised, what it learnt, and nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dpsynth import __version__
from dpsynth.data.codec import Codec, codec
from dpsynth.data.field import Field
from dpsynth.data.picture_writer import Form
from dpsynth.errors import RunError
from dpsynth.models import MODELS, Model
from dpsynth.models.state import State, read_tensors, write_tensors
from dpsynth.pipeline.folders import write_text
from dpsynth.privacy.card import render_html
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Column, Schema

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Run:
    """What `run.json` says. All of it is public or released.

    Attributes:
        id: random name, under which the ledger holds the budget.
        population: the ledger's name of the group of patients.
        model: registry name.
        settings: public settings of the model that differ from its defaults.
        schema: public facts of the data.
        plan: what may be asked.
        fields: code books of private columns, as the door released them.
        holdout_rate: public chance of a patient to be left out of training.
        insecure_seed: whether a known seed was used, so that the noise can be removed.
        status: "running" until all that was planned was asked.
        resumes: how often the run was taken up again.
        steps_dropped: planned training steps whose answers were lost.
        public_data: what public pictures the network learns from first, in words; empty if none.
        audit: hash of the canaries' coins, written down before anything is asked; empty if the
            run is not audited.
        tier: that it was trained for, as the card says it; empty if for none.
        form: of the pictures' files that were read, by their names alone; copies have it too.
    """

    id: str
    population: str
    model: str
    settings: dict[str, Any]
    schema: Schema
    plan: Plan
    fields: dict[str, Field] = field(default_factory=dict)
    holdout_rate: float = 0.0
    insecure_seed: bool = False
    status: Literal["running", "finished"] = "running"
    resumes: int = 0
    steps_dropped: int = 0
    public_data: str = ""
    audit: str = ""
    tier: dict[str, Any] = field(default_factory=dict)
    form: Form = "files"

    @property
    def codec(self) -> Codec:
        """The code books of all columns."""
        return codec(self.schema, self.fields)

    def build(self) -> Model:
        """The model, not yet trained."""
        return MODELS[self.model](self.schema, self.codec, self.plan, **self.settings)

    def public(self) -> dict[str, Any]:
        """As JSON."""
        shallow = {k: v for k, v in vars(self).items() if k not in {"schema", "plan", "fields"}}
        return shallow | {
            "schema": self.schema.model_dump(mode="json", exclude_defaults=True),
            "plan": self.plan.public(),
            "fields": fields_json(self.fields),
        }


class RunFolder:
    """Reads and writes a run's files, each whole or not at all.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> State:
        """What a killed run left; removed when the run is finished."""
        return State(self.path / "state")

    def open(self) -> bool:
        """Whether that is still there."""
        return (self.path / "state").exists()

    def save(self, run: Run) -> None:
        """Write `run.json`."""
        facts = {"format": FORMAT, "dpsynth": __version__} | run.public()
        write_text(self.path / "run.json", json.dumps(facts, indent=1) + "\n")

    def load(self) -> Run:
        """Read `run.json`.

        Raises:
            RunError: if the folder holds no run, or one of another version.
        """
        path = self.path / "run.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            found = facts.pop("format", None)
            facts.pop("dpsynth", None)
        except FileNotFoundError as error:
            raise RunError(f"{self.path} is no run folder: it holds no run.json") from error
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise RunError(f"{path} can't be read: {error}") from error
        if found != FORMAT:
            raise RunError(
                f"{path} is of format {found!r}, this dpsynth reads {FORMAT}; "
                "use the version that made it, or train again"
            )
        try:
            return _run(facts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"{path} is broken: {error}") from error

    def save_model(self, model: Model) -> None:
        """Write `model.safetensors`."""
        write_tensors(self.path / "model.safetensors", model.tensors())

    def load_model(self, run: Run) -> Model:
        """The trained model.

        Raises:
            RunError: if the run is not finished, or its file is not what the recipe says.
        """
        if run.status != "finished":
            raise RunError(f"{self.path} is not finished; continue it with train --resume")
        model = run.build()
        try:
            model.load(read_tensors(self.path / "model.safetensors"))
        except (KeyError, RuntimeError) as error:
            raise RunError(f"model.safetensors does not fit run.json: {error}") from error
        return model

    def save_card(self, card: dict[str, Any]) -> None:
        """Write `privacy.json`, and the same to read and sign as `privacy.html`."""
        write_text(self.path / "privacy.json", json.dumps(card, indent=1) + "\n")
        write_text(self.path / "privacy.html", render_html(card))

    def card(self) -> dict[str, Any]:
        """Read `privacy.json`."""
        path = self.path / "privacy.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{path} can't be read: {error}") from error

    def log(self, event: str, **public: Any) -> None:
        """Append a line to `log.jsonl`: public facts and the clock."""
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event} | public
        with (self.path / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def new_id() -> str:
    """A random run id."""
    return secrets.token_hex(8)


def finished(run: Run, **facts: Any) -> Run:
    """The same run, finished."""
    return replace(run, status="finished", **facts)


def fields_json(fields: Mapping[str, Field]) -> dict[str, Any]:
    """Code books as JSON."""
    return {
        name: asdict(each) | {"column": each.column.model_dump(mode="json", exclude_defaults=True)}
        for name, each in fields.items()
    }


def fields_of(facts: Mapping[str, Any]) -> dict[str, Field]:
    """The code books that `fields_json` wrote."""
    return {
        name: Field(
            name=name,
            column=Column.model_validate(each["column"]),
            edges=tuple(each["edges"]),
            categories=tuple(each["categories"]),
        )
        for name, each in facts.items()
    }


def _run(facts: dict[str, Any]) -> Run:
    if facts["model"] not in MODELS:
        raise ValueError(f"unknown model {facts['model']!r}")
    rest = {k: v for k, v in facts.items() if k not in {"schema", "plan", "fields"}}
    return Run(
        **rest,
        schema=Schema.model_validate(facts["schema"]),
        plan=Plan.from_public(facts["plan"]),
        fields=fields_of(facts["fields"]),
    )
