# Everything a newcomer needs: `make demo` and `make test`. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.setup-done
SPEC ?= openapi/v1.30.json
SERVER ?= embedded
SEED := $(or $(SEED),$(shell date +%s))
HAND_WRITTEN := runtime/kinform runtime/pytest_kinform codegen/kinform_codegen codegen/__main__.py tests examples benchmarks release

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(SETUP) ## Make .venv: pinned tools, and the three distributions installed editable

$(SETUP): requirements.lock runtime/pyproject.toml codegen/pyproject.toml generated/pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
	  { echo "there is no $(PYTHON) on PATH. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kinform needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python -a -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Installing the pinned requirements into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e runtime -e codegen -e generated
	@touch $@

.PHONY: demo
demo: $(SETUP) ## Generate from SPEC, bring up an API server, run the example controller (SERVER=embedded|real)
	@$(BIN)/python -m codegen --openapi $(SPEC)
	@$(BIN)/python examples/demo.py --server $(SERVER)

.PHONY: test
test: $(SETUP) ## Run the tests (those for the real API server need `make control-plane`)
	@$(BIN)/python -m pytest $(PYTEST)

.PHONY: reliability
reliability: $(SETUP) ## The long profile: chaos, soak, fuzzing, and properties over many more examples (SEED=, PYTEST=)
	@echo "to repeat it: make reliability SEED=$(SEED)$(if $(PYTEST), PYTEST='$(PYTEST)')"
	@KINFORM_TEST_PROFILE=long $(BIN)/python -m pytest -m "long or hypothesis" --hypothesis-seed=$(SEED) \
	  --durations=20 --junitxml=build/reliability.xml $(PYTEST)

.PHONY: check
check: lint mypy pyright floors generated generated-types ## Linters, type checkers, layers, and that generated/ is up to date

.PHONY: lint
lint: $(SETUP) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff format --check --preview README.md docs

.PHONY: mypy
mypy: $(SETUP) ## mypy --strict on everything written by hand
	@$(BIN)/mypy $(HAND_WRITTEN)

.PHONY: pyright
pyright: $(SETUP) ## pyright strict on the public API and the examples; every public symbol has a type
	@$(BIN)/pyright
	@.ci/check-complete-types .venv kinform kinform_codegen kinform_k8s

.PHONY: floors
floors: $(SETUP) ## import-linter: each floor of the runtime imports only what stands below it
	@$(BIN)/lint-imports

.PHONY: generated
generated: $(SETUP) ## generated/ is what the generator writes for SPEC
	@$(BIN)/python -m codegen --openapi $(SPEC) --check

.PHONY: generated-types
generated-types: $(SETUP) ## mypy --strict with and without the pydantic plugin, and pyright, on generated/
	@.ci/check-types generated

.PHONY: generate
generate: $(SETUP) ## Write generated/ from SPEC
	@$(BIN)/python -m codegen --openapi $(SPEC)

.PHONY: bench
bench: $(SETUP) ## kinform beside client-go and the Python clients: tables and plots into docs/benchmarks (Go needed)
	@$(BIN)/python -m benchmarks --output docs/benchmarks $(BENCH)

.PHONY: bench-quick
bench-quick: $(SETUP) ## The same in two to three minutes, printed only; BENCH="--contenders kinform" narrows it
	@$(BIN)/python -m benchmarks --quick $(BENCH)

.PHONY: bench-gates
bench-gates: $(SETUP) ## CPU and memory per object are not 15 % above what is committed, relative to plain dicts (Go needed)
	@$(BIN)/python -m benchmarks.gates

.PHONY: control-plane
control-plane: ## Build a real kube-apiserver, kubectl and etcd from their Go modules into the user's cache, once
	@tests/controlplane/build.sh

.PHONY: specs
specs: $(SETUP) control-plane ## Make openapi/*.json anew from the real API servers
	@openapi/capture.sh

.PHONY: wheels
wheels: $(SETUP) ## Build the sdist and wheel of the three distributions into dist/
	@rm -rf dist
	@for project in runtime codegen generated; do \
	  said=$$($(BIN)/python -m build --no-isolation --outdir dist $$project 2>&1) || { echo "$$said" >&2; exit 1; }; \
	done
	@ls dist

.PHONY: check-hooks
check-hooks: $(SETUP) ## The pre-commit hooks that this repository offers, in a project that uses them
	@.ci/check-hooks

.PHONY: ci
ci: ## What CI runs: everything above, the wheels in a clean environment, and all tests, on real API servers too
	@.ci/run

.PHONY: release-versions
release-versions: $(SETUP) ## The versions of all distributions fit together, and TAG if there is one
	@$(BIN)/python release/versions.py $(TAG)

.PHONY: release-packages
release-packages: $(SETUP) control-plane ## Build all that a release publishes into dist/: kinform-k8s of each version, with descriptions
	@release/build.sh

.PHONY: release-check
release-check: $(SETUP) ## Check dist/ as its users will meet it: metadata, types, the README's example
	@.ci/check-wheels dist

.PHONY: release-new
release-new: $(SETUP) ## Take out of dist/ what PyPI has already; the same version with other content is an error
	@$(BIN)/python release/unpublished.py dist

.PHONY: lock
lock: ## Renew requirements.lock (needs uv)
	@uv lock --upgrade --quiet
	@uv export --quiet --no-emit-workspace --all-groups --all-packages --all-extras --no-header -o requirements.lock

.PHONY: clean
clean: ## Remove .venv, dist and caches
	@rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
