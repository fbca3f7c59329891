# What contributors run, each target with an environment of its own that it makes where it is missing. PYTHON=python3.13 chooses
# an interpreter; TESTS="tests/shell -x" chooses what pytest gets.
PYTHON ?= python3
TESTS ?= -n auto --dist worksteal

.PHONY: check test test-hydra14 test-lowest test-engines docs bench

check: .venv                  ## formatting, lint, types, walls between the rooms
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: .venv                   ## the suite, as in README
	.venv/bin/python -m pytest -q $(TESTS)

test-hydra14: .venv-hydra14   ## the suite with Hydra 1.4 and OmegaConf 2.4, which Python 3.14 takes by itself
	.venv-hydra14/bin/python -m pytest -q $(TESTS)

test-lowest: .venv-lowest     ## the suite with the oldest releases that pyproject.toml allows
	.venv-lowest/bin/python -m pytest -q $(TESTS)

test-engines: .venv-engines   ## sweeps on a SLURM and a Ray cluster of two nodes on this machine; SLURM where slurm-wlm and munge are installed
	.venv-engines/bin/python -m pytest -q tests/sweep/test_unit.py tests/sweep/test_slurm.py tests/sweep/test_ray.py

docs: .venv                   ## rewrite what is generated: choices.md, techniques.md, the tables of reference.md and statistics.md
	.venv/bin/python tests/test_choices.py
	.venv/bin/python tests/test_reference.py
	.venv/bin/train help --markdown > docs/techniques.md
	.venv/bin/python -m benchmarks.statistics_page

bench: .venv-bench            ## all benchmarks, minutes to hours; python -m benchmarks -h chooses
	.venv-bench/bin/python -m benchmarks

.venv: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -e '.[test]'
	touch $@

.venv-hydra14: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -e '.[test]'
	$@/bin/pip install -q 'hydra-core>=1.4.0rc3,<1.5' 'omegaconf>=2.4.1rc1,<2.5'  # pip says that pyproject.toml wants 1.3 here
	touch $@

.venv-lowest: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q uv
	$@/bin/uv pip compile -q --python $@/bin/python --resolution lowest-direct --extra test pyproject.toml -o $@/lowest.txt
	$@/bin/pip install -q -r $@/lowest.txt
	$@/bin/pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv-engines: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -e '.[test,ray]'
	touch $@

.venv-bench: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -e '.[bench]'
	touch $@
