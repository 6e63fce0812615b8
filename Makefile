# Tierflow: `make help` lists what can be done.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PORTS POLICY CURRENCY
DATA ?=
READY := .venv/.ready

STACK := $(BIN)/python -m tierflow_stack
DEMO := $(BIN)/tierflow demo $(if $(DATA),--data $(DATA))

.PHONY: help setup demo serve up down status test check fix audit bench bench-stream bench-curve soak soak-outage soak-outbox chaos k8s-check lock clean image image-bases k8s-e2e schemathesis

help: ## what can be done here
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the hash-pinned lock (the other targets do this by themselves)

$(READY): requirements/dev.txt pyproject.toml scripts/setup.sh
	@PYTHON=$(PYTHON) bash scripts/setup.sh
	@touch $(READY)

demo: $(READY) ## a bank's stream becomes tiers, contacts and suitable sales; ends by itself (DATA=dir, SHAPE=production)
ifeq ($(SHAPE),production)
	@$(if $(DATA),POLICY=berka CURRENCY=CZK) $(STACK) run --folder var/demo/stack --fresh -- \
		bash -c 'exec $(DEMO) --url "$$TIERFLOW_URL"'
else
	@$(DEMO)
endif

serve: $(READY) ## all four services in one process on port 8000
	@$(BIN)/tierflow serve

up: $(READY) ## Kafka, PostgreSQL and the four services as processes of their own (PORTS=8001,8002,8003,8004)
	@$(STACK) up

down: $(READY) ## stop what `make up` started; data stay in var/stack
	@$(STACK) down

status: $(READY) ## addresses, process ids, health and lag of what `make up` started
	@$(STACK) status

test: check ## everything that must hold: checks (they run the tests of the project's own form) and all other tests
	@$(BIN)/pytest -n 3 --dist worksteal --ignore tests/unit/project
	@$(if $(K8S_E2E),$(MAKE) k8s-e2e,echo "left out: make k8s-e2e, which needs a cluster (with K8S_E2E=1 it runs here, on that of KUBECONFIG)")

check: $(READY) ## lint, format, types, import rules, generated files, sizes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tierflow_embedded.generate_files --check
	@$(BIN)/python -m tierflow_observability --check
	@$(BIN)/pytest tests/unit/project
	@$(BIN)/python -m tests.k8s_check

k8s-check: $(READY) ## deploy/k8s: every overlay builds, fits the schemas, passes the policy scan and agrees with the code
	@$(BIN)/python -m tests.k8s_check

fix: $(READY) ## let the tools mend what they can: lint, format, generated files
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
	@$(BIN)/python -m tierflow_embedded.generate_files
	@$(BIN)/python -m tierflow_observability

audit: $(READY) ## known vulnerabilities of the locked packages (asks pypi.org), their licences, and secrets in the sources
	@$(BIN)/pip-audit --requirement requirements/dev.txt --disable-pip --require-hashes --strict --progress-spinner off
	@$(BIN)/pytest tests/unit/project/test_supply_chain.py

bench: $(READY) ## how fast it is, beside a limit or a peer in the same run (var/bench/*.json)
	@$(BIN)/python -m bench

bench-stream: $(READY) ## stream engines beside each other on one Kafka topic (EVENTS= CUSTOMERS= ROUNDS= ENGINES=a,b)
	@$(BIN)/python -m bench.streaming $(if $(EVENTS),--events $(EVENTS)) $(if $(CUSTOMERS),--customers $(CUSTOMERS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ENGINES),--engine $(ENGINES))

bench-curve: $(READY) ## our scoring in 1 and 2 processes with 10 k, 100 k and 1 M customers (EVENTS= for each point)
	@$(BIN)/python -m bench.streaming --curve $(if $(EVENTS),--events $(EVENTS)) $(if $(ROUNDS),--rounds $(ROUNDS))

SOAK = $(BIN)/python -m bench.soak $(1) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE))

soak: $(READY) ## is memory flat under a steady load in the production shape? (MINUTES=30 RATE=1000); var/bench/soak.json
	@$(call SOAK,soak)

soak-outage: $(READY) ## scoring is away under load; when is the lag 0 again? (MINUTES=5 RATE=); var/bench/outage.json
	@$(call SOAK,outage)

soak-outbox: $(READY) ## Kafka is killed under load; does a full outbox turn into 429? (MINUTES=2); var/bench/outbox.json
	@$(call SOAK,outbox)

chaos: $(READY) ## break it under load and compare (SEED= MINUTES= SHAPE=embedded|production); var/chaos/report.json
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SHAPE),--shape $(SHAPE)) $(if $(RATE),--rate $(RATE))

EXPORT := uv export --frozen --no-emit-project --quiet
# No service needs them: pictures of the demo and the report, reloading while one develops, web sockets.
NOT_IN_IMAGE := matplotlib watchfiles websockets

image: ## the image of the four services with docker or buildah, its size checked, its SBOM in var/image
	@bash deploy/image/build.sh

image-bases: ## stand-ins for the official images it needs, from Debian packages, where no registry can be reached
	@bash deploy/image/stand-ins.sh docker.io/library/python:3.11-slim

k8s-e2e: $(READY) ## install on the Kubernetes of KUBECONFIG, load, break, compare, remove (BERKA= K8S_LOAD=); var/k8s/report.json
	@$(BIN)/python -m tests.k8s_e2e

schemathesis: $(READY) ## every check of Schemathesis on all services in the production shape (EXAMPLES=150); var/security/schemathesis.json
	@$(STACK) run --folder var/security/stack --fresh -- $(BIN)/python -m tests.security.fuzzing \
		$(if $(EXAMPLES),--examples $(EXAMPLES) --at-least 0)

EXPORT := uv export --frozen --no-emit-project --quiet
# No service needs them: pictures of the demo and the report, reloading while one develops, web sockets.
NOT_IN_IMAGE := matplotlib watchfiles websockets

lock: ## resolve the dependencies anew (needs uv)
	uv lock && $(EXPORT) --group dev --output-file requirements/dev.txt
	$(EXPORT) --no-dev $(addprefix --prune ,$(NOT_IN_IMAGE)) --output-file requirements/runtime.txt
	$(EXPORT) --only-group image --output-file requirements/image.txt

clean: ## stop what `make up` started, and remove what can be made again (with the data in var)
	@if [ -x $(BIN)/python ]; then $(STACK) down; fi
	rm -rf .venv var .hypothesis
