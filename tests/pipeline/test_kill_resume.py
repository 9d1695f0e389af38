"""A run may be killed at any moment and taken up again: it never asks more than was reserved."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dpsynth.errors import RunError
from dpsynth.models import MODELS
from dpsynth.models.state import State
from dpsynth.pipeline import run_folder, training
from dpsynth.pipeline.folders import alone
from dpsynth.privacy import noise
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger

STEPS = 4


def killing(owner: Any, name: str, turn: int, *, after: bool) -> Callable[[], None]:
    """Make the `turn`th call of a function kill this process outright, before or after it works."""

    def arm() -> None:
        original, calls = getattr(owner, name), 0

        def deadly(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == turn and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = original(*args, **kwargs)
            if calls == turn:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        setattr(owner, name, deadly)

    return arm


def killed(arm: Callable[[], None], work: Callable[[], Any]) -> None:
    """Do the work in a process of its own, which must die by SIGKILL."""
    gc.collect()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)  # a child that hangs dies of another signal, and the test fails
            torch.set_num_threads(1)  # threads of the parent's pools are not in the child
            arm()
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the work was done before the moment came"
    assert os.WTERMSIG(status) == signal.SIGKILL


MOMENTS = {
    "before the budget is reserved": (Ledger, "reserve", 1, False, 0, 0),
    "before the first question": (Ledger, "reserve", 1, True, 0, 0),
    "before the tables are saved": (Door, "measure", 1, True, 0, 0),
    "before the first step is written down": (State, "asking", 1, False, 0, 0),
    "between a step's charge and its answer": (State, "asking", 1, True, 1, 1),
    "after the first step": (Door, "step", 1, True, 1, 1),
    "after the first checkpoint of training": (State, "checkpoint", 2, True, 2, 0),
    "after the last step": (Door, "step", 4, True, 4, 2),
    "before the model is saved": (run_folder.RunFolder, "save_model", 1, False, 4, 0),
    "before the ledger hears of the end": (Ledger, "finish", 1, False, 4, 0),
    "after the ledger heard of the end": (Ledger, "finish", 1, True, 4, 0),
    "while what was kept is removed": (Path, "unlink", 1, True, 4, 0),
}


@pytest.fixture(autouse=True)
def warm(trained_once: Path) -> None:
    """What takes seconds on first use is done before processes are forked off this one."""
    torch.set_num_threads(1)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_resumes_to_the_end_of_its_plan(clinic, dpsynth, moment):
    owner, name, turn, after, asked, lost = MOMENTS[moment]
    killed(killing(owner, name, turn, after=after), lambda: dpsynth(*clinic.train()))
    assert _asked(clinic.root / "run") == asked

    steps = _counting_steps(lambda: dpsynth("train", clinic.data, "--resume", "--out=run"))

    assert steps == STEPS - asked
    _holds_what_was_promised(clinic.root, lost)


def test_three_kills_lose_each_step_once(clinic, dpsynth):
    # Asked and lost 1; asked 2 more, saved at step 2 (so 1 of them lost); asked the last, lost.
    def again() -> Any:
        return dpsynth("train", clinic.data, "--resume", "--out=run")

    killed(killing(Door, "step", 1, after=True), lambda: dpsynth(*clinic.train()))
    assert _asked(clinic.root / "run") == 1
    killed(killing(Door, "step", 2, after=True), again)
    assert _asked(clinic.root / "run") == 3
    killed(killing(Door, "step", 1, after=False), again)
    assert _asked(clinic.root / "run") == 4
    steps = _counting_steps(again)
    assert steps == 0
    _holds_what_was_promised(clinic.root, lost=3)


def test_a_run_on_a_noised_size_resumes_and_pays_once(clinic, dpsynth):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace("population: 40", "population: private"))
    words = clinic.train("--model=markov")
    words = [word for word in words if not word.startswith("--setting")]
    killed(killing(State, "once", 1, after=False), lambda: dpsynth(*words))
    done = dpsynth("train", clinic.data, "--resume", "--out=run", "--json")
    assert done.code == 0
    assert done.json["privacy"]["spent"]["epsilon"] == pytest.approx(1.0)


def test_other_patients_can_not_take_up_a_run(clinic, dpsynth):
    killed(killing(Ledger, "reserve", 1, after=True), lambda: dpsynth(*clinic.train()))
    other = clinic.root / "other.csv"
    other.write_text(clinic.data.read_text() + "99,0,f,0,100\n")
    assert dpsynth("ledger", "join", "elsewhere", other).code == 0
    done = dpsynth("train", other, "--resume", "--out=run")
    assert done.code == 2 and "elsewhere" in done.err


def test_ctrl_c_says_how_to_go_on(clinic, dpsynth, monkeypatch):
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Door, "step", stop)
        done = dpsynth(*clinic.train())
    assert done.code == 130
    resume = f"dpsynth train {clinic.data} --out {clinic.root / 'run'} --resume"
    assert done.err.splitlines()[-1] == f"interrupted; continue with: {resume}"
    assert dpsynth(*resume.split()[1:]).code == 0
    _holds_what_was_promised(clinic.root, lost=1)


def test_no_key_seed_or_generator_state_is_ever_on_the_disk(clinic, dpsynth, monkeypatch):
    secrets = _recorded_secrets(monkeypatch)
    found: list[dict[str, bytes]] = []

    def look(stage: str, done: int, of: int) -> None:
        found.append(clinic.tree())

    _train(clinic, progress=look, insecure_seed=None)
    _train(clinic, progress=look, insecure_seed=987654321987, out="seeded")
    found.append(clinic.tree())
    assert len(secrets) > 2 * STEPS  # two keys, and the seeds drawn from them
    assert any(name.endswith("asked.jsonl") for files in found for name in files)
    for files in found:
        for name, content in files.items():
            for secret in secrets:
                assert secret not in content, name
            assert b"987654321987" not in content, name


def test_only_known_files_stay(trained):
    assert sorted(path.name for path in (trained.root / "run").iterdir()) == [
        "log.jsonl",
        "model.safetensors",
        "privacy.html",
        "privacy.json",
        "run.json",
    ]


def _train(clinic: Any, *, out: str = "run", **given: Any) -> None:
    from dpsynth.data.schema_file import load_schema

    settings = {"width": 16, "depth": 1, "steps": STEPS, "warm_steps": 3, "batch": 8}
    training.train(
        [clinic.data],
        load_schema(clinic.schema),
        clinic.root / out,
        epsilon=1.0,
        holdout_rate=0.4,
        settings=settings | {"save_every": 2},
        population="clinic",
        **given,
    )


def _recorded_secrets(monkeypatch: Any) -> set[bytes]:
    """Every key and seed that is drawn from now on, in the ways it may be written."""
    secrets: set[bytes] = set()

    def spelled(key: bytes) -> set[bytes]:
        number = int.from_bytes(key, "little")
        return {key, key[::-1], key.hex().encode(), str(number).encode()}

    cipher = noise.algorithms.AES

    def recorded(key: bytes) -> Any:
        secrets.update(spelled(key))
        return cipher(key)

    drawn = noise.CryptoStream.seed

    def seed(self: noise.CryptoStream) -> int:
        found = drawn(self)
        secrets.update(spelled(found.to_bytes(8, "little")))
        return found

    monkeypatch.setattr(noise.algorithms, "AES", recorded)
    monkeypatch.setattr(noise.CryptoStream, "seed", seed)
    return secrets


def _asked(run: Path) -> int:
    """Steps that the killed process wrote down."""
    if json.loads((run / "run.json").read_text())["status"] == "finished":
        return STEPS
    path = run / "state" / "asked.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def _counting_steps(work: Callable[[], Any]) -> int:
    """How many steps the door is asked for while that works, which must succeed."""
    with pytest.MonkeyPatch.context() as patch:
        original, calls = Door.step, []

        def counted(self: Door, *args: Any, **kwargs: Any) -> None:
            calls.append(1)
            original(self, *args, **kwargs)

        patch.setattr(Door, "step", counted)
        done = work()
    assert done.code == 0, done.err
    return len(calls)


def _holds_what_was_promised(root: Path, lost: int) -> None:
    """One reservation, one end, at most the planned steps, and lost ones on the card."""
    run = json.loads((root / "run" / "run.json").read_text())
    card = json.loads((root / "run" / "privacy.json").read_text())
    log = [json.loads(line) for line in (root / "run" / "log.jsonl").read_text().splitlines()]
    entries = Ledger(root / "ledger").entries("clinic")
    assert run["status"] == "finished"
    assert run["plan"]["training"]["steps"] == STEPS
    assert [line["asked"] for line in log if line["event"] == "trained"][-1] == STEPS
    assert run["steps_dropped"] == lost
    assert card["implementation"]["steps_dropped"] == lost
    assert [entry.type for entry in entries].count("reserve") == 1
    assert [entry.type for entry in entries].count("finish") == 1
    assert Ledger(root / "ledger").spent("clinic").epsilon == 1.0
    assert not (root / "run" / "state").exists()
    assert not list(root.rglob("*.partial"))


def test_two_processes_never_continue_one_run(trained, dpsynth):
    # Each would ask the same steps, by a budget that was reserved once.
    before, resume = trained.tree(), ("train", trained.data, "--resume", "--out=run")
    with alone(trained.root / "run"):
        done = dpsynth(*resume)
    assert done.code == 2 and "another process is at work in" in done.err
    assert trained.tree() == before
    assert "finished" in dpsynth(*resume).err  # the lock went with its holder


def test_a_run_is_locked_while_it_trains(clinic, dpsynth, monkeypatch):
    seen = []

    def watched(self, *_):
        with pytest.raises(RunError, match="another process"), alone(clinic.root / "run"):
            pass
        seen.append(True)
        raise ZeroDivisionError

    monkeypatch.setattr(MODELS["table-diffusion"], "fit", watched)
    with pytest.raises(ZeroDivisionError):
        dpsynth(*clinic.train())
    assert seen == [True]


def test_a_batch_systems_end_of_time_is_as_ctrl_c(clinic):
    # A training that would take hours, ended as soon as it has begun to ask.
    words = clinic.train("--setting=steps=100000", "--model=table-gan")
    words = [w for w in words if "depth" not in w and "warm" not in w and "save" not in w]
    command = [sys.executable, "-m", "dpsynth.cli.main", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=clinic.root) as begun:
        deadline = time.monotonic() + 120
        while not (clinic.root / "run" / "state" / "asked.jsonl").exists():
            assert begun.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        begun.terminate()
        said = begun.communicate()[1]
    assert begun.returncode == 130
    assert said.splitlines()[-1].startswith("interrupted; continue with: dpsynth train")
