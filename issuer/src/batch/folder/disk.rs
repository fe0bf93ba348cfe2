//! Waiting until many new files are on the disk.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::fs::File;
use std::io;
use std::path::Path;

/// The file system of a folder.
pub(super) struct Disk {
    /// Open from before the first file is written: a fault that the disk had since then is told once to whoever holds it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    root: File,
}

impl Disk {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        File::open(root).map(|root| Self { root })
    }

    /// Waits until `files`, which were written and closed, are on the disk: all of the file system at once, which takes
    /// about as long as a single file, and which Linux can do.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn keep(&self, files: &[&Path]) -> io::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        Ok(rustix::fs::syncfs(&self.root)?)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[allow(clippy::unnecessary_wraps, reason = "it can fail on Linux")]
    pub(super) fn of(_: &Path) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits until `files`, which were written and closed, are on the disk: one after the other.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[allow(clippy::unused_self, reason = "Linux needs the folder")]
    pub(super) fn keep(&self, files: &[&Path]) -> io::Result<()> {
        let open = |file| std::fs::OpenOptions::new().write(true).open(file);
        files.iter().try_for_each(|file| open(file)?.sync_all())
    }
}
