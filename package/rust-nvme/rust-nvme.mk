################################################################################
#
# rust-nvme
#
################################################################################

# SPDX-License-Identifier: MIT
RUST_NVME_VERSION = 0.1.0
RUST_NVME_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/rust-nvme/src
RUST_NVME_SITE_METHOD = local
RUST_NVME_LICENSE = GPL-2.0
RUST_NVME_LICENSE_FILES = GPL-2.0.txt

RUST_NVME_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
