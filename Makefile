# Needs Python 3.11 to 3.13, Git and a package index; installs `uv` if it is missing.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# What is on the PATH may be the shim of a version manager, which exists and fails: so run `uv` and `uvx`.
uv := $(shell uvx --version >/dev/null 2>&1 && uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)

# The newest Python that runs, on the PATH or of uv's own. Without uv, it needs venv.
find_python = import sys, $(if $(findstring .uv/,$(uv)),ensurepip,os); (3, 11) <= sys.version_info < (3, 14) or sys.exit(1); print(sys.executable)
UV_PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(find_python)' 2>/dev/null && break; done || uv python find --system '>=3.11,<3.14' 2>/dev/null)
export UV_PYTHON
export UV_PYTHON_DOWNLOADS := never
ifneq (,$(findstring .uv/,$(uv)))
export PATH := $(CURDIR)/.uv/bin:$(PATH)
endif

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Three on two cores: tests wait for servers. An idle worker takes tests from the others; projects that several need are made once.
workers := --numprocesses 3 --dist worksteal

test: .venv ## Run the tests: render, lift and run every level (three quarters of an hour)
	uv run --locked pytest -m "not long and not cluster" $(workers)

cluster: .venv ## Deploy to a real Kubernetes with Argo CD (twenty minutes; once, an hour of CPU to build it)
	uv run --locked --group cluster pytest -m cluster --numprocesses 2 --dist loadfile

long: .venv ## Run hundreds of random histories of edits and lifts (more than an hour)
	uv run --locked pytest -m long $(workers)

fast: .venv ## Run the tests that need no installed project (a minute)
	uv run --locked pytest -m fast $(workers)

lint: .venv ## Check style, formatting and types
	uv run --locked ruff check
	uv run --locked ruff format --check
	uv run --locked pyrefly check

diff: .venv ## Show what the changes since BASE=main change in rendered projects; LEVEL=1, TO=folder (a minute)
	@uv run --locked python maintenance/rendered_diff.py --base "$(or $(BASE),main)" \
	$(if $(LEVEL),--level "$(LEVEL)") $(if $(TO),--to "$(TO)") $(if $(SUMMARY),--summary "$(SUMMARY)")

newest: .venv ## Render a LEVEL, install the newest packages that it allows, and run its lint, tests and training (minutes)
	@folder="$$(mktemp -d)" && trap 'rm -r "$$folder"' EXIT && set -ex && \
	uv run --locked copier copy --quiet --trust --defaults --vcs-ref HEAD \
	--data maturity_level="$(or $(LEVEL),2)" "$(CURDIR)" "$$folder/project" && \
	cd "$$folder/project" && git init --quiet --initial-branch main && uv sync --upgrade && git add . && \
	git -c user.name=newest -c user.email=newest@example.com commit --quiet --message "The newest packages" && \
	uv run poe lint && uv run poe test && uv run poe train && uv tree --locked --outdated --depth 1

bump: .venv ## Write newer versions of actions, images and hooks to all files alike; MAJOR=1 for new major versions too
	@uv run --locked python maintenance/bump.py $(if $(MAJOR),--major)

release: .venv ## Check that VERSION can be released, tag it here, and print how to publish it
	@uv run --locked python maintenance/release.py "$(VERSION)"

wheel: | python $(uv) ## Build the command as a wheel into ./dist, from locked packages, with its bill of materials; VERSION=1.0.0 adds its notes
	uv run --isolated --locked --only-group release hatchling build --target wheel --clean --directory dist
	uv export --quiet --locked --no-default-groups --preview-features sbom-export --format cyclonedx1.5 --output-file dist/sbom.cdx.json
	$(if $(VERSION),uv run --isolated --locked --only-group release python maintenance/release.py --notes "$(VERSION)" > dist/notes.md)

bench: .venv ## Run the benchmarks, and write their figures to benchmarks/results/ and docs/reference/ (three quarters of an hour)
	@command -v wrk >/dev/null || { echo "make bench: wrk is missing, which is in a package of that name"; exit 1; }
	uv run --locked python benchmarks/render.py
	uv run --locked python benchmarks/lift.py
	uv run --locked python benchmarks/pipeline.py
	uv run --locked python benchmarks/serving.py
	uv run --locked python benchmarks/scale.py
	uv run --locked python benchmarks/prediction_log.py
	uv run --locked python benchmarks/drift.py
	uv run --locked python benchmarks/experiment.py
	uv run --locked python benchmarks/bandit.py
	uv run --locked python benchmarks/features.py
	uv run --locked python benchmarks/remediation.py
	uv run --locked python benchmarks/canary.py
	uv run --locked python benchmarks/year.py
	uv run --locked python benchmarks/envoy.py
	uv run --locked python benchmarks/page.py

docs: | python $(uv) ## Build the documentation into ./site, whose pages need no network (seconds)
	uv run --isolated --locked --only-group docs zensical build --strict

demo: no-demo | python $(uv) ## Render a level 1 project with all defaults into ./demo and run its pipeline
	@echo "1/3 Get Copier and render the project"
	@uv run --isolated --locked --no-default-groups \
	copier copy --quiet --trust --defaults --vcs-ref HEAD "$(CURDIR)" demo
	@echo "2/3 Resolve its packages, and make a repository of it"
	@cd demo && git init --quiet --initial-branch main && uv lock && git add . && \
	git -c user.name="$${USER:-demo}" -c user.email=demo@example.com commit --quiet --message "Start from copier-mlops"
	@echo "3/3 Install its packages, and run its pipeline: a minute or two, most of it for packages"
	@cd demo && uv run poe pipeline
	@echo
	@echo "Look at demo/reports/index.html, and at runs and models with: cd demo && uv run poe ui"

no-demo:
	@test ! -e demo || { echo "make demo: there is a ./demo already; remove it first: rm -r demo"; exit 1; }

.venv: pyproject.toml uv.lock | python $(uv)
	uv sync --locked
	@touch .venv

.uv/bin/uv: | python
	"$(UV_PYTHON)" -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

python:
	@test -n "$(UV_PYTHON)" || { echo "No Python 3.11 to 3.13 with venv was found. Install one, or set UV_PYTHON."; exit 1; }

.PHONY: help test cluster long fast diff newest bump release wheel lint docs demo no-demo python
