# Two commands for the start: `make demo` runs the main job, `make test` runs the tests.
# Both build .venv from requirements locked with hashes.

PYTHON ?= python3.11
CHROMIUM ?= chromium
BIN := .venv/bin
RUN := .venv/run.stamp
DEV := .venv/dev.stamp
AUDIT := .venv/audit.stamp
SITE := .venv/docs.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# The many processes of a test run share compiled modules; without them each compiles the whole project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-slow scenarios scenarios-http scenario-mutation site lint format bench mutation fuzz node audit picture picture-report lock generate clean help

help:            ## list the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

demo: $(RUN)     ## set up, then run the demo: all firmware in all places, and the demo stories
	mkdir -p out && $(BIN)/activation demo --html out/demo.html

test: $(DEV)     ## set up, then run all tests except the slow ones
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

test-all: test   ## run every test: `make test`, then the slow tests, and the property tests with all examples
	TEST_PROFILE=all $(BIN)/pytest -n 2 --dist loadfile -m "slow or hypothesis"

test-slow: $(DEV) ## run the slow tests, and the property tests with new random examples
	TEST_PROFILE=explore $(BIN)/pytest -n 2 --dist loadfile -m "slow or hypothesis"

scenarios: $(DEV) ## run the scenario library as tests
	$(BIN)/pytest scenarios -n 2 -q

scenarios-http: $(DEV) ## run the scenario library over HTTP, with faults injected by a proxy
	$(BIN)/pytest scenarios -n 2 -q --scenario-http

scenario-mutation: $(DEV) ## mutation-test the scenario library, and record which scenario detects which mutant
	nice $(BIN)/python -m tools.scenario_mutation

lint: $(DEV)     ## run ruff, mypy in strict mode, the import contracts, the checks of class names and language
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.class_names
	$(BIN)/python -m tools.language

format: $(DEV)   ## format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV)    ## measure the performance budgets
	$(BIN)/python -m benchmarks

mutation: $(DEV) ## mutation-test the verifier, the sealing and the key source
	nice $(BIN)/python -m tools.mutation

site: $(SITE)    ## build the pages of docs/ as a static site in out/site; a warning is an error
	$(BIN)/zensical build --strict --clean

SECONDS ?= 600
fuzz: $(AUDIT)   ## fuzz every reader of untrusted bytes for SECONDS each, and store the findings
	for target in $$($(BIN)/python -c 'import fuzz; print(*fuzz.TARGETS)'); do nice $(BIN)/python -W ignore -m fuzz $$target $(SECONDS) || exit 1; done
	$(BIN)/python -W ignore -m fuzz keep

NODE_TOOLS := tests/node/node_modules/.package-lock.json
node:            ## lint the OpenAPI document, try clients in TypeScript and JavaScript, read results with Allure (needs Node.js 18 and npm)
	@if command -v node >/dev/null && command -v npm >/dev/null; \
		then $(MAKE) --no-print-directory $(DEV) $(NODE_TOOLS) && nice $(BIN)/pytest tests/node; \
		else echo 'make node: skipped, because node or npm is missing here; try apt-get install nodejs npm'; fi

audit: $(AUDIT)  ## check the locked requirements for known vulnerabilities, and write the bill of materials
	mkdir -p build
	$(BIN)/python -W ignore -m cyclonedx_py requirements requirements/run.txt -i pkg:pypi --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.cdx.json
	$(BIN)/python -m tools.audit

picture: $(RUN)  ## take the screenshot of the demo page for the README (needs Chromium)
	folder=$$(mktemp -d) && $(BIN)/activation demo --html $$folder/demo.html >$$folder/demo.txt \
	&& $(CHROMIUM) --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars \
		--disable-background-networking --disable-component-update --disable-sync --user-data-dir=$$folder/profile \
		--window-size=1140,1640 --screenshot=docs/images/demo.png file://$$folder/demo.html

picture-report: $(RUN) ## take the screenshot of the incident report for the README (needs Chromium)
	folder=$$(mktemp -d) && $(BIN)/activation run scenarios/incident --commit main --html $$folder/incident.html \
	&& $(CHROMIUM) --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars \
		--disable-background-networking --disable-component-update --disable-sync --user-data-dir=$$folder/profile \
		--virtual-time-budget=3000 --window-size=1140,600 --screenshot=docs/images/incident-2021.png file://$$folder/incident.html

generate: $(DEV) ## write the generated files: JSON Schemas, the OpenAPI document, test vectors, the database schema, the state diagram, references
	$(BIN)/python -m wire.schemas
	$(BIN)/python -m firmware_profiles.schema
	$(BIN)/python -m server_stub.policies.schema
	$(BIN)/python -m server_stub.store.alembic_migrations
	$(BIN)/python -m lab.diagrams.mermaid docs/design/state-machine.md
	$(BIN)/python -m lab.scenario.files.schema
	$(BIN)/python -m lab.scenario.files.reference docs/qa/reference.md
	$(BIN)/python -m tools.settings_page docs/developers/settings.md
	$(BIN)/activation openapi >docs/developers/openapi.json
	$(BIN)/activation attack --export docs/security >/dev/null

lock:            ## pin the requirements of requirements/*.in again (needs uv)
	cd requirements && for f in run dev audit docs; do uv pip compile --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate -q --upgrade $$f.in -o $$f.txt; done

clean:           ## remove build output
	rm -rf .venv .cache build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

# `editables` and `hatchling` come with the locked requirements, so installing the project fetches nothing.
$(RUN): requirements/run.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(DEV): requirements/dev.txt $(RUN)
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

$(NODE_TOOLS): tests/node/package-lock.json tests/node/package.json
	npm --prefix tests/node ci
	touch $@

$(SITE): requirements/docs.txt $(DEV)
	$(PIP) install --require-hashes -r requirements/docs.txt
	touch $@

$(AUDIT): requirements/audit.txt $(DEV)
	$(PIP) install --require-hashes -r requirements/audit.txt
	touch $@
