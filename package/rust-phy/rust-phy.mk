################################################################################
#
# rust-phy
#
################################################################################

# SPDX-License-Identifier: MIT
RUST_PHY_VERSION = 0.1.0
RUST_PHY_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/rust-phy/src
RUST_PHY_SITE_METHOD = local
RUST_PHY_LICENSE = GPL-2.0
RUST_PHY_LICENSE_FILES = GPL-2.0.txt

RUST_PHY_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
