################################################################################
#
# rust-faults
#
################################################################################

# SPDX-License-Identifier: MIT
RUST_FAULTS_VERSION = 0.1.0
RUST_FAULTS_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/rust-faults/src
RUST_FAULTS_SITE_METHOD = local
RUST_FAULTS_LICENSE = GPL-2.0
RUST_FAULTS_LICENSE_FILES = GPL-2.0.txt

RUST_FAULTS_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
