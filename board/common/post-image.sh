#!/bin/sh
# SPDX-License-Identifier: MIT
# Post-image script of every board, in both lanes: disk image and block map.
# Arguments: the images directory, the board's name; `nvme` where the root file
# system is to be that of an NVMe disk (ROOT=nvme in the quick lane, the second
# word of BR2_ROOTFS_POST_SCRIPT_ARGS in Buildroot).
set -eu
images=$1
board=$2
root=${3:-}
common=$(dirname "$0")
here=$common/../$board

# What the board tests ask about the image; the quick lane, which has no
# BR2_CONFIG, writes it by itself.
[ -z "${BR2_CONFIG:-}" ] || sed -n 's/^\(BR2_PACKAGE_[A-Z0-9_]*\)=y$/\1/p' "$BR2_CONFIG" >"$images/packages"

# What a user must bring, such as firmware that is not free: said each time.
[ ! -f "$here/not-on-the-card" ] || sed '/^#/d; s/^/ironroot: /' "$here/not-on-the-card"

cp "$here/extlinux.conf" "$images/extlinux.conf"
# kmemleak takes for used what any word in memory points to, and a slab cache's
# per-CPU sheaves go on pointing to what they handed out; checked caches have none.
# Checking them would show addresses as they are, with a warning at each boot.
if grep -qs '/variant/debug\.config$' "$images/fragments"; then
	sed -i 's/^\tappend .*/& slab_debug=F,kmalloc-* hash_pointers=always/' "$images/extlinux.conf"
fi
cp "$here/genimage.cfg" "$BUILD_DIR/genimage.cfg"
# Beside every image that has the driver: its tests boot from it too.
if grep -qs '^[^:]*/rust_nvme\.ko:' "$TARGET_DIR"/lib/modules/*/modules.dep; then
	"$common/nvme-initramfs" "$TARGET_DIR" "$images/initramfs.gz"
fi
case $root in
'') ;;
nvme)
	[ -f "$images/initramfs.gz" ] || {
		echo "ironroot: error: $board: root on NVMe needs BR2_PACKAGE_RUST_NVME" >&2
		exit 1
	}
	sed -i 's,^\tappend,\tinitrd /initramfs.gz\n&,' "$images/extlinux.conf"
	sed -i 's,^\tvfat {,&\n\t\tfile initramfs.gz { image = "initramfs.gz" },' "$BUILD_DIR/genimage.cfg"
	;;
*)
	echo "ironroot: error: root on $root: only nvme, or nothing for the card" >&2
	exit 1
	;;
esac
# What Microchip's HSS starts, of U-Boot. The quick lane has no U-Boot for it:
# there the place stays empty, unless a payload is there already.
if [ -f "$here/hss-payload.conf" ]; then
	if [ -f "$images/u-boot.bin" ]; then
		cp "$here/hss-payload.conf" "$images/hss-payload.conf"
		(cd "$images" && hss-payload-generator -c hss-payload.conf payload.bin)
	elif [ ! -f "$images/payload.bin" ]; then
		: >"$images/payload.bin"
	fi
fi
# The root file system's image is made already; genimage gets an empty tree to
# copy, and so copies nothing.
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
rm -rf "$BUILD_DIR/genimage.tmp"
genimage --rootpath "$empty" --tmppath "$BUILD_DIR/genimage.tmp" \
	--inputpath "$images" --outputpath "$images" --config "$BUILD_DIR/genimage.cfg"
rm -rf "$BUILD_DIR/genimage.tmp"
bmaptool create --output "$images/sdcard.img.bmap" "$images/sdcard.img"
