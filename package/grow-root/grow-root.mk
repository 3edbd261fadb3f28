################################################################################
#
# grow-root
#
################################################################################

# SPDX-License-Identifier: MIT
GROW_ROOT_VERSION = 0.1.0
GROW_ROOT_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/grow-root
GROW_ROOT_SITE_METHOD = local
GROW_ROOT_LICENSE = MIT
GROW_ROOT_LICENSE_FILES = Cargo.toml

GROW_ROOT_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR

$(eval $(cargo-package))
