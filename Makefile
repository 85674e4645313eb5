# Everything a developer of Holdfast does. `make` lists it.
#
#   make test TESTS='unit/**/*.test.ts'        part of the suite, paths below test/
#   make run ARGS='--listen 127.0.0.1:7500'    flags for the server

BIN := node_modules/.bin
INSTALLED := node_modules/.installed-lock.json
GENERATED := proto/gen/holdfast.binpb
PROTOS := $(shell find proto/holdfast third_party -name '*.proto')
TESTS ?= ./*/**/*.test.ts
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help node install generate build run test sim lint fix bench demo pack clean

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

run: $(GENERATED) ## build and start the server on the embedded store; Ctrl-C stops it
	@scripts/build
	@exec node server/dist/main.js --log-format pretty $(ARGS)

test: $(INSTALLED) ## run the test suite; TESTS= for a part of it
	@scripts/build || { echo '0 passed, 1 failed'; exit 1; }
	@cd test && exec ../$(BIN)/mocha $(foreach files,$(TESTS),'$(files)')

sim: $(INSTALLED) ## simulate faults: SEEDS=n FIRST_SEED=k runs a range, SEED=k replays one with its trace
	@cd test && exec ../$(BIN)/mocha simulation/simulation.test.ts

lint: $(INSTALLED) ## check types, style, protocol, import directions and generated code
	@scripts/lint

fix: $(INSTALLED) ## let Biome and Buf mend what they can
	@$(BIN)/biome check --write .
	@$(BIN)/buf format -w proto

bench: $(INSTALLED) ## measure
	@scripts/build
	@npm run --silent bench -w test -- $(ARGS)

demo: $(INSTALLED) ## watch workers contend, die, and come back too late
	@scripts/build
	@npm run --silent demo -w test -- $(ARGS)

pack: $(INSTALLED) ## make the npm packages, in build/packages
	@scripts/pack build/packages

clean: ## remove what was built and installed; data directories stay
	rm -rf build */dist node_modules
