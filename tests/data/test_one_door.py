"""Models never reach a reader: what they learn of patients comes through the door."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "dpsynth"
HARMLESS = {"codec", "field", "notes", "schema_file", "sketch", "groups", "identifiers"}
HARMLESS |= {"spreadsheet"}
FLOORS = ["errors", "schema", "data", "privacy", "models", "evaluation", "pipeline", "cli"]


def imports(path: Path) -> set[str]:
    """Names of our modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{each.name}" for each in node.names}
    return {name for name in found if name.startswith("dpsynth.")}


def readers() -> set[str]:
    modules = {path.stem for path in (PACKAGE / "data").glob("*.py")} - HARMLESS - {"__init__"}
    assert {"reader", "raw", "records", "embedded"} <= modules
    return {f"dpsynth.data.{each}" for each in modules}


@pytest.mark.parametrize("path", sorted((PACKAGE / "models").rglob("*.py")), ids=lambda p: p.name)
def test_no_model_imports_a_reader_or_records(path):
    assert not imports(path) & readers()


def test_the_check_sees_an_import_in_a_function(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def fit():\n    from dpsynth.data import reader\n    return reader\n")
    assert imports(path) & readers()


def test_schema_and_data_import_only_downward():
    above = tuple(f"dpsynth.{each}" for each in FLOORS[FLOORS.index("data") + 1 :])
    for path in (PACKAGE / "data").rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(above)], path.name
    for path in PACKAGE.glob("schema*.py"):
        assert not [name for name in imports(path) if name.startswith(("dpsynth.data", *above))]
