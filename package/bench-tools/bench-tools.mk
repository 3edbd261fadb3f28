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
BENCH_TOOLS_LICENSE_FILES = Cargo.toml

BENCH_TOOLS_PRE_CONFIGURE_HOOKS += IRONROOT_CARGO_VENDOR

$(eval $(cargo-package))
