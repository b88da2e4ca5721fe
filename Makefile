# The short face of the project: each line calls the tool that does it, and `make` alone says what there is.
#
# Build files go to ~/.cache/fairhold/target, outside the clone, so that a fresh clone builds warm. Set CARGO_TARGET_DIR
# to have them elsewhere. scripts/env.sh sets this, and finds the Rust that scripts/install.sh prepared.

.PHONY: help run test bench soak watch build install-run install-test
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

run: ## Start the portal with a demo company on http://localhost:3000 (PORT and DATA_DIR change where)
	@exec scripts/run.sh

test: ## Run every test; ends with how many passed, failed and were skipped
	@exec scripts/test.sh

bench: ## Measure speed and size
	@exec scripts/bench.sh

soak: ## Run the long tests: kills, fuzzing, timing
	@exec scripts/soak.sh

watch: ## Build and restart on every change, for people who work on Fairhold
	@exec scripts/watch.sh

build: ## Build for production; ends with the path of the program
	@exec scripts/build.sh

install-run:
	@exec scripts/install.sh run

install-test:
	@exec scripts/install.sh test
