//! How far the batch is, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mdoc_issuer::batch::Tally;
use mdoc_issuer::batch::folder::Before;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far it is.
pub(super) struct Progress {
    total: u64,
    before: Before,
    begun: Instant,
    told: Instant,
    kind: Kind,
}

enum Kind {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    pub(super) fn new(total: u64, before: Before, quiet: bool) -> Self {
        let kind = if quiet {
            Kind::Nothing
        } else if stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(
                "[{bar:30}] {human_pos} of {human_len} · {per_sec} · {eta} left{msg}",
            ) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_position(before.records);
            bar.reset_eta();
            Kind::Bar(bar)
        } else {
            Kind::Lines
        };
        let now = Instant::now();
        Self {
            total,
            before,
            begun: now,
            told: now,
            kind,
        }
    }

    pub(super) fn tell(&mut self, tally: &Tally) {
        let failed = self.before.failed + tally.failed;
        let done = self.before.records + tally.records();
        match &self.kind {
            Kind::Nothing => {}
            Kind::Bar(bar) => {
                if failed > 0 {
                    bar.set_message(format!(" · {failed} failed"));
                }
                bar.set_position(done);
            }
            Kind::Lines => {
                if self.told.elapsed() >= LINE_EVERY {
                    self.told = Instant::now();
                    // Nobody is left to be told if this cannot be written.
                    let _ = stderr().write_all(self.line(tally.records(), done, failed).as_bytes());
                }
            }
        }
    }

    fn line(&self, here: u64, done: u64, failed: u64) -> String {
        let whole = |number: u64| u32::try_from(number).map_or(f64::from(u32::MAX), f64::from);
        let rate = whole(here) / self.begun.elapsed().as_secs_f64().max(0.001);
        let left =
            Duration::try_from_secs_f64(whole(self.total - done) / rate.max(0.001)).unwrap_or_default();
        format!(
            "{done} of {} · {rate:.0}/s · {} left · {failed} failed\n",
            self.total,
            HumanDuration(left)
        )
    }

    pub(super) fn end(&self) {
        if let Kind::Bar(bar) = &self.kind {
            bar.finish_and_clear();
        }
    }
}
