"""Rules of the source that keep a class of leaks out, read from the source itself."""

import ast
from pathlib import Path

import pytest

import dpsynth

ROOT = Path(dpsynth.__file__).parent
FLOORS = ("errors", "schema", "data", "privacy", "models", "evaluation", "pipeline", "cli")
MODULES = sorted(path for path in ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor(module: str) -> int | None:
    """Height of a module of ours, or none for the package itself and for others'."""
    parts = module.split(".")
    if parts[0] != "dpsynth" or len(parts) < 2:
        return None
    part = "schema" if parts[1].startswith("schema") else parts[1]
    return FLOORS.index(part) if part in FLOORS else None


def called(path: Path) -> set[str]:
    """Dotted names of all that a file calls."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
    return found


def test_nothing_imports_upwards():
    wrong = [
        f"{name_of(path)} imports {other}"
        for path in MODULES
        for other in imported(path)
        if None not in (here := floor(name_of(path)), there := floor(other)) and there > here
    ]
    assert not wrong


def test_the_rule_sees_a_wrong_import(tmp_path):
    # Power of the test above.
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from dpsynth.data.reader import read\n")
    assert "dpsynth.data.reader" in imported(wrong)
    assert floor("dpsynth.data.reader") < floor("dpsynth.models.masked") < floor("dpsynth.cli")


@pytest.mark.parametrize("floor_name", ["privacy", "models", "pipeline"])
def test_nothing_is_unpickled_and_no_generator_is_saved(floor_name):
    banned = {"torch.load", "torch.save", "pickle.load", "pickle.loads", "pickle.dump", "np.load"}
    for path in (ROOT / floor_name).rglob("*.py"):
        assert not called(path) & banned, name_of(path)
        unpickling = {"pickle", "dill", "joblib", "cloudpickle"}
        if name_of(path) == "dpsynth.pipeline.parallel":  # which speaks to its own workers
            unpickling -= {"joblib"}
            assert not {"joblib.load", "joblib.dump", "joblib.Memory"} & called(path)
        assert not unpickling & imported(path), name_of(path)
        for state in ("get_rng_state", "get_state()", "bit_generator.state", "getstate"):
            assert state not in path.read_text(), name_of(path)


def test_noise_comes_from_the_one_cryptographic_stream():
    # Nothing on the door's floor draws from torch's or numpy's generators.
    weak = (
        "manual_seed",
        "default_rng",
        "torch.randn",
        "torch.rand",
        "np.random.",
        "random.random",
    )
    for path in (ROOT / "privacy").rglob("*.py"):
        text = path.read_text()
        used = {name for name in called(path) if any(word in f"{name}(" for word in weak)}
        # The start values of `Position` are public and come before any data.
        used -= {"torch.randn"} if path.name == "layers.py" else set()
        assert not used, name_of(path)
        assert "import random" not in text, name_of(path)


def test_only_the_door_computes_exact_answers():
    allowed = {"dpsynth.privacy.door", "dpsynth.privacy.query", "dpsynth.privacy.discover"}
    allowed |= {"dpsynth.privacy.weights"}  # a question made of another, which the door asks
    allowed |= {"dpsynth.models.warm.fitting"}  # of simulated patients: a model holds no others
    for path in MODULES:
        if name_of(path) in allowed or "evaluation" in path.parts:
            continue
        calls = called(path)
        assert not any(name.endswith(".answer") for name in calls), name_of(path)
        assert not {"shares", "grid_counts"} & calls, name_of(path)
        if path.parent.name != "pipeline" or path.name != "evaluating.py":  # internal, logged
            assert "exact_field" not in calls, name_of(path)
    # The adversary clips generated records as the door clips patients, and never meets the latter.
    clipping = {name_of(p) for p in MODULES if "clipped_sum" in called(p)}
    assert clipping == {"dpsynth.privacy.door", "dpsynth.models.adversary"}
