//! Reading the memory of another process, by the files that Linux has of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use super::patterns::Patterns;

/// How much is read at once, in bytes.
const STEP: usize = 1 << 20;

/// Where a pattern was found.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) name: String,
    region: String,
    count: usize,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}, {} times", self.name, self.region, self.count)
    }
}

/// Looks for the patterns in all private memory that can be read: heap, stacks, what was mapped.
pub(super) fn scan(process: u32, patterns: &Patterns) -> io::Result<Vec<Hit>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut hits = BTreeMap::<(String, String), usize>::new();
    let mut read = 0;
    let mut buffer = vec![0; STEP + patterns.longest()];
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, permissions) = (fields.next().unwrap(), fields.next().unwrap());
        let name = fields.nth(3).unwrap_or("memory without a name");
        let name = name.rsplit('/').next().unwrap();
        if !permissions.starts_with('r') || !permissions.ends_with('p') || name.starts_with("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let (mut at, end) = (number(start), number(end));
        while at < end {
            let most = usize::try_from(end - at).unwrap().min(buffer.len());
            let part = &mut buffer[..most];
            memory.read_exact_at(part, at)?;
            read += most;
            for found in patterns.find(part) {
                *hits.entry((found.to_owned(), name.to_owned())).or_default() += 1;
            }
            at += u64::try_from(STEP).unwrap();
        }
    }
    assert!(read > STEP, "only {read} bytes of memory were read");
    let hit = |((name, region), count)| Hit { name, region, count };
    Ok(hits.into_iter().map(hit).collect())
}
