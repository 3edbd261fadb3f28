################################################################################
#
# Let the kernel's build have Rust
#
################################################################################

# SPDX-License-Identifier: MIT
# Buildroot includes this file in the middle of linux.mk, before the kernel's
# rules are made: what is added to LINUX_KCONFIG_DEPENDENCIES here is built
# before Kconfig looks for the tools. In external.mk it would come too late.
ifeq ($(BR2_LINUX_KERNEL_EXT_RUST),y)

# Each tool by its absolute path: the configuration editors run without
# Buildroot's PATH, and a menuconfig without Rust would save a .config without it.
ifeq ($(BR2_LINUX_KERNEL_EXT_RUST_BUILDROOT),y)

LINUX_RUST_DEPENDENCIES += host-rustc host-rust-src host-rust-bindgen
LINUX_RUST_RUSTC = $(HOST_DIR)/bin/rustc
LINUX_RUST_BINDGEN = $(HOST_DIR)/bin/bindgen
LINUX_RUST_LLVM = $(HOST_DIR)/bin/
# Not the wrapper that goes by the name of clang: it adds the target's options,
# and the kernel makes an error of each that it does not use.
LINUX_RUST_CLANG = $(HOST_DIR)/bin/clang.br_real
# check-package TypoInPackageVariable
LINUX_MAKE_ENV += LIBCLANG_PATH=$(HOST_DIR)/lib

ifeq ($(BR2_LINUX_KERNEL_EXT_RUST_NEEDS_CLANG),y)
LINUX_RUST_DEPENDENCIES += host-clang host-lld host-llvm
endif

else # rustup's or the system's

ifeq ($(BR2_LINUX_KERNEL_EXT_RUST_RUSTUP),y)
LINUX_RUST_TOOLCHAIN = $(call qstrip,$(BR2_LINUX_KERNEL_EXT_RUST_RUSTUP_TOOLCHAIN))
# Not the proxy in the PATH, whose choice depends on the working directory.
LINUX_RUST_RUSTC := $(shell rustup which $(if $(LINUX_RUST_TOOLCHAIN),--toolchain $(LINUX_RUST_TOOLCHAIN)) rustc 2>/dev/null)
else
LINUX_RUST_RUSTC := $(shell which rustc 2>/dev/null)
endif
LINUX_RUST_BINDGEN := $(shell which bindgen 2>/dev/null)
LINUX_RUST_CLANG := $(shell which clang 2>/dev/null)

# A tool that is missing keeps its bare name: rustavailable then says so.
LINUX_RUST_RUSTC := $(or $(LINUX_RUST_RUSTC),rustc)
LINUX_RUST_BINDGEN := $(or $(LINUX_RUST_BINDGEN),bindgen)
LINUX_RUST_LLVM := $(if $(LINUX_RUST_CLANG),$(dir $(LINUX_RUST_CLANG)),1)
LINUX_RUST_CLANG := $(or $(LINUX_RUST_CLANG),clang)

endif

# check-package TypoInPackageVariable
LINUX_KCONFIG_DEPENDENCIES += $(LINUX_RUST_DEPENDENCIES)

# The kernel gives HOSTCC to rustc as the linker of its procedural macros, which
# must be one word: no ccache before it, and the options apart. The last HOSTCC=
# of a command line is the one that counts.
# check-package TypoInPackageVariable
LINUX_MAKE_FLAGS += \
	HOSTCC="$(HOSTCC_NOCCACHE)" \
	HOSTCFLAGS="$(subst -I/,-isystem /,$(subst -I /,-isystem /,$(HOST_CFLAGS)))" \
	HOSTLDFLAGS="$(HOST_LDFLAGS)" \
	RUSTC=$(LINUX_RUST_RUSTC) \
	HOSTRUSTC=$(LINUX_RUST_RUSTC) \
	BINDGEN=$(LINUX_RUST_BINDGEN)

# linux.mk keeps those options away from Kconfig's own programs.
# check-package TypoInPackageVariable
LINUX_KCONFIG_OPTS += HOSTCFLAGS= HOSTLDFLAGS=

ifeq ($(BR2_LINUX_KERNEL_EXT_RUST_NEEDS_CLANG),y)
# check-package TypoInPackageVariable
LINUX_MAKE_FLAGS += LLVM=$(LINUX_RUST_LLVM) CC=$(LINUX_RUST_CLANG)
# An option of GCC alone, which clang refuses.
# check-package TypoInPackageVariable
LINUX_CFLAGS := $(filter-out -Wno-attribute-alias,$(LINUX_CFLAGS))
endif

define LINUX_RUST_CHECK_TOOLCHAIN
	$(Q)$(LINUX_MAKE_ENV) $(BR2_MAKE) $(LINUX_MAKE_FLAGS) -C $(@D) rustavailable
endef

# The same program as in the quick lane; it needs std alone.
define LINUX_RUST_CHECK_FRAGMENTS
	@$(call MESSAGE,"Checking that the kernel has every line of its fragments")
	$(Q)$(LINUX_RUST_RUSTC) --edition 2021 -C linker=$(HOSTCC_NOCCACHE) \
		-o $(@D)/.check-fragments \
		$(BR2_EXTERNAL_IRONROOT_PATH)/quick/src/bin/check-fragments.rs
	$(Q)$(@D)/.check-fragments $(@D) $(KERNEL_ARCH) $(@D)/.config \
		$(LINUX_KCONFIG_FILE) $(LINUX_KCONFIG_FRAGMENT_FILES)
endef

# check-package TypoInPackageVariable
LINUX_POST_CONFIGURE_HOOKS += LINUX_RUST_CHECK_TOOLCHAIN LINUX_RUST_CHECK_FRAGMENTS

# What the board tests ask about the kernel, beside the image as in the quick lane.
define LINUX_RUST_DESCRIBE
	$(INSTALL) -m 0644 $(@D)/.config $(BINARIES_DIR)/kernel.config
	$(INSTALL) -m 0644 $(@D)/System.map $(BINARIES_DIR)/System.map
	$(INSTALL) -m 0644 $(@D)/include/config/kernel.release $(BINARIES_DIR)/kernel.release
	sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$$/\1/p' $(@D)/.config \
		>$(BINARIES_DIR)/rustc.version
	printf '%s\n' $(LINUX_KCONFIG_FILE) $(LINUX_KCONFIG_FRAGMENT_FILES) \
		>$(BINARIES_DIR)/fragments
endef

# check-package TypoInPackageVariable
LINUX_POST_INSTALL_IMAGES_HOOKS += LINUX_RUST_DESCRIBE

endif # BR2_LINUX_KERNEL_EXT_RUST
