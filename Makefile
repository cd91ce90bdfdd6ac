# Two commands do everything on a fresh machine with python3.11 or newer and make:
#   make demo    sets up and runs the main job on bundled rows with simulated models
#   make test    sets up and passes the tests
PYTHON ?= python3
VENV ?= .venv
DATA ?= demo
SOURCES ?= sysgen_dagster/example_rows
PORT ?= 3000
BIN := $(VENV)/bin

.PHONY: demo test dev check engines-down clean
.DEFAULT_GOAL := demo

demo: $(VENV)/run.stamp
	$(BIN)/python -m sysgen_dagster.demo --sources "$(SOURCES)" --data "$(DATA)"

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest

# The UI and the daemon, on what is under DATA: its own catalogue if it has one, else the full one.
dev: $(VENV)/run.stamp
	@mkdir -p "$(DATA)/dagster_home" && cp dagster.yaml "$(DATA)/dagster_home/dagster.yaml"
	DAGSTER_HOME="$(abspath $(DATA))/dagster_home" SYSGEN_DATA="$(abspath $(DATA))" \
	SYSGEN_CATALOG="$(if $(SYSGEN_CATALOG),$(SYSGEN_CATALOG),$(wildcard $(abspath $(DATA))/catalog.yaml))" \
	$(BIN)/dagster dev -h 127.0.0.1 -p $(PORT)

check: $(VENV)/lint.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

engines-down: $(VENV)/run.stamp
	$(BIN)/python -m sysgen_dagster.inference.server_process "$(DATA)/engines"

$(VENV)/run.stamp: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/%.stamp: $(VENV)/run.stamp pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) demo
