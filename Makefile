# Everything a developer of Holdfast does. `make` lists it.
#
#   make test TESTS='unit/**/*.test.ts'        part of the suite, paths below test/
#   make run ARGS='--listen 127.0.0.1:7500'    flags for the server
#   make run STORE=redlock                     over five Redis processes of its own; the same goes for make demo

BIN := node_modules/.bin
INSTALLED := node_modules/.installed-lock.json
GENERATED := proto/gen/holdfast.binpb
PROTOS := $(shell find proto/holdfast third_party -name '*.proto')
TESTS ?=
ARGS ?=
STORE ?= embedded
MUTANTS ?=
VARIANTS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help node install generate build run test fuzz mutants model faults soak sim lint fix bench demo pack clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

node:
	@command -v node >/dev/null || { echo 'Node.js is missing: install version 20.19 or later from https://nodejs.org' >&2; exit 1; }
	@node scripts/check-node.cjs

install: $(INSTALLED) ## install the dependencies named in package-lock.json, unless they are there

# A copy of the lock file marks what is installed: its content counts, not its time.
$(INSTALLED): package-lock.json | node
	@cmp -s $< $@ || npm ci --no-progress --ignore-scripts
	@cp $< $@

generate: $(GENERATED) ## generate TypeScript and descriptors from the proto files

$(GENERATED): $(PROTOS) buf.yaml buf.gen.yaml scripts/generate | $(INSTALLED)
	@scripts/generate

build: $(INSTALLED) ## compile what changed
	@scripts/build

run: $(GENERATED) ## build and start the server; Ctrl-C stops it; STORE=redlock brings five Redis processes along
	@scripts/build
ifeq ($(STORE),redlock)
	@cd test && exec node --import tsx --conditions @holdfast/source demo/run-redlock.ts $(ARGS)
else
	@exec node server/dist/main.js --store $(STORE) --log-format pretty $(ARGS)
endif

test: $(INSTALLED) ## run the test suite; TESTS= for a part of it
	@scripts/build || { echo '0 passed, 1 failed'; exit 1; }
	@$(if $(TESTS),cd test && exec ../$(BIN)/mocha $(foreach files,$(TESTS),'$(files)'),exec scripts/test)

mutants: $(INSTALLED) ## switch guards off, one at a time: the simulator must miss each; MUTANTS= for some patch files, RECORD=1
	@cd test && exec node --import tsx --conditions @holdfast/source mutants/main.ts $(if $(RECORD),--record) $(MUTANTS)

faults: $(INSTALLED) ## fault after fault with real processes, each with a control; ROWS=A,C5 for some
	@scripts/build
	@cd test && BUILT=1 exec node --import tsx --conditions @holdfast/source faults/rows/main.ts

soak: $(INSTALLED) ## faults at random for MINUTES=5, then a look for leaks; SEED=k strikes the same blows, STORE=embedded
	@scripts/build
	@cd test && MINUTES='$(MINUTES)' SEED='$(SEED)' STORE='$(if $(filter command line environment,$(origin STORE)),$(STORE))' BUILT=1 \
	  exec node --import tsx --conditions @holdfast/source faults/soak/main.ts

fuzz: $(INSTALLED) ## random bytes, messages, sequences and settings for SECONDS=60; SEED=k plays what was found again
	@scripts/build
	@cd test && SECONDS='$(or $(SECONDS),60)' SEED='$(SEED)' BUILT=1 exec node --import tsx --conditions @holdfast/source fuzz/main.ts

sim: $(INSTALLED) ## simulate faults: SEEDS=n FIRST_SEED=k runs a range, SEED=k replays one with its trace
	@cd test && exec ../$(BIN)/mocha simulation/*.test.ts

model: $(INSTALLED) ## search the quorum protocol with spin, and with one rule left out at a time; VARIANTS=a,b for some
	@cd test && VARIANTS='$(VARIANTS)' exec node --import tsx --conditions @holdfast/source model/main.ts

lint: $(INSTALLED) ## check types, style, protocol, import directions and generated code
	@scripts/lint

fix: $(INSTALLED) ## let Biome and Buf mend what they can
	@$(BIN)/biome check --write .
	@$(BIN)/buf format -w proto

bench: $(INSTALLED) ## measure
	@scripts/build
	@npm run --silent bench -w test -- $(ARGS)

demo: $(INSTALLED) ## watch workers contend, die, and come back too late; STORE=redlock: Redis nodes die, too
	@scripts/build
	@npm run --silent demo -w test -- --store $(STORE) $(ARGS)

pack: $(INSTALLED) ## make the npm packages, in build/packages
	@scripts/pack build/packages

clean: ## remove what was built and installed; data directories stay
	rm -rf build */dist node_modules
