################################################################################
#
# driver-template
#
################################################################################

# SPDX-License-Identifier: MIT
DRIVER_TEMPLATE_VERSION = 0.1.0
DRIVER_TEMPLATE_SITE = $(BR2_EXTERNAL_IRONROOT_PATH)/package/driver-template/src
DRIVER_TEMPLATE_SITE_METHOD = local
DRIVER_TEMPLATE_LICENSE = GPL-2.0
DRIVER_TEMPLATE_LICENSE_FILES = GPL-2.0.txt

DRIVER_TEMPLATE_POST_RSYNC_HOOKS += IRONROOT_LICENSE_TEXTS

$(eval $(kernel-module))
$(eval $(generic-package))
