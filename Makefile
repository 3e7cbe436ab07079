# The front door. Everything here works on a fresh Debian 12 with make and root or sudo.
SHELL := /bin/bash
PRESET ?= release
PROFILE ?= quick
SUITE ?= base
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SEEDS ?= 200000
PEERS ?= yes
PYTHON := /usr/bin/python3

.PHONY: help bench gate gate-selftest test fuzz sim coverage micro report build setup clean
.DEFAULT_GOAL := help

help:
	@echo 'make bench    build, measure every variant, write BENCH.md and its plots (PROFILE=quick or full);'
	@echo '              installs nginx and h2o, to compare with (PEERS=no: does not);'
	@echo '              SUITE=dispatch: pools by their size and allocators instead, 10 minutes;'
	@echo '              SUITE=generators: loadgen beside other load generators, 4 minutes'
	@echo 'make gate     whether the work tree is slower than BASE=origin/main (any revision); minutes'
	@echo 'make test     build and run every test (PRESET=release, debug, asan or tsan)'
	@echo 'make fuzz     every fuzz target for FUZZ_SECONDS=60, under the sanitizers'
	@echo 'make sim      SEEDS=200000 seeds of the simulated world'
	@echo 'make coverage which lines of net/http and server the unit tests execute; fails below 95 %'
	@echo 'make micro    the parts alone, by Google Benchmark'
	@echo 'make gate-selftest  plant faults, ask the gate, add what it says to results/gate/calibration.ndjson'
	@echo 'make report   BENCH.md again, from the newest record'
	@echo 'make build    build only'
	@echo 'make clean    remove build/'

setup:
	@scripts/setup

build: setup
	@[[ -f build/$(PRESET)/build.ninja ]] || cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build --preset $(PRESET) -j $(JOBS)

test: build
	ctest --preset $(PRESET)

fuzz: PRESET = fuzz
fuzz: build
	$(PYTHON) scripts/fuzz.py --seconds $(FUZZ_SECONDS) $(FUZZ_ARGS)

sim: PRESET = release
sim: build
	build/release/bin/sim --seeds $(SEEDS) $(SIM_ARGS)

# No line is left out, so what cannot be executed counts against it. Counts of an earlier run would be added to. The
# simulated world's planted bugs are no server of ours, and take long without optimisation.
coverage: PRESET = coverage
coverage: build
	@find build/coverage -name '*.gcda' -delete
	ctest --preset coverage --parallel $(JOBS) --quiet
	gcovr --root . --object-directory build/coverage --filter net/http/ --filter server/ --fail-under-line 95

bench: PRESET = release
bench: build
	@[[ $(PEERS) == no ]] || scripts/setup --peers || echo 'The servers of others will be missing in BENCH.md.'
	$(PYTHON) scripts/bench.py --suite $(SUITE) --profile $(PROFILE) $(BENCH_ARGS)
	$(PYTHON) scripts/report.py

# make has an exit code of its own; scripts/gate.py says which of its own it was.
gate: PRESET = release
gate: setup
	@[[ -n '$(BASE)' ]] || { echo 'make gate: which revision is it to be compared with? Give BASE=origin/main'; exit 2; }
	@[[ -f build/release/build.ninja ]] || cmake --preset release --log-level=WARNING
	@cmake --build --preset release -j $(JOBS) --target loadgen count_allocations still_clock
	$(PYTHON) scripts/gate.py --base '$(BASE)' $(GATE_ARGS)

report: setup
	$(PYTHON) scripts/report.py

micro: PRESET = release
micro: build
	build/release/bin/micro $(MICRO_ARGS)

gate-selftest: PRESET = release
gate-selftest: build
	$(PYTHON) scripts/gate_selftest.py $(SELFTEST_ARGS)

clean:
	rm -rf build
