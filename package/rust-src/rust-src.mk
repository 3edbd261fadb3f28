################################################################################
#
# rust-src
#
################################################################################

# SPDX-License-Identifier: MIT
# The Rust library's source, from which the kernel builds its own core. The
# version is that of Buildroot's rust-bin; the site is where that release's
# channel manifest says it is.
RUST_SRC_VERSION = 1.96.1
RUST_SRC_SITE = https://static.rust-lang.org/dist/2026-06-30
RUST_SRC_SOURCE = rust-src-$(RUST_SRC_VERSION).tar.xz
RUST_SRC_LICENSE = Apache-2.0 or MIT
RUST_SRC_LICENSE_FILES = LICENSE-APACHE LICENSE-MIT

ifeq ($(BR_BUILDING)$(BR2_LINUX_KERNEL_EXT_RUST_BUILDROOT),yy)
ifneq ($(RUST_SRC_VERSION),$(RUST_BIN_VERSION))
$(error rust-src is $(RUST_SRC_VERSION), but this Buildroot has rust-bin $(RUST_BIN_VERSION): \
	use the Buildroot version that this tree names, or update package/rust-src)
endif
endif

define HOST_RUST_SRC_INSTALL_CMDS
	mkdir -p $(HOST_DIR)/lib/rustlib
	cp -a $(@D)/rust-src/lib/rustlib/src $(HOST_DIR)/lib/rustlib/
endef

$(eval $(host-generic-package))
