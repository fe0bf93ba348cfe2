//! Who writes the log, and how much of it.

use core::fmt::{self, Write as _};
use std::env;

use mdoc_core::seams::Clock as _;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level as TracingLevel, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::{FATAL, VARIABLE};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::system::SystemClock;

/// How much is logged, from nothing to everything; each has what those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    None,
    /// Why the program ended without having done what it was asked.
    Fatal,
    /// What went wrong and did not end the program.
    Error,
    /// What was done, and somebody should look at.
    Warning,
    /// What was done: keys opened, documents signed, presented and judged.
    Info,
    /// How: files read and written, steps of the verification with their outcome.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// All of them, from nothing to everything.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Fatal,
        Self::Error,
        Self::Warning,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The word for it, in the variable and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of that name.
    ///
    /// # Errors
    /// [`Failure`] that lists the names.
    pub fn named(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|level| level.name() == name);
        let words = Self::ALL.map(Self::name);
        known.ok_or_else(|| {
            let meant = nearest(name, words);
            let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
            Failure::new(format!("{VARIABLE} is `{name}`, which is no level of the log"))
                .hint(format!("{meant}the levels are {}", words.join(", ")))
        })
    }

    /// The nearest level of `tracing`, which has none above errors.
    #[must_use]
    pub const fn filter(self) -> LevelFilter {
        match self {
            Self::None => LevelFilter::OFF,
            Self::Fatal | Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }

    /// The level of an event.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        match *metadata.level() {
            TracingLevel::ERROR if metadata.target() == FATAL => Self::Fatal,
            TracingLevel::ERROR => Self::Error,
            TracingLevel::WARN => Self::Warning,
            TracingLevel::INFO => Self::Info,
            TracingLevel::DEBUG => Self::Debug,
            TracingLevel::TRACE => Self::Trace,
        }
    }
}

/// Begins the log of a program, if [`VARIABLE`] asks for one.
///
/// # Errors
/// [`Failure`] if the variable has a value that is no level.
pub fn start(program: &'static str) -> Result<(), Failure> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(());
    };
    let level = Level::named(&value.to_string_lossy())?;
    if level == Level::None {
        return Ok(());
    }
    let log = tracing_subscriber::fmt()
        .with_max_level(level.filter())
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .event_format(Line { program, level })
        .finish();
    // Fails if there is a log already, which then stays.
    let _ = tracing::subscriber::set_global_default(log);
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "program started");
    Ok(())
}

/// Writes an event as a line.
struct Line {
    program: &'static str,
    level: Level,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = Level::of(event);
        if level > self.level {
            return Ok(());
        }
        let mut pairs = Pairs::default();
        event.record(&mut pairs);
        let (time, name) = (SystemClock.now(), level.name());
        writeln!(
            writer,
            "time={time} level={name} program={} event={}{}",
            self.program, pairs.event, pairs.others
        )
    }
}

/// The values of an event, in quotes and without what could steer a terminal or begin a line of its own.
#[derive(Default)]
struct Pairs {
    event: String,
    others: String,
}

impl Pairs {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.event = format!("{value:?}");
        } else {
            let _ = write!(self.others, " {}={value:?}", field.name());
        }
    }

    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        let _ = write!(self.others, " {}={value}", field.name());
    }
}

impl Visit for Pairs {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_a_name_and_a_typing_error_is_told() {
        for level in Level::ALL {
            assert_eq!(Level::named(level.name()).unwrap(), level);
        }
        let failure = Level::named("debg").unwrap_err();
        assert_eq!(
            failure.message,
            "MDOC_LOG is `debg`, which is no level of the log"
        );
        assert_eq!(
            failure.hint.unwrap(),
            "did you mean `debug`? the levels are none, fatal, error, warning, info, debug, trace"
        );
        assert!(Level::named("").is_err() && Level::named("INFO").is_err());
    }
}
