################################################################################
#
# bench-tools
#
################################################################################

# SPDX-License-Identifier: MIT
BENCH_TOOLS_VERSION = 0.1.0
BENCH_TOOLS_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/bench-tools
BENCH_TOOLS_SITE_METHOD = local
BENCH_TOOLS_LICENSE = MIT
BENCH_TOOLS_LICENSE_FILES = MIT.txt

BENCH_TOOLS_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS
BENCH_TOOLS_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR
BENCH_TOOLS_POST_LEGAL_INFO_HOOKS += IRONROOT_CRATES_LEGAL_INFO

$(eval $(cargo-package))
