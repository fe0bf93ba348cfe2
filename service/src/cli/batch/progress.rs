//! How far a batch is, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mdoc_service::usecase::batch::Batch;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often the bar moves.
const BAR_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    pub(super) fn new(batch: &Batch) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let total = u64::try_from(batch.total).unwrap_or(0);
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(
                "[{bar:30}] {human_pos} of {human_len} · {per_sec} · {eta} left{msg}",
            ) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        let told = Instant::now();
        Self { bar, told }
    }

    /// Whether it is time to say something.
    pub(super) fn is_due(&self) -> bool {
        let every = if self.bar.is_some() { BAR_EVERY } else { LINE_EVERY };
        self.told.elapsed() >= every
    }

    pub(super) fn tell(&mut self, batch: &Batch) {
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(batch.completed + batch.failed).unwrap_or(0));
            if batch.failed > 0 {
                bar.set_message(format!(" · {} failed", batch.failed));
            }
        } else if self.is_due() {
            let (done, total, failed) = (batch.completed + batch.failed, batch.total, batch.failed);
            // Whoever closed stderr does not want to know.
            let _ = writeln!(stderr(), "{done} of {total} rows, {failed} failed");
        } else {
            return;
        }
        self.told = Instant::now();
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
