//! Waiting until many new files are on the disk.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::thread;

/// Threads that wait for files one by one: much of the waiting is for the same writes of the file system's journal.
const WAITING: usize = 32;

/// How files of a folder are waited for.
pub(super) enum Disk {
    /// All of the file system at once, which takes about as long as a single file while nobody else writes much.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Whole {
        /// Open from before the first file is written: a fault that the disk had since then is told once to whoever
        /// holds it.
        root: File,
    },
    /// Each file.
    Each,
}

impl Disk {
    /// The surest way that the system has for the folder, and of several the fastest.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let root = File::open(root)?;
            if linux::whole_is_sure(&root)? {
                return Ok(Self::Whole { root });
            }
        }
        let _ = root;
        Ok(Self::Each)
    }

    /// Waits until `files`, which were written and closed, are on the disk.
    pub(super) fn keep(&self, files: &[&Path]) -> io::Result<()> {
        match self {
            _ if files.is_empty() => Ok(()),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Whole { root } => Ok(rustix::fs::syncfs(root)?),
            Self::Each => each(files),
        }
    }
}

fn each(files: &[&Path]) -> io::Result<()> {
    let wait = |file: &&Path| OpenOptions::new().write(true).open(file)?.sync_all();
    let share = files.len().div_ceil(WAITING).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = files
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().try_for_each(wait)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            let lost = |_| io::Error::other("a thread that waited for the disk was lost");
            thread.join().map_err(lost)?
        })
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::fs::File;
    use std::io;

    /// The first version whose `syncfs` tells of faults of the disk.
    const TELLS: (u32, u32) = (5, 8);

    /// Local file systems that write all they hold when `syncfs` asks them: ext2 to ext4, XFS, Btrfs, F2FS, and tmpfs,
    /// which has no disk. Of others (networks, programs, layers of two) it is not known.
    const KNOWN: [u32; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];

    /// Whether after `syncfs` without an error all files of the file system are on the disk.
    pub(super) fn whole_is_sure(folder: &File) -> io::Result<bool> {
        let release = rustix::system::uname();
        let tells = version(&release.release().to_string_lossy()).is_some_and(|version| version >= TELLS);
        let kind = rustix::fs::fstatfs(folder)?.f_type;
        // The numbers have 32 bits, in a type that differs from system to system.
        let known = KNOWN
            .iter()
            .any(|known| i128::from(kind) & 0xffff_ffff == i128::from(*known));
        Ok(tells && known)
    }

    /// The first two numbers of `6.1.0-18-amd64`.
    pub(super) fn version(release: &str) -> Option<(u32, u32)> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next()?.parse().ok();
        Some((next()?, next()?))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_version_of_the_system_is_read() {
        assert_eq!(linux::version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(linux::version("5.8"), Some((5, 8)));
        assert_eq!(linux::version("4.19.0+"), Some((4, 19)));
        assert_eq!(linux::version("unknown"), None);
        let root = std::env::temp_dir();
        // Whatever it says here: it says something.
        linux::whole_is_sure(&File::open(root).unwrap()).unwrap();
        assert!(!linux::whole_is_sure(&File::open("/proc").unwrap()).unwrap());
    }

    #[test]
    fn each_file_is_waited_for_and_one_that_cannot_be_is_a_fault() {
        let folder = std::env::temp_dir().join(format!("mdoc-issuer-disk-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let paths: Vec<_> = (0..100).map(|number| folder.join(number.to_string())).collect();
        for path in &paths {
            fs::write(path, b"x").unwrap();
        }
        let files: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
        Disk::of(&folder).unwrap().keep(&files).unwrap();
        Disk::Each.keep(&files).unwrap();
        Disk::Each.keep(&[]).unwrap();
        fs::remove_file(&paths[77]).unwrap();
        assert_eq!(
            Disk::Each.keep(&files).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
