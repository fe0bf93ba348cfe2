//! A file that is put aside when it is large, of which a few are kept.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that is written. Whoever writes a line writes all of it at once, so that no line is divided.
pub(super) struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    most: u64,
    keep: u32,
}

impl Rotating {
    pub(super) fn open(path: &Path, most: u64, keep: u32) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            most,
            keep,
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            let (from, to) = (aside(&self.path, number), aside(&self.path, number + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        } else {
            fs::rename(&self.path, aside(&self.path, 1))?;
        }
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(length) > self.most && self.rotate().is_err() {
            // It grows further rather than being lost, and is tried again when it has grown by as much.
            self.size = 0;
        }
        let written = self.file.write(bytes)?;
        self.size += u64::try_from(written).unwrap_or_default();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn aside(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

/// Serials and codes of refusals are nobody else's business.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scratch::Scratch;

    #[test]
    fn large_files_are_put_aside_and_the_oldest_goes() {
        let folder = Scratch::new("log-many");
        let path = folder.join("service.log");
        fs::write(&path, "before\n").unwrap();
        let mut log = Rotating::open(&path, 16, 2).unwrap();
        for number in 0..7 {
            writeln!(log, "line {number}").unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("service.log"), "line 5\nline 6\n");
        assert_eq!(read("service.log.1"), "line 3\nline 4\n");
        assert_eq!(read("service.log.2"), "line 1\nline 2\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[test]
    fn a_log_whose_folder_is_gone_goes_on() {
        let folder = Scratch::new("log-gone");
        let mut log = Rotating::open(&folder.join("service.log"), 4, 2).unwrap();
        log.write_all(b"one\n").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        log.write_all(b"two\n").unwrap();
        log.write_all(b"three\n").unwrap();
    }

    #[test]
    fn none_is_kept_if_none_is_to_be() {
        let folder = Scratch::new("log-none");
        let path = folder.join("service.log");
        let mut log = Rotating::open(&path, 4, 0).unwrap();
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
