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
	cd $($(PKG)_DIR) && mkdir -p .cargo && \
		$(TARGET_MAKE_ENV) $(PKG_CARGO_ENV) \
			cargo vendor --locked VENDOR >.cargo/config.toml
endef

# legal-info saves what stands in this tree; the crates' licences and sources
# are added here.
define IRONROOT_CRATES_LEGAL_INFO
	$(Q)test -d $($(PKG)_DIR)/VENDOR || { $(IRONROOT_CARGO_VENDOR); }
	$(Q). support/download/helpers; cd $($(PKG)_BUILDDIR); TAR=$(TAR) mk_tar_gz \
		$($(PKG)_DIR)/VENDOR $($(PKG)_BASENAME_RAW)-crates @0 \
		$($(PKG)_REDIST_SOURCES_DIR)/$($(PKG)_BASENAME_RAW)-crates.tar.gz
	$(Q)$(BR2_EXTERNAL_IRONROOT_PATH)/buildroot/crates.py \
		$($(PKG)_RAWNAME) $($(PKG)_DIR)/VENDOR \
		$(LICENSE_FILES_DIR_TARGET)/$($(PKG)_BASENAME_RAW) \
		$(LEGAL_MANIFEST_CSV_TARGET) $($(PKG)_BASENAME_RAW)-crates.tar.gz
endef

$(patsubst $(BR2_EXTERNAL_IRONROOT_PATH)/package/%/Cargo.toml,%-legal-info, \
	$(wildcard $(BR2_EXTERNAL_IRONROOT_PATH)/package/*/Cargo.toml)): | host-rustc
