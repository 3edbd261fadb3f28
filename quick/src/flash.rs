// SPDX-License-Identifier: MIT
//! `make flash BOARD=… DEVICE=/dev/…`: writes a disk image to a card and reads it back.
//!
//! The refusals come first and each says what to do; `bmaptool` writes. It verifies the image while
//! it reads; that the card kept what was written is checked here, past the page cache.

use anyhow::{bail, ensure, Context as _, Result};
use rustix::fs::OFlags;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes that one read-back takes; a multiple of every block size.
const CHUNK: usize = 1 << 20;
/// What direct input and output must be aligned to on any disk.
const ALIGN: usize = 4096;

/// Writes `image` to `device` and verifies it; asks first unless `yes`.
///
/// # Errors
///
/// Says which rule refuses the device, or where the card differs from the image.
pub fn run(image: &Path, device: &Path, yes: bool) -> Result<()> {
    let size = match fs::metadata(image) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("{}: no such image; `make image` builds it", image.display())
        }
        other => other.with_context(|| image.display().to_string())?.len(),
    };
    let bmap = bmap_of(image)?;
    let disk = Machine::this()?.check(device, size)?;
    check_free(device)?;

    println!("device  {}", device.display());
    println!("model   {}", disk.model);
    println!("size    {}", human(disk.size));
    println!("image   {}, {}", image.display(), human(size));
    if !yes {
        confirm(device)?;
    }
    // It cannot write to the build root's /sys, and says so in twelve lines.
    println!("writing; what bmaptool says about udev rules concerns speed only");
    let status = Command::new("bmaptool")
        .args(["copy", "--bmap"])
        .args([&bmap, image, device])
        .status()
        .context("cannot start bmaptool")?;
    ensure!(
        status.success(),
        "bmaptool could not write {} ({status}); the card is not usable, write it again",
        device.display()
    );
    let bytes = verify(image, device, &ranges(&fs::read_to_string(&bmap)?)?)?;
    println!("{} holds the image: {} read back and compared", device.display(), human(bytes));
    Ok(())
}

/// The block map beside an image.
fn bmap_of(image: &Path) -> Result<PathBuf> {
    let mut beside = image.as_os_str().to_owned();
    beside.push(".bmap");
    [PathBuf::from(beside), image.with_extension("bmap")]
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("no .bmap beside {}; `make image` builds both", image.display()))
}

/// A disk that the rules let through.
#[derive(Debug)]
struct Disk {
    model: String,
    size: u64,
}

/// What the machine says about its disks.
struct Machine {
    sys: PathBuf,
    /// The host's mount table: the build root's own shows other mount points.
    mounts: String,
    swaps: String,
}

impl Machine {
    fn this() -> Result<Self> {
        let mounts = std::env::var_os("IRONROOT_HOST_MOUNTS")
            .map_or_else(|| PathBuf::from("/proc/self/mountinfo"), PathBuf::from);
        Ok(Self {
            sys: PathBuf::from("/sys"),
            mounts: fs::read_to_string(&mounts)
                .with_context(|| format!("cannot read the mount table {}", mounts.display()))?,
            swaps: fs::read_to_string("/proc/swaps").unwrap_or_default(),
        })
    }

    /// Lets a whole, idle, writable and large enough disk through.
    fn check(&self, device: &Path, needed: u64) -> Result<Disk> {
        let shown = device.display();
        let meta = match fs::metadata(device) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{shown}: no such device; plug the card in and see `lsblk`")
            }
            other => other.with_context(|| shown.to_string())?,
        };
        let kind = meta.file_type();
        ensure!(!kind.is_file(), "{shown}: a regular file, not a disk");
        ensure!(!kind.is_dir(), "{shown}: a folder, not a disk");
        ensure!(!kind.is_char_device(), "{shown}: a character device, not a disk");
        ensure!(kind.is_block_device(), "{shown}: not a disk");
        let (major, minor) = numbers(meta.rdev());
        self.check_disk(device, &format!("{major}:{minor}"), needed)
    }

    fn check_disk(&self, device: &Path, number: &str, needed: u64) -> Result<Disk> {
        let shown = device.display();
        let dir = self
            .dir(number)
            .with_context(|| format!("{shown}: not in /sys/dev/block as {number}"))?;
        if dir.join("partition").exists() {
            let whole = dir.parent().map_or_else(String::new, name);
            bail!("{shown}: a partition; the image is a whole disk: DEVICE=/dev/{whole}");
        }
        ensure!(
            entries(&dir.join("slaves")).is_empty(),
            "{shown}: made of other devices (device-mapper, RAID); name the disk itself"
        );

        let all = self.stacked_on(&dir);
        let mounts = self.mounts();
        // Before the next rule, which fits too but says to unmount it.
        if let Some((root, _)) = mounts.iter().find(|(_, point)| point == "/") {
            ensure!(
                !self.below(root).contains(&dir),
                "{shown}: the system disk (it holds /); name the card's device, see `lsblk`"
            );
        }
        for (mounted, point) in &mounts {
            if let Some(dir) = self.dir(mounted).filter(|dir| all.contains(dir)) {
                let part = name(&dir);
                bail!("{shown}: /dev/{part} is mounted on {point}; first: sudo umount {point}");
            }
        }
        for swap in self.swaps.lines().skip(1) {
            let path = swap.split_whitespace().next().unwrap_or_default();
            let number = block_number(Path::new(path));
            if number.and_then(|n| self.dir(&n)).is_some_and(|dir| all.contains(&dir)) {
                bail!("{shown}: {path} is in use as swap; first: sudo swapoff {path}");
            }
        }
        if let Some(holder) = all.iter().flat_map(|dir| entries(&dir.join("holders"))).next() {
            bail!("{shown}: in use by /dev/{holder} (device-mapper or RAID); stop that first");
        }
        ensure!(
            self.attribute(&dir, "ro") != "1",
            "{shown}: read-only; check the card's lock switch"
        );
        let sectors: u64 = self.attribute(&dir, "size").parse().unwrap_or(0);
        let size = sectors * 512;
        ensure!(size > 0, "{shown}: no medium; put a card into the reader");
        ensure!(
            size >= needed,
            "{shown}: too small: it has {}, the image needs {}",
            human(size),
            human(needed)
        );
        let model = ["device/vendor", "device/model", "device/name"]
            .map(|file| self.attribute(&dir, file))
            .join(" ");
        let model = model.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Disk {
            model: if model.is_empty() { "(it names none)".to_owned() } else { model },
            size,
        })
    }

    /// Where sysfs describes the block device `major:minor`.
    fn dir(&self, number: &str) -> Option<PathBuf> {
        fs::canonicalize(self.sys.join("dev/block").join(number)).ok()
    }

    fn attribute(&self, dir: &Path, file: &str) -> String {
        fs::read_to_string(dir.join(file)).unwrap_or_default().trim().to_owned()
    }

    /// A disk, its partitions, and whatever device-mapper and RAID stacked on them.
    fn stacked_on(&self, disk: &Path) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut open = vec![disk.to_owned()];
        while let Some(dir) = open.pop() {
            if !found.insert(dir.clone()) {
                continue;
            }
            for part in entries(&dir) {
                if dir.join(&part).join("partition").exists() {
                    open.push(dir.join(part));
                }
            }
            for holder in entries(&dir.join("holders")) {
                open.extend(fs::canonicalize(dir.join("holders").join(holder)));
            }
        }
        found
    }

    /// The whole disks that the device `major:minor` rests on.
    fn below(&self, number: &str) -> BTreeSet<PathBuf> {
        let mut disks = BTreeSet::new();
        let mut open: Vec<_> = self.dir(number).into_iter().collect();
        while let Some(dir) = open.pop() {
            for slave in entries(&dir.join("slaves")) {
                open.extend(fs::canonicalize(dir.join("slaves").join(slave)));
            }
            match dir.parent() {
                Some(whole) if dir.join("partition").exists() => open.push(whole.to_owned()),
                _ => {
                    disks.insert(dir);
                }
            }
        }
        disks
    }

    /// Each mount's device as `major:minor`, and its mount point.
    fn mounts(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for line in self.mounts.lines() {
            let fields: Vec<_> = line.split(' ').collect();
            let (Some(number), Some(point)) = (fields.get(2), fields.get(4)) else {
                continue;
            };
            found.push(((*number).to_owned(), (*point).to_owned()));
            // btrfs shows a number of its own; the source is the device.
            let source = fields.iter().position(|field| *field == "-").map(|dash| dash + 2);
            if let Some(source) = source.and_then(|at| fields.get(at)) {
                if let Some(number) = block_number(Path::new(source)) {
                    found.push((number, (*point).to_owned()));
                }
            }
        }
        found
    }
}

fn numbers(rdev: u64) -> (u32, u32) {
    (rustix::fs::major(rdev), rustix::fs::minor(rdev))
}

fn block_number(path: &Path) -> Option<String> {
    let meta = fs::metadata(path).ok().filter(|meta| meta.file_type().is_block_device())?;
    let (major, minor) = numbers(meta.rdev());
    Some(format!("{major}:{minor}"))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Asks the kernel for the device alone, which it refuses while anything uses it: also what is
/// mounted where this process cannot see it, in a container or by another user.
fn check_free(device: &Path) -> Result<()> {
    let flags = i32::try_from(OFlags::EXCL.bits())?;
    let Err(error) = File::options().write(true).custom_flags(flags).open(device) else {
        return Ok(());
    };
    let shown = device.display();
    match error.kind() {
        io::ErrorKind::ResourceBusy => {
            bail!("{shown}: in use (a mount that is not visible here, swap or RAID); see `lsblk`")
        }
        io::ErrorKind::PermissionDenied => {
            // Inside the build root everybody is 0; the host's number is handed in.
            let user = std::env::var("IRONROOT_HOST_UID").unwrap_or_else(|_| "$USER".to_owned());
            bail!("{shown}: no permission to write; run this, then the same make flash again:\n  sudo chown {user} {shown}")
        }
        _ => Err(error).with_context(|| format!("cannot open {shown}")),
    }
}

fn confirm(device: &Path) -> Result<()> {
    let shown = device.display();
    ensure!(
        io::stdin().is_terminal(),
        "{shown}: nobody to ask here; if this device may be overwritten, say so: make flash … YES=1"
    );
    print!("Everything on {shown} will be lost. Type yes to write it: ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    ensure!(answer.trim() == "yes", "not written: the answer was not yes");
    Ok(())
}

/// The block map's mapped bytes, `first..=last`.
fn ranges(bmap: &str) -> Result<Vec<RangeInclusive<u64>>> {
    let inner = |text: &str| -> Option<String> {
        Some(text.split_once('>')?.1.split_once('<')?.0.trim().to_owned())
    };
    let (_, after) = bmap.split_once("<BlockSize").context("the .bmap has no BlockSize")?;
    let block: u64 = inner(after).context("the .bmap's BlockSize")?.parse()?;
    let mut found = Vec::new();
    for range in bmap.split("<Range").skip(1) {
        let text = inner(range).context("the .bmap's Range")?;
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let (first, last): (u64, u64) = (first.trim().parse()?, last.trim().parse()?);
        found.push(first * block..=(last + 1) * block - 1);
    }
    ensure!(!found.is_empty(), "the .bmap maps nothing");
    Ok(found)
}

/// Compares the device with the image over `ranges`; returns how many bytes it compared.
fn verify(image: &Path, device: &Path, ranges: &[RangeInclusive<u64>]) -> Result<u64> {
    let file = File::open(image)?;
    let end = file.metadata()?.len();
    // Direct input, or the answer would come from the memory that holds what was just written.
    let flags = i32::try_from(OFlags::DIRECT.bits())?;
    let disk = File::options()
        .read(true)
        .custom_flags(flags)
        .open(device)
        .with_context(|| format!("cannot read {} back", device.display()))?;
    let mut want = vec![0; CHUNK];
    let mut store = vec![0; CHUNK + ALIGN];
    let start = store.as_ptr().align_offset(ALIGN);
    let have = &mut store[start..start + CHUNK];

    let total: u64 = ranges.iter().map(|range| (range.end() + 1).min(end) - range.start()).sum();
    let mut compared = 0;
    let mut shown = u64::MAX;
    for range in ranges {
        let mut at = *range.start();
        // The last block of an image may be a part of one.
        let stop = (range.end() + 1).min(end);
        while at < stop {
            let length = usize::try_from(stop - at)?.min(CHUNK);
            file.read_exact_at(&mut want[..length], at)?;
            read_full(&disk, &mut have[..length.next_multiple_of(ALIGN)], length, at)
                .with_context(|| format!("{}: cannot read byte {at} back", device.display()))?;
            if let Some(bad) = (0..length).find(|i| want[*i] != have[*i]) {
                bail!(
                    "{}: byte {} reads back as {:#04x}, the image has {:#04x}; the card or its reader is bad, try another",
                    device.display(),
                    at + bad as u64,
                    have[bad],
                    want[bad]
                );
            }
            at += length as u64;
            compared += length as u64;
            let percent = compared * 100 / total;
            if percent != shown && io::stderr().is_terminal() {
                eprint!("\rreading back: {percent} %");
                shown = percent;
            }
        }
    }
    if io::stderr().is_terminal() {
        eprintln!();
    }
    Ok(compared)
}

/// Reads at least `length` bytes; whole aligned blocks are asked for, which may end past the device.
fn read_full(disk: &File, buffer: &mut [u8], length: usize, at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        match disk.read_at(&mut buffer[done..], at + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => done += n,
        }
    }
    Ok(())
}

fn human(bytes: u64) -> String {
    format!("{bytes} bytes ({:.1} MiB)", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A sysfs: card `sdb` with one partition, system disk `sda`, its partition below `dm-0`.
    struct Sys(PathBuf);

    impl Sys {
        fn new(test: &str) -> Self {
            let sys =
                Self(std::env::temp_dir().join(format!("flash-{test}-{}", std::process::id())));
            let disks = [
                ("sda", "8:0"),
                ("sda/sda1", "8:1"),
                ("sdb", "8:16"),
                ("sdb/sdb1", "8:17"),
                ("dm-0", "253:0"),
            ];
            fs::create_dir_all(sys.0.join("dev/block")).unwrap();
            for (path, number) in disks {
                let dir = sys.0.join("block").join(path);
                fs::create_dir_all(dir.join("holders")).unwrap();
                fs::create_dir_all(dir.join("slaves")).unwrap();
                fs::write(dir.join("ro"), "0\n").unwrap();
                fs::write(dir.join("size"), "2048\n").unwrap();
                if path.contains('/') {
                    fs::write(dir.join("partition"), "1\n").unwrap();
                }
                symlink(dir, sys.0.join("dev/block").join(number)).unwrap();
            }
            sys.hold("sda/sda1", "dm-0");
            sys
        }

        fn hold(&self, lower: &str, upper: &str) {
            let (low, up) = (self.0.join("block").join(lower), self.0.join("block").join(upper));
            symlink(&up, low.join("holders").join(name(&up))).unwrap();
            symlink(&low, up.join("slaves").join(name(&low))).unwrap();
        }

        fn set(&self, file: &str, value: &str) {
            fs::create_dir_all(self.0.join("block").join(file).parent().unwrap()).unwrap();
            fs::write(self.0.join("block").join(file), value).unwrap();
        }

        fn check(&self, number: &str, mounts: &str) -> Result<Disk> {
            let machine =
                Machine { sys: self.0.clone(), mounts: mounts.to_owned(), swaps: String::new() };
            machine.check_disk(Path::new("/dev/x"), number, 1 << 20)
        }

        #[track_caller]
        fn refused(&self, number: &str, mounts: &str, word: &str) {
            let error = self.check(number, mounts).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    impl Drop for Sys {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    const ROOT: &str = "27 1 253:0 / / rw - ext4 /dev/mapper/root rw\n";

    #[test]
    fn lets_an_idle_card_through() {
        let sys = Sys::new("idle");
        sys.set("sdb/device/vendor", "Generic \n");
        sys.set("sdb/device/model", "SD  Reader\n");
        let disk = sys.check("8:16", ROOT).unwrap();
        assert_eq!((disk.size, disk.model.as_str()), (1 << 20, "Generic SD Reader"));
    }

    #[test]
    fn refuses_each_device_that_is_not_an_idle_card() {
        let sys = Sys::new("refuse");
        sys.refused("8:99", ROOT, "not in /sys");
        sys.refused("8:17", ROOT, "DEVICE=/dev/sdb");
        sys.refused("8:0", ROOT, "the system disk");
        sys.refused("253:0", ROOT, "made of other devices");
        let mounted = "30 27 8:17 / /media/card rw - vfat /dev/none rw\n";
        sys.refused("8:16", mounted, "/dev/sdb1 is mounted on /media/card");
        sys.refused("8:0", "", "in use by /dev/dm-0");
        sys.set("sdb/ro", "1\n");
        sys.refused("8:16", ROOT, "read-only");
        sys.set("sdb/ro", "0\n");
        sys.set("sdb/size", "0\n");
        sys.refused("8:16", ROOT, "no medium");
        sys.set("sdb/size", "2047\n");
        sys.refused("8:16", ROOT, "it has 1048064 bytes (1.0 MiB), the image needs 1048576 bytes");
    }

    #[test]
    fn finds_a_mount_through_what_is_stacked() {
        let sys = Sys::new("stacked");
        sys.refused("8:0", &ROOT.replace(" / / ", " / /data "), "/dev/dm-0 is mounted on /data");
    }

    #[test]
    fn refuses_what_is_no_block_device() {
        let machine = Machine::this().unwrap();
        for (path, word) in [
            ("/dev/null", "character device"),
            ("/proc/self/exe", "regular file"),
            ("/dev", "folder"),
            ("/dev/no-such-disk", "no such device"),
        ] {
            let error = machine.check(Path::new(path), 1).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn reads_a_block_map() {
        let bmap = "<bmap version=\"2.0\">\n <BlockSize> 4096 </BlockSize>\n <BlockMap>\n\
                    <Range chksum=\"aa\"> 0-1 </Range>\n<Range chksum=\"bb\"> 5 </Range>\n</BlockMap>";
        assert_eq!(ranges(bmap).unwrap(), [0..=8191, 20480..=24575]);
        assert!(ranges("<BlockSize>4096</BlockSize>").is_err());
        assert!(ranges("").is_err());
    }

    #[test]
    fn compares_only_what_is_mapped() {
        let dir =
            std::env::current_exe().unwrap().with_extension(format!("d{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (image, card) = (dir.join("image"), dir.join("card"));
        fs::write(&image, vec![7; 10_000]).unwrap();
        let mut content = vec![7; 16_384];
        content[5000] = 1;
        fs::write(&card, &content).unwrap();
        // 8192.. is the image's last block, of which it has a part only.
        assert_eq!(verify(&image, &card, &[0..=4095, 8192..=12_287]).unwrap(), 4096 + 1808);
        let error = verify(&image, &card, &[0..=8191]).unwrap_err().to_string();
        assert!(error.contains("byte 5000 reads back as 0x01, the image has 0x07"), "{error}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
