# Every target has one sentence; `make` alone prints them. CI calls the same targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
MUTANTS_READY := $(VENV)/.mutants-ready
AUDIT := $(VENV)/audit# an environment of its own: what looks at packages is none of them
AUDIT_READY := $(AUDIT)/.ready
JARS := tests/kafka/target/jars
CHAOS_MINUTES ?= 4 # of breaking things; starting and settling come on top
SEED ?= # replays the choices of a run; empty: fresh ones
ONLY ?= # campaigns of the soak; empty: all of them
WORKERS ?= 3# processes that run tests; each has a Postgres and a broker of its own, and waits a good deal
JVMS ?= 2# the same where the broker is a JVM
SPREAD := --dist loadfile --no-loadscope-reorder
TOGETHER = -n $(WORKERS) $(SPREAD)

.DEFAULT_GOAL := help
.PHONY: help setup run up up-vendor trace test test-pure test-browser test-kafka test-deep \
	chaos chaos-ci soak planted publish-chaos publish-soak bench-ingress bench-consumers bench-dispatch bench-e2e \
	lint types imports check schemas check-schemas check-asyncapi check-compatibility freeze alerts \
	dashboard-picture manifests check-image image sbom audit strimzi lock clean

help: ## Print every target with one sentence.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment with every pinned dependency.

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY) ## Run one person's complete retrieval on a whole local deployment, and tell it.
	@$(BIN)/python -m tests.local run

up: $(READY) ## Leave the same deployment running and walk the retrieval by hand in a browser.
	@$(BIN)/python -m tests.local up

up-vendor: $(READY) ## Leave it running against Metriport's own sandbox (METRIPORT_API_KEY, METRIPORT_FACILITY_ID, PUBLIC_URL).
	@$(BIN)/python -m tests.local vendor

trace: $(READY) ## Run the same retrieval with traces on, and print the tree of spans of each flow.
	@$(BIN)/python -m tests.telemetry.trace

test: $(READY) ## Run the whole test suite, with real Postgres, a real broker and real processes.
	$(BIN)/python -m pytest -m "not alone and not chaos and not browser and not deep" $(TOGETHER)
	$(BIN)/python -m pytest -m "alone and not chaos"
	$(BIN)/python -m pytest -m browser -n 2 $(SPREAD)

test-pure: $(READY) ## Run the fast tests only: no server, no process.
	$(BIN)/python -m pytest -m "not edge and not process and not browser"

test-browser: $(READY) ## Walk the person's side in Chromium; SCREENSHOTS=folder paints every page of ours there.
	SCREENSHOTS="$(SCREENSHOTS)" $(BIN)/python -m pytest tests/browser

$(JARS): tests/kafka/pom.xml
	@command -v java >/dev/null || { echo "Apache Kafka needs a JDK, 17 or newer, and there is none on the PATH." >&2; exit 1; }
	@command -v mvn >/dev/null || { echo "Fetching Apache Kafka needs Maven, and there is none on the PATH." >&2; exit 1; }
	@echo "Fetching Apache Kafka (once; about 55 MB)"
	@mvn -q -B -f tests/kafka/pom.xml dependency:copy-dependencies
	@touch $@

test-kafka: $(READY) $(JARS) ## Run the tests that talk to a broker on Apache Kafka (needs a JDK and Maven).
	IAS_TEST_BROKER=apache $(BIN)/python -m pytest -m "kafka and not alone and not browser and not deep" -n $(JVMS) $(SPREAD)
	IAS_TEST_BROKER=apache $(BIN)/python -m pytest -m "kafka and alone"

test-deep: $(READY) ## Run the fuzzing and the outages at length, and campaigns of the soak made small (about half an hour).
	HYPOTHESIS_PROFILE=deep DURABILITY_SECONDS=600 $(BIN)/python -m pytest tests/fuzz tests/ias tests/durability tests/cutting
	$(BIN)/python -m pytest -m deep

chaos: $(READY) $(JARS) ## Break a whole deployment under traffic and judge every promise (8 minutes; CHAOS_MINUTES=, SEED=).
	@$(BIN)/python -m tests.chaos --plant few --minutes $(CHAOS_MINUTES) $(if $(strip $(SEED)),--seed $(SEED))

chaos-ci: $(READY) $(JARS) ## The same with a fixed seed, and a few planted bugs that the checker must catch: eight minutes at most.
	@$(BIN)/python -m tests.chaos --plant few --minutes 2.5 --settle 150 --seed 20261130

soak: $(BENCH_READY) $(MUTANTS_READY) $(JARS) ## Hours of breaking, fuzzing and simulating, with numbers to reach (ONLY="storm cuts" for some).
	@$(BIN)/python -m tests.soak $(ONLY)

publish-soak: $(READY) ## Write what the campaigns of the soak measured into deploy/measured and the README.
	@$(BIN)/python -m tests.soak --publish

publish-chaos: $(READY) ## Write the latest report of chaos into deploy/measured, and its table into the README.
	@$(BIN)/python -m tests.chaos.publish

$(MUTANTS_READY): $(READY) requirements-mutants.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mutants.txt
	@touch $@

$(BENCH_READY): $(READY) requirements-bench.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

planted: $(READY) ## Break the product on purpose, one bug at a time, and see that the chaos checker catches each.
	@$(BIN)/python -m tests.chaos.planted

bench-ingress: $(BENCH_READY) ## Measure the ingress beside a bare handler and the vendor's sample.
	@$(BIN)/python -m tests.bench.ingress

bench-consumers: $(READY) ## Measure webhooks a second, to committed state and told event.
	@$(BIN)/python -m tests.bench.consumers

bench-dispatch: $(READY) ## Measure how much of the vendor's limits four replicas use, an hour at ten times speed.
	@$(BIN)/python -m tests.bench.dispatch

bench-e2e: $(READY) $(JARS) ## Measure from a webhook's POST to its event on Apache Kafka, at 200 a second.
	@$(BIN)/python -m tests.bench.e2e

lint: $(READY) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check types, strictly.
	$(BIN)/mypy

imports: $(READY) ## Check that imports go one way, floor by floor.
	$(BIN)/lint-imports

check: lint types imports check-schemas check-compatibility ## Run every check that needs no server.

schemas: $(READY) ## Write AsyncAPI, OpenAPI, JSON Schema, the reasons and the state tables from the code.
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m service.ias.transitions

check-schemas: $(READY) ## Fail when a generated document is not what the code says.
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m service.ias.transitions --check

check-compatibility: $(READY) ## Fail when the contract breaks who goes by a release (tests/compatibility/releases).
	$(BIN)/python -m tests.compatibility

freeze: $(READY) ## Write down the contract and the SQL of the version that pyproject.toml names: part of releasing it.
	$(BIN)/python -m tests.compatibility freeze

check-asyncapi: ## Validate asyncapi.json with AsyncAPI's own parser (needs node and npm).
	cd tests/contract/asyncapi && npm install --ignore-scripts --no-package-lock --no-audit --no-fund
	node tests/contract/asyncapi/validate.cjs schemas/asyncapi.json

OVERLAY ?= production
manifests: ## Render the Kubernetes manifests of an overlay (needs kubectl; OVERLAY=local|staging|production).
	kubectl kustomize deploy/kustomize/overlays/$(OVERLAY)

strimzi: $(READY) ## Write deploy/strimzi/kafka.yaml from the map of topics and the table of who may do what.
	$(BIN)/python -m consumers topics strimzi > deploy/strimzi/kafka.yaml

check-image: $(READY) ## Lint the Dockerfile, run its steps in a clean folder and look at what they make.
	CHECK_IMAGE=1 $(BIN)/python -m pytest tests/deploy/test_image_steps.py

$(AUDIT_READY): $(READY) requirements-audit.txt
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

sbom: $(AUDIT_READY) ## Write build/sbom.cdx.json: every package of the image, as CycloneDX.
	@$(BIN)/python -m tests.supply.sbom $(AUDIT)/bin/cyclonedx-py

audit: $(AUDIT_READY) ## Look up known weaknesses of the image's packages; says so where it cannot.
	@$(BIN)/python -m tests.supply.audit $(AUDIT)/bin/pip-audit

alerts: $(READY) ## Write the alerts for the Prometheus Operator from deploy/observability/alerts.yaml.
	$(BIN)/python -m tests.telemetry.prometheus_rule

dashboard-picture: $(READY) ## Paint the dashboard of a local deployment under traffic (needs prometheus; three minutes).
	$(BIN)/python -m tests.telemetry.picture

image: ## Build the image: make image VERSION=0.1.0 PYTHON_DIGEST=sha256:…
	docker build -f deploy/Dockerfile --build-arg PYTHON_DIGEST=$(PYTHON_DIGEST) \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) \
		-t metriport-ias:$(VERSION) .

lock: ## Pin the newest allowed dependencies, with hashes (needs uv).
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements.in -o requirements.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements-otel.in -c requirements.txt -o requirements-otel.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements-dev.in -c requirements.txt -c requirements-otel.txt -o requirements-dev.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements-bench.in -c requirements-dev.txt -o requirements-bench.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements-mutants.in -c requirements-dev.txt -o requirements-mutants.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line \
		requirements-audit.in -o requirements-audit.txt
	{ sed -n '/^#/p' deploy/requirements-build.txt; \
		sed -n '/^setuptools==/,/[^\\]$$/p' requirements-dev.txt; } > build.tmp
	mv build.tmp deploy/requirements-build.txt

clean: ## Remove the virtual environment and every cache.
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache tests/contract/asyncapi/node_modules
