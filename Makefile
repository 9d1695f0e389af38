# Each target does its own set-up; the set-up is made again only when what it depends on changes.
PYTHON ?= python3
VENV   ?= .venv
READY  := $(VENV)/.ready
RUN    := $(VENV)/bin

.PHONY: demo test check setup clean

demo: $(READY)
	$(RUN)/dpsynth demo

# One worker for each core, and one thread for each worker: more would wait for each other.
test: $(READY)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN)/pytest -n auto --dist loadgroup

check: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
