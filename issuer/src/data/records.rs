//! Records of CSV (RFC 4180), each bounded while it is read: in bytes, and in cells.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::cells::MOST_COLUMNS;
use super::rows::{LONGEST_ROW, RowsError};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// The cells of one record.
pub(super) struct Record {
    text: Vec<u8>,
    /// Where the cells end in the text.
    ends: Vec<usize>,
    /// How many cells were found; beyond [`MOST_COLUMNS`] none is kept.
    found: usize,
}

impl Record {
    /// How many cells there are.
    pub(super) const fn len(&self) -> usize {
        self.found
    }

    /// The cells; none of a record that has more than [`MOST_COLUMNS`].
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let kept = if self.found > MOST_COLUMNS { 0 } else { self.found };
        let mut begin = 0;
        self.ends.iter().take(kept).map(move |end| {
            let cell = self.text.get(begin..*end).unwrap_or_default();
            begin = *end;
            cell
        })
    }
}

/// The records of a file.
pub(super) struct Records<R> {
    source: BufReader<R>,
    reader: Reader,
    record: Record,
    /// The byte that was read last.
    last: u8,
}

/// What became of reading a record.
struct Taken {
    /// Whether there was one.
    record: bool,
    /// Whether nothing but blanks is in its cells.
    blank: bool,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R, delimiter: u8) -> Self {
        Self {
            source: BufReader::with_capacity(CHUNK, source),
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            record: Record {
                text: vec![0; CHUNK],
                // One more, so that a record with too many is known.
                ends: vec![0; MOST_COLUMNS + 1],
                found: 0,
            },
            last: 0,
        }
    }

    /// The next record that is not blank, and the line in which it begins.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &Record)>, RowsError> {
        loop {
            // The reader has not yet counted the second half of a line end of two characters.
            let next = self.fill()?.first().copied();
            let late = u64::from(self.last == b'\r' && next == Some(b'\n'));
            let line = self.reader.line() + late;
            match self.take(line)? {
                Taken { record: false, .. } => return Ok(None),
                // Spreadsheets leave rows of empty cells behind: they are blank lines.
                Taken { blank: true, .. } => {}
                Taken { .. } => return Ok(Some((line, &self.record))),
            }
        }
    }

    fn fill(&mut self) -> Result<&[u8], RowsError> {
        loop {
            match self.source.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RowsError::Io(error)),
            }
        }
        Ok(self.source.buffer())
    }

    fn take(&mut self, line: u64) -> Result<Taken, RowsError> {
        let (mut taken, mut text, mut cells) = (0_usize, 0_usize, 0_usize);
        let mut blank = true;
        self.record.found = 0;
        loop {
            self.fill()?;
            let Record {
                text: room,
                ends,
                found,
            } = &mut self.record;
            let (result, read, written, ended) = self.reader.read_record(
                self.source.buffer(),
                room.get_mut(text..).unwrap_or_default(),
                ends.get_mut(cells..).unwrap_or_default(),
            );
            blank = blank
                && room
                    .get(text..text + written)
                    .is_some_and(|new| new.trim_ascii().is_empty());
            if let Some(last) = read.checked_sub(1) {
                self.last = self.source.buffer().get(last).copied().unwrap_or_default();
            }
            self.source.consume(read);
            taken += read;
            text += written;
            cells += ended;
            *found += ended;
            if taken > LONGEST_ROW {
                return Err(RowsError::TooLong { line });
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                // No more can be written than is read.
                ReadRecordResult::OutputFull => {
                    let more = room.len().min((LONGEST_ROW + CHUNK).saturating_sub(room.len()));
                    room.reserve_exact(more);
                    room.resize(room.len() + more, 0);
                }
                // Too many cells: they are counted, and none is kept.
                ReadRecordResult::OutputEndsFull => (text, cells) = (0, 0),
                ReadRecordResult::Record | ReadRecordResult::End => {
                    let record = result == ReadRecordResult::Record;
                    return Ok(Taken { record, blank });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every record as line and cells.
    fn all(text: &[u8]) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text, b',');
        let mut all = Vec::new();
        while let Some((line, record)) = records.next().unwrap() {
            let cells: Vec<_> = record
                .iter()
                .map(|cell| String::from_utf8(cell.to_vec()).unwrap())
                .collect();
            assert_eq!(
                cells.len(),
                if record.len() > MOST_COLUMNS {
                    0
                } else {
                    record.len()
                }
            );
            all.push((line, cells));
        }
        all
    }

    #[test]
    fn records_are_cells_with_the_line_where_they_begin() {
        for end in ["\n", "\r\n"] {
            let text = ["\u{feff}a,b", "\"1\r\n\"\"2\"\"\",", ",", "3,4"].join(end);
            let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
            assert_eq!(
                all(text.as_bytes()),
                [
                    (1, cells(["a", "b"])),
                    (2, cells(["1\r\n\"2\"", ""])),
                    (5, cells(["3", "4"])),
                ]
            );
        }
        assert_eq!(all(b""), []);
    }

    #[test]
    fn cells_longer_than_a_chunk_are_whole() {
        let long = "x".repeat(3 * CHUNK + 1);
        assert_eq!(
            all(format!("a,{long}\n{long},b").as_bytes())[1].1,
            [long.as_str(), "b"]
        );
    }

    #[test]
    fn cells_beyond_the_most_are_counted_and_not_kept() {
        let row = |cells: usize| vec!["x"; cells].join(",");
        let text = [row(MOST_COLUMNS), row(5 * MOST_COLUMNS / 2), row(1)].join("\n");
        let mut records = Records::new(text.as_bytes(), b',');
        for (line, cells, kept) in [
            (1, MOST_COLUMNS, MOST_COLUMNS),
            (2, 5 * MOST_COLUMNS / 2, 0),
            (3, 1, 1),
        ] {
            let (found, record) = records.next().unwrap().unwrap();
            assert_eq!((found, record.len(), record.iter().count()), (line, cells, kept));
        }
        assert_eq!(all(",".repeat(10_000).as_bytes()), [], "blank, however wide");
        assert!(records.record.ends.len() == MOST_COLUMNS + 1 && records.record.text.len() == CHUNK);
    }

    #[test]
    fn a_record_that_is_too_long_ends_the_reading() {
        let text = format!("a\n\"{}", "x\n".repeat(LONGEST_ROW));
        let mut records = Records::new(text.as_bytes(), b',');
        assert!(records.next().unwrap().is_some());
        assert!(matches!(records.next(), Err(RowsError::TooLong { line: 2 })));
        assert!(records.record.text.len() <= LONGEST_ROW + CHUNK);
    }
}
