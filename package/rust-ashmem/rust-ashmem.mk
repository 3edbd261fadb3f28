################################################################################
#
# rust-ashmem
#
################################################################################

# SPDX-License-Identifier: MIT
RUST_ASHMEM_VERSION = 0.1.0
RUST_ASHMEM_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/rust-ashmem/src
RUST_ASHMEM_SITE_METHOD = local
RUST_ASHMEM_LICENSE = GPL-2.0
RUST_ASHMEM_LICENSE_FILES = GPL-2.0.txt

RUST_ASHMEM_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
