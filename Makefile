# Tierflow: `make help` lists what can be done.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
DATA ?=
READY := .venv/.ready

.PHONY: help setup demo serve test check fix bench bench-stream chaos lock clean

help: ## what can be done here
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the hash-pinned lock (the other targets do this by themselves)

$(READY): requirements/dev.txt pyproject.toml scripts/setup.sh
	@PYTHON=$(PYTHON) bash scripts/setup.sh
	@touch $(READY)

demo: $(READY) ## a bank's stream becomes tiers, contacts and suitable sales; ends by itself (DATA=dir: real data)
	@$(BIN)/tierflow demo $(if $(DATA),--data $(DATA))

serve: $(READY) ## all four services in one process on port 8000
	@$(BIN)/tierflow serve

test: check ## everything that must hold: checks and all tests
	@$(BIN)/pytest -n 2 --dist worksteal

check: $(READY) ## lint, format, types, import rules, generated files, sizes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tierflow_embedded.generate_files --check
	@$(BIN)/pytest tests/unit/project

fix: $(READY) ## let the tools mend what they can: lint, format, generated files
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
	@$(BIN)/python -m tierflow_embedded.generate_files

bench: $(READY) ## how fast it is, beside a limit or a peer in the same run (var/bench/*.json)
	@$(BIN)/python -m bench

bench-stream: $(READY) ## stream engines beside each other on one Kafka topic (EVENTS= CUSTOMERS= ROUNDS= ENGINES=a,b)
	@$(BIN)/python -m bench.streaming $(if $(EVENTS),--events $(EVENTS)) $(if $(CUSTOMERS),--customers $(CUSTOMERS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ENGINES),--engine $(ENGINES))

chaos: $(READY) ## break it under load and compare (SEED= MINUTES= SHAPE=embedded|production); var/chaos/report.json
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SHAPE),--shape $(SHAPE)) $(if $(RATE),--rate $(RATE))

lock: ## resolve the dependencies anew (needs uv)
	uv lock && uv export --frozen --no-emit-project --group dev --quiet --output-file requirements/dev.txt

clean: ## remove what can be made again
	rm -rf .venv var .hypothesis
