# SPDX-License-Identifier: MIT
include $(sort $(wildcard $(BR2_EXTERNAL_IRONROOT_PATH)/package/*/*.mk))

# The licences' texts stand once, beside the packages; legal-info wants them in
# each package's own folder.
define IRONROOT_LICENSE_TEXTS
	cp $(BR2_EXTERNAL_IRONROOT_PATH)/LICENSES/*.txt $(@D)/
endef

# Buildroot takes the crates that a downloaded cargo package needs at download
# time. Our own packages stand in this tree and are not downloaded: theirs are
# taken, by the checksums in Cargo.lock, before the build, which is offline.
define IRONROOT_CARGO_VENDOR
	cd $(@D) && mkdir -p .cargo && \
		$(TARGET_MAKE_ENV) $(PKG_CARGO_ENV) \
			cargo vendor --locked VENDOR >.cargo/config.toml
endef
