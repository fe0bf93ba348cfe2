//! The log of the running service: a JSON object a line, to a file that is rotated or to standard error (E22).
//!
//! `MDOC_LOG` goes before the configuration, and gives the lines of the other programs. What others wrote is in no line as it
//! was: control characters and marks that turn text round are replaced, and addresses of requests are templates.

mod rotate;

use core::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use mdoc_cli::failure::printable_line;
use mdoc_cli::log::Level;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Failure, log as programs};
use mdoc_core::seams::Clock as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use self::rotate::Rotating;

tokio::task_local! {
    /// The name of the request that is being answered: every line that belongs to it has it.
    pub static REQUEST: String;
}

/// What is logged, and where to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How much: none, fatal, error, warning, info, debug, trace. Info has a line for each request.
    pub level: String,
    /// A file; without it, standard error.
    pub file: Option<PathBuf>,
    /// From how many bytes on the file is put aside.
    pub bytes: u64,
    /// How many files are kept that were put aside: FILE.1 is the newest of them.
    pub keep: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: Level::Warning.name().to_owned(),
            file: None,
            bytes: 16 * 1024 * 1024,
            keep: 8,
        }
    }
}

impl Settings {
    /// The level, if it is one.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == self.level)
    }
}

/// Begins the log, unless `MDOC_LOG` has begun another.
///
/// # Errors
/// [`Failure`] if the file cannot be written.
pub fn start(settings: &Settings) -> Result<(), Failure> {
    let asked = std::env::var_os(programs::VARIABLE).is_some_and(|value| !value.is_empty());
    let level = settings.level().unwrap_or(Level::Warning);
    if asked || level == Level::None {
        return Ok(());
    }
    let log = tracing_subscriber::fmt()
        .with_max_level(level.filter())
        .with_ansi(false)
        .event_format(Line { level });
    // Fails if there is a log already, which then stays.
    let _stays = match &settings.file {
        None => tracing::subscriber::set_global_default(log.with_writer(io::stderr).finish()),
        Some(path) => {
            let file = Rotating::open(path, settings.bytes, settings.keep).map_err(|why| {
                Failure::new(format!("the log {} cannot be written: {why}", path.display()))
                    .hint("see `log.file` in the configuration")
            })?;
            tracing::subscriber::set_global_default(log.with_writer(Mutex::new(file)).finish())
        }
    };
    Ok(())
}

/// Writes an event as a line.
struct Line {
    level: Level,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = Level::of(event);
        if level > self.level {
            return Ok(());
        }
        let mut members = Members(Map::new());
        members.text("time", &SystemClock.now().to_string());
        members.text("level", level.name());
        members.text("event", "");
        if let Ok(name) = REQUEST.try_with(Clone::clone) {
            members.text("request", &name);
        }
        event.record(&mut members);
        writeln!(out, "{}", Value::Object(members.0))
    }
}

/// The values of an event.
struct Members(Map<String, Value>);

impl Members {
    fn text(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), printable_line(value).into());
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = if field.name() == "message" {
            "event"
        } else {
            field.name()
        };
        self.text(name, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: Level, work: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(level.filter())
            .event_format(Line { level })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(log, work);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_an_object_and_nobody_can_write_another_into_it() {
        let lines = lines(Level::Info, || {
            let steers = "a\nb\u{1b}[31m\u{202e}\"c";
            REQUEST.sync_scope("1f".to_owned(), || {
                tracing::warn!(status = 200, good = true, why = steers, "said {steers}");
            });
            tracing::info!(why = %steers, "outside");
            tracing::debug!("not asked for");
        });
        assert_eq!(lines.len(), 2);
        let first = &lines[0];
        assert_eq!(
            (
                &first["level"],
                &first["request"],
                &first["status"],
                &first["good"]
            ),
            (&"warning".into(), &"1f".into(), &200.into(), &true.into())
        );
        let harmless = "a\u{fffd}b\u{fffd}[31m\u{fffd}\"c";
        assert_eq!(first["why"], harmless);
        assert_eq!(first["event"], format!("said {harmless}"));
        assert_eq!(
            (&lines[1]["why"], lines[1].get("request")),
            (&harmless.into(), None)
        );
    }

    #[test]
    fn every_level_has_what_is_worse() {
        let all = || {
            tracing::error!(target: programs::FATAL, "fatal");
            tracing::error!("error");
            tracing::warn!("warning");
            tracing::info!("info");
            tracing::debug!("debug");
            tracing::trace!("trace");
        };
        for (count, level) in (0..).zip(Level::ALL) {
            let lines = lines(level, all);
            let words: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
            let names: Vec<_> = Level::ALL[1..].iter().map(|level| level.name()).collect();
            assert_eq!(words, names[..count]);
        }
    }

    #[test]
    fn a_level_that_is_none_is_found() {
        let mut settings = Settings::default();
        assert_eq!(settings.level(), Some(Level::Warning));
        settings.level = "loud".to_owned();
        assert_eq!(settings.level(), None);
    }
}
