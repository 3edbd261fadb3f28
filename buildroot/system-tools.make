# SPDX-License-Identifier: MIT
# Buildroot's package override file for the offline build: host packages whose
# programs the build root has are links to those, and so is nothing that they
# would have been built with.
#
# Buildroot reads this before its packages. `override` is make's: what a package
# assigns afterwards without it does not count.

# $(1): paths below HOST_DIR
define SYSTEM_TOOLS_INSTALL
	mkdir -p $(HOST_DIR)/bin $(HOST_DIR)/sbin
	set -e; for path in $(1); do \
		program=$$(PATH=/usr/bin:/usr/sbin command -v "$${path##*/}"); \
		ln -sfn "$$program" "$(HOST_DIR)/$$path"; \
	done
endef

# $(1): the package as Buildroot's variables name it; $(2): what it would install.
define SYSTEM_TOOLS
HOST_$(1)_OVERRIDE_SRCDIR = $(BASE_DIR)/no-source
override HOST_$(1)_DEPENDENCIES := host-skeleton
override HOST_$(1)_EXTRACT_DEPENDENCIES :=
override HOST_$(1)_POST_PATCH_HOOKS :=
override HOST_$(1)_PRE_CONFIGURE_HOOKS :=
override HOST_$(1)_CONFIGURE_CMDS :=
override HOST_$(1)_BUILD_CMDS :=
override HOST_$(1)_LICENSE_FILES :=
override HOST_$(1)_INSTALL_CMDS = $$(call SYSTEM_TOOLS_INSTALL,$(2))
endef

$(eval $(call SYSTEM_TOOLS,BMAP_TOOLS,bin/bmaptool))
$(eval $(call SYSTEM_TOOLS,DOSFSTOOLS,sbin/mkfs.fat sbin/mkdosfs sbin/fsck.fat))
$(eval $(call SYSTEM_TOOLS,E2FSPROGS,sbin/mke2fs sbin/mkfs.ext2 sbin/mkfs.ext3 sbin/mkfs.ext4 sbin/e2fsck))
$(eval $(call SYSTEM_TOOLS,FAKEROOT,bin/fakeroot))
$(eval $(call SYSTEM_TOOLS,GENIMAGE,bin/genimage))
$(eval $(call SYSTEM_TOOLS,KMOD,bin/kmod sbin/depmod sbin/modinfo))
$(eval $(call SYSTEM_TOOLS,LIBOPENSSL,bin/openssl))
$(eval $(call SYSTEM_TOOLS,MESON,bin/meson bin/ninja))
$(eval $(call SYSTEM_TOOLS,MTOOLS,bin/mtools bin/mcopy bin/mmd bin/mformat))
$(eval $(call SYSTEM_TOOLS,PATCHELF,bin/patchelf))
$(eval $(call SYSTEM_TOOLS,PKGCONF,bin/pkgconf))
$(eval $(call SYSTEM_TOOLS,PYTHON3,bin/python3))
$(eval $(call SYSTEM_TOOLS,RUST_BIN,bin/cargo))
$(eval $(call SYSTEM_TOOLS,UTIL_LINUX))

# The compiler is the build root's too; what it compiles for the board finds the
# standard library in RUST_SYSROOT, which is Debian's of the board's architecture.
define SYSTEM_TOOLS_RUSTC
	printf '#!/bin/sh\ncase " $$* " in *" --target $(RUSTC_TARGET_NAME) "*) set -- --sysroot=%s "$$@" ;; esac\nexec /usr/bin/rustc "$$@"\n' \
		$(RUST_SYSROOT) >$(HOST_DIR)/bin/rustc
	chmod +x $(HOST_DIR)/bin/rustc
endef
override HOST_RUST_BIN_POST_INSTALL_HOOKS := SYSTEM_TOOLS_RUSTC
