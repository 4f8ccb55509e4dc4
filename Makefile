# Everything a checkout needs, from nothing but Python 3.11 or newer (and make).

PYTHON ?= python3
VENV ?= .venv
BENCH_VENV ?= .venv-bench
WORKERS ?= 2
BIN := $(VENV)/bin
EVIDENCE := $(patsubst evidence/%.py,%,$(filter-out evidence/__init__.py evidence/table.py,$(wildcard evidence/*.py)))
BENCHES := $(patsubst benchmarks/%.py,%,$(filter-out benchmarks/__init__.py,$(wildcard benchmarks/*.py)))

# Each worker gets one BLAS thread: two pools on the same cores only wait for each other.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1

.PHONY: help demo test lint evidence docs site articles bench clean
.DELETE_ON_ERROR:

help:
	@echo "make demo      train the default network on the embedded digits and save the model"
	@echo "make test      lint, types, import contract, tests and the examples of the docstrings"
	@echo "make lint      the first three of these only"
	@echo "make evidence  the long counts in full; tables in docs/evidence/ (evidence-NAME: one of them)"
	@echo "make docs      what the commands on the pages of docs/ print, written into them"
	@echo "make articles  the seeds' formulas beside pellucid's, in docs/articles/, and the articles of their networks,"
	@echo "               trained on MNIST and CIFAR-10, in build/articles/"
	@echo "make site      the documentation as a site, in build/site/"
	@echo "make bench     speed against PyTorch, JAX and ONNX Runtime, which it installs in $(BENCH_VENV); tables in"
	@echo "               docs/benchmarks/ (bench-NAME: one of them; BENCH=--quick: only to see that they work)"
	@echo "make clean     remove what the other targets made, $(VENV) and $(BENCH_VENV)"

demo: $(VENV)/.installed
	@mkdir -p build
	$(BIN)/pellucid train --data digits --out build/digits.safetensors

test: lint
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(VENV)/.developed
	$(BIN)/ruff check src tests evidence benchmarks docs examples
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

evidence: $(EVIDENCE:%=evidence-%)

# It asks ONNX Runtime, which is no dependency.
evidence-onnx_export: $(BENCH_VENV)/.installed
	$(BENCH_VENV)/bin/python -m evidence.onnx_export

evidence-%: $(VENV)/.developed
	$(BIN)/python -m evidence.$*

docs: $(VENV)/.developed
	$(BIN)/python -m tests.docs.pages $$(grep -lE '^```(console|pycon)' -r docs --include='*.md')

site: $(VENV)/.developed
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/site
	@echo "the site is in build/site/index.html"

articles: $(VENV)/.developed
	$(BIN)/python -m evidence.seeds

# One after the other, whatever make's -j says: each wants the machine for itself.
bench: $(BENCH_VENV)/.installed
	for name in $(BENCHES); do $(BENCH_VENV)/bin/python -m benchmarks.$$name $(BENCH) || failed=1; done; \
	test -z "$$failed"

bench-%: $(BENCH_VENV)/.installed
	$(BENCH_VENV)/bin/python -m benchmarks.$* $(BENCH)

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests evidence benchmarks -name __pycache__ -type d -exec rm -rf {} +

# The stamps are older than a changed pyproject.toml, which installs anew what it asks for.
$(VENV)/.developed: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/.installed: pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# The frameworks that this project is measured against live apart from it.
$(BENCH_VENV)/.installed: pyproject.toml benchmarks/requirements.txt
	@test -x $(BENCH_VENV)/bin/pip || $(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --requirement benchmarks/requirements.txt --editable .
	@touch $@
