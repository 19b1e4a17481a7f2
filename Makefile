.PHONY: run test bench soak lint screenshots

run: ## Sets up what is missing, ships an example to the local engine, opens the window on it
	@scripts/run

test: ## Sets up what is missing and passes every test
	@scripts/test

bench: ## Measures what docs/benchmarks.md tells, beside what one would use instead
	@scripts/bench

soak: ## Load over many rollouts, kills at every step, full disks, random sequences: hours, unattended
	@scripts/soak

lint: ## Formats nothing, checks everything that needs no engine
	@scripts/lint

screenshots: ## Takes the pictures of README and docs anew, of the real window
	@scripts/screenshots
