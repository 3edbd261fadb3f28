################################################################################
#
# ashmem-tools
#
################################################################################

# SPDX-License-Identifier: MIT
ASHMEM_TOOLS_VERSION = 0.1.0
ASHMEM_TOOLS_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/ashmem-tools
ASHMEM_TOOLS_SITE_METHOD = local
ASHMEM_TOOLS_LICENSE = MIT
ASHMEM_TOOLS_LICENSE_FILES = MIT.txt

ASHMEM_TOOLS_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS
ASHMEM_TOOLS_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR
ASHMEM_TOOLS_POST_LEGAL_INFO_HOOKS += IRONROOT_CRATES_LEGAL_INFO

define ASHMEM_TOOLS_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 \
		$(@D)/target/$(RUSTC_TARGET_NAME)/$(if $(BR2_ENABLE_DEBUG),debug,release)/ashmem-probe \
		$(TARGET_DIR)/usr/bin/ashmem-probe
endef

$(eval $(cargo-package))
