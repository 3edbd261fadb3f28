# SPDX-License-Identifier: MIT
include $(sort $(wildcard $(BR2_EXTERNAL_IRONROOT_PATH)/package/*/*.mk))
