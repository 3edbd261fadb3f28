# SPDX-License-Identifier: MIT
# The front door. Two lanes lead from here: the quick lane (quick/), and
# Buildroot, which gets every target that this file does not know.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

BOARDS := $(patsubst configs/%_defconfig,%,$(sort $(wildcard configs/*_defconfig)))
QEMU_BOARDS := $(patsubst board/%/board.yaml,%,$(wildcard $(BOARDS:%=board/%/board.yaml)))
VARIANTS := $(patsubst linux/fragments/variant/%.config,%,$(sort $(wildcard linux/fragments/variant/*.config)))
RUN_BOARD = $(or $(BOARD),qemu_riscv64)

# Recipes read these from the environment, so that no value of theirs is ever
# parsed as shell.
export BOARD VARIANT ROOT K SERIAL POWER IMAGE DEVICE YES NAME PROFILE JOBS TOOLCHAIN BUILDROOT NVD DAYS CPUS
export KERNEL_SOURCE IRONROOT_CACHE IRONROOT_TIMEOUT_MULTIPLIER

ENTER := quick/enter
# The tool builds itself first: cargo knows whether there is anything to do.
QUICK := $(ENTER) quick/tool

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 26
	@echo
	@echo '  BOARD=     one of: $(BOARDS)'
	@echo '  VARIANT=   one of: $(VARIANTS); without it the release kernel'
	@echo '  ROOT=      nvme: the root file system is an NVMe disk'"'"'s, by rust-nvme (image, run, flash)'
	@echo '  TOOLCHAIN= stable (Debian stable'"'"'s Rust, the default) or latest'
	@echo '  SERIAL=    test: the board on that serial port; POWER= describes its power switch (docs/hardware.md)'
	@echo '  CPUS=      run, test: how many processors QEMU has, instead of what board.yaml says'
	@echo '  JOBS=      parallel jobs; IRONROOT_CACHE= where builds are kept; README.md and docs/ have the rest'

.PHONY: run
run: ## boot a board's disk image in QEMU on this terminal
	@$(QUICK) image "$(RUN_BOARD)"
	@BOARD="$(RUN_BOARD)" $(ENTER) python3 quick/console.py

.PHONY: image
image: need-board ## BOARD=…: output/<board>/images/sdcard.img, its .bmap, the kernel
	@$(QUICK) image "$$BOARD"
	@cd "output/$$BOARD$${VARIANT:+-$$VARIANT}$${ROOT:+-$$ROOT}/images" && ls -l "$$PWD/sdcard.img" "$$PWD/sdcard.img.bmap"

.PHONY: test
test: ## everything that CI runs; with BOARD= that board's suite, K= picks tests
	@$(ENTER) quick/test

.PHONY: test-all
test-all: ## the long tier: every board, debug kernels, long loops; takes hours
	@$(ENTER) quick/test long

.PHONY: bench
bench: need-board ## BOARD=…: Rust drivers against C, in counted instructions; K picks rows
	@$(ENTER) bench/bench

.PHONY: boards
boards: ## the table of boards
	@$(ENTER) python3 quick/boards.py

.PHONY: flash
flash: need-board ## BOARD=… DEVICE=/dev/…: write the image to a card, and verify
	@test -n "$$DEVICE" || { echo 'ironroot: error: which device? make flash BOARD=… DEVICE=/dev/…' >&2; exit 1; }
	@$(QUICK) flash "$$BOARD" "$$DEVICE"

.PHONY: new-driver
new-driver: ## NAME=…: a new Rust driver package that builds, loads and has a test
	@$(QUICK) new-driver "$$NAME"

.PHONY: shell
shell: ## a shell in the build root
	@$(ENTER) bash

.PHONY: menuconfig
menuconfig: ## BOARD=…: the kernel's menu, and what you changed as fragment lines
	@$(QUICK) menuconfig "$(RUN_BOARD)"

.PHONY: doc
doc: ## rustdoc of the kernel crate for the board's kernel
	@$(ENTER) quick/doc "$(RUN_BOARD)"

.PHONY: lint
lint: ## every check that needs no kernel and no board
	@$(ENTER) quick/lint

.PHONY: clean
clean: ## removes output/; the cache stays
	rm -rf output

.PHONY: prune
prune: ## takes out of the cache what no build has used for DAYS=30 days
	@$(QUICK) prune "$${DAYS:-30}"

.PHONY: need-board
need-board:
	@test -n "$$BOARD" || { echo 'ironroot: error: which board? BOARD= one of: $(BOARDS)' >&2; exit 1; }

# The Buildroot lane, in build roots with what Buildroot asks of a machine.
BUILDROOT_ENTER = BUILDROOT="$$(buildroot/tree)" && export BUILDROOT && LANE=buildroot $(ENTER)

.PHONY: check-buildroot
check-buildroot: ## every defconfig against real Buildroot; BUILDROOT=DIR, else cloned
	@$(BUILDROOT_ENTER) buildroot/check

.PHONY: buildroot-offline
buildroot-offline: need-board ## BOARD=…: Buildroot's image, out of a Debian archive and registries
	@$(BUILDROOT_ENTER) buildroot/offline "$$BOARD"

.PHONY: check-reproducible
check-reproducible: need-board ## BOARD=…: two builds by the offline path give the same image
	@$(BUILDROOT_ENTER) buildroot/reproducible "$$BOARD"

.PHONY: sbom
sbom: need-board ## BOARD=…: CycloneDX bill of materials and CVE list of the board's image
	@$(BUILDROOT_ENTER) buildroot/sbom "$$BOARD"

# And on this machine, as Buildroot's users know it. The output directory belongs
# to one board: switching boards in a used one would mix two builds in silence.
# Our own variables stay here: U-Boot has a BOARD too.
BR2_OUTPUT = output/buildroot
BUILDROOT_MAKE = tree="$$(buildroot/tree)" && env -u BOARD -u VARIANT -u ROOT -u K -u IMAGE -u NAME -u TOOLCHAIN \
	$(MAKE) -C "$$tree" BR2_EXTERNAL="$(CURDIR)" O="$(CURDIR)/$(BR2_OUTPUT)"

%_defconfig:
	@test -f configs/$@ || { echo 'ironroot: error: no configs/$@; boards: $(BOARDS)' >&2; exit 1; }
	@test ! -f $(BR2_OUTPUT)/.board || test "$$(cat $(BR2_OUTPUT)/.board)" = $* || \
		{ echo "ironroot: error: $(BR2_OUTPUT) was used for $$(cat $(BR2_OUTPUT)/.board); run make clean first" >&2; exit 1; }
	@$(BUILDROOT_MAKE) $@
	@echo $* >$(BR2_OUTPUT)/.board

.PHONY: all
all:
	@buildroot/kernel-hash
	@$(BUILDROOT_MAKE) all

Makefile: ;
%:
	@$(BUILDROOT_MAKE) $@
