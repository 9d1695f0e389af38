"""Reports are what the published schema says, and what is no report is refused."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from dpsynth.evaluation.report import SCHEMA_FILE, SCHEMA_URL, as_json, report_facts

CARD = {"guarantee": {"epsilon": 1.0, "delta": 1e-5}}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == SCHEMA_URL
    return Draft202012Validator(schema)


@pytest.mark.parametrize("card", [None, CARD])
@pytest.mark.parametrize("which", [0, 1])
def test_a_report_is_what_the_schema_says(evaluations, validator, which, card):
    facts = report_facts(evaluations[which], title="Clinic", privacy=card)
    validator.validate(json.loads(as_json(facts)))


def test_every_field_is_asked_for_and_no_other_allowed(evaluations, validator):
    facts = json.loads(as_json(report_facts(evaluations[0], title="Clinic", privacy=CARD)))
    for name in facts:
        less = {key: value for key, value in facts.items() if key != name}
        assert not validator.is_valid(less), name
    assert not validator.is_valid({**facts, "beyond": 1})
    for place in ("rows", "columns", "transitions", "sample", "verdicts"):
        broken = json.loads(json.dumps(facts))
        broken[place][0]["beyond"] = 1
        assert not validator.is_valid(broken), place


def test_an_internal_report_is_no_shareable_one(evaluations, validator):
    facts = json.loads(as_json(report_facts(evaluations[0], title="Clinic")))
    assert not validator.is_valid({**facts, "kind": "shareable"})
