//! The part of the configuration about how long things are kept.

use serde::Deserialize;

use super::{Config, ConfigError};

/// The most days that something is kept for: a hundred years.
const LONGEST: i64 = 36_500;

/// How long what is over is kept, in days. Documents and the audit trail are kept for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Messages that went out, were withdrawn or given up, after that.
    pub message_days: i64,
    /// Batches that were done or stopped, and their rows, after that.
    pub batch_days: i64,
    /// Offers that were taken, after the end of their document.
    pub offer_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            message_days: 90,
            batch_days: 365,
            offer_days: 90,
        }
    }
}

impl Config {
    pub(super) fn check_retention(&self) -> Result<(), ConfigError> {
        let kept = &self.retention;
        for (key, days) in [
            ("retention.message_days", kept.message_days),
            ("retention.batch_days", kept.batch_days),
            ("retention.offer_days", kept.offer_days),
        ] {
            if !(1..=LONGEST).contains(&days) {
                let rule = format!("it is from 1 to {LONGEST}");
                return Err(ConfigError::Value { key, rule });
            }
        }
        Ok(())
    }
}
