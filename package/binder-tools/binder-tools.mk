################################################################################
#
# binder-tools
#
################################################################################

# SPDX-License-Identifier: MIT
BINDER_TOOLS_VERSION = 0.1.0
BINDER_TOOLS_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/binder-tools
BINDER_TOOLS_SITE_METHOD = local
BINDER_TOOLS_LICENSE = MIT, Apache-2.0 (rsbinder)
BINDER_TOOLS_LICENSE_FILES = MIT.txt

# The programs of a crate that we depend on are built only when it is named.
BINDER_TOOLS_CARGO_BUILD_OPTS = --features rsbinder -p binder-tools -p rsbinder-tools

BINDER_TOOLS_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS
BINDER_TOOLS_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR
BINDER_TOOLS_POST_LEGAL_INFO_HOOKS += IRONROOT_CRATES_LEGAL_INFO

define BINDER_TOOLS_INSTALL_TARGET_CMDS
	$(foreach program,binder-echo binder-probe rsb_device rsb_hub rsb_service,
		$(INSTALL) -D -m 0755 \
			$(@D)/target/$(RUSTC_TARGET_NAME)/$(if $(BR2_ENABLE_DEBUG),debug,release)/$(program) \
			$(TARGET_DIR)/usr/bin/$(program)
	)
endef

$(eval $(cargo-package))
