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
GROW_ROOT_LICENSE_FILES = MIT.txt

GROW_ROOT_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS
GROW_ROOT_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR
GROW_ROOT_POST_LEGAL_INFO_HOOKS += IRONROOT_CRATES_LEGAL_INFO

$(eval $(cargo-package))
