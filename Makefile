# One line a target; the work is done by scripts/. Every target sets the machine up first, which costs nothing once it is.
.PHONY: help setup build demo test golden bench example format lint docs dist clean
help:   ; @sed -n 's/^#: //p' Makefile
#: make setup    what this machine needs: Debian packages, libtorch (CUDA=1 or 0: with or without CUDA; TORCH=DIR: installed torch)
setup:  ; @scripts/setup
#: make build    .build/release/selfpatch
build:  ; @scripts/build
#: make demo     draws scenes, pretrains on them for two to five minutes, prints scores, paints a picture (DATA=DIR: your images)
demo:   ; @scripts/demo
#: make test     set-up, lint, build, all tests
test:   ; @scripts/test
#: make golden   the tests against expected numbers alone (SELFPATCH_GOLDEN=DIR: another set of them)
golden: ; @scripts/golden
#: make bench    seconds a training step and images a second in the input pipeline
bench:  ; @scripts/bench
#: make example  builds a package that uses the library, and runs it (minutes the first time)
example: ; @scripts/example
#: make format   lays out all Swift code
format: ; @scripts/format
#: make lint     layout, rings, habits
lint:   ; @scripts/lint
#: make docs     the libraries' documentation, into docs/site
docs:   ; @scripts/docs
#: make dist     dist/selfpatch, with Swift's own libraries inside
dist:   ; @scripts/dist
#: make clean    removes what was built; the cache with libtorch stays
clean:  ; @scripts/clean
