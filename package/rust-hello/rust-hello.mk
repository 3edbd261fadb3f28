################################################################################
#
# rust-hello
#
################################################################################

# SPDX-License-Identifier: MIT
RUST_HELLO_VERSION = 0.1.0
RUST_HELLO_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/rust-hello/src
RUST_HELLO_SITE_METHOD = local
RUST_HELLO_LICENSE = GPL-2.0
RUST_HELLO_LICENSE_FILES = GPL-2.0.txt

RUST_HELLO_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
