//! What is counted and measured, for who watches the service: OpenMetrics text, on a listener of its own (E22).
//!
//! Labels have names that this program knows (templates of routes, codes, moves), and numbers of lists. None has anything of
//! a person, or anything that whoever asks may choose.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The media type of OpenMetrics text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Label = (&'static str, String);
type Seconds = Gauge<f64, AtomicU64>;

/// Counters and measures of one service. What changes by itself (ages, ends of certificates) is set when it is asked for.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<[Label; 3], Counter>,
    durations: Family<[Label; 1], Histogram, fn() -> Histogram>,
    acts: Family<[Label; 1], Counter>,
    refusals: Family<[Label; 1], Counter>,
    limited: Family<[Label; 1], Counter>,
    batches: Histogram,
    batch_durations: Histogram,
    retries: Counter,
    list_durations: Histogram,
    /// Collections that are under way, of all nodes.
    pub sessions: Gauge,
    list_ages: Family<[Label; 1], Seconds>,
    list_entries: Family<[Label; 1], Gauge>,
    list_bytes: Family<[Label; 1], Gauge>,
    certificates: Family<[Label; 1], Gauge>,
}

fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("mdoc_service"),
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            acts: Family::default(),
            refusals: Family::default(),
            limited: Family::default(),
            batches: Histogram::new(exponential_buckets(1.0, 2.0, 8)),
            batch_durations: durations(),
            retries: Counter::default(),
            list_durations: durations(),
            sessions: Gauge::default(),
            list_ages: Family::default(),
            list_entries: Family::default(),
            list_bytes: Family::default(),
            certificates: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let all = &mut self.registry;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let info = prometheus_client::metrics::info::Info::new(version);
        all.register("build", "The program", info);
        all.register(
            "requests",
            "Requests by route, method and class of status",
            self.requests.clone(),
        );
        let help = "Until the head of the answer, by route";
        all.register_with_unit("request_duration", help, Unit::Seconds, self.durations.clone());
        all.register(
            "acts",
            "What was done and kept, as the audit trail calls it",
            self.acts.clone(),
        );
        all.register(
            "refusals",
            "What a rule refused, by its code",
            self.refusals.clone(),
        );
        let help = "Requests that came too often from one address, by kind of endpoint";
        all.register("rate_limited", help, self.limited.clone());
        let help = "Pieces of work that the database flushed together";
        all.register("database_batch_size", help, self.batches.clone());
        let help = "One transaction that writes, with its flush";
        all.register_with_unit(
            "database_batch_duration",
            help,
            Unit::Seconds,
            self.batch_durations.clone(),
        );
        let help = "Work that the database wanted to be done again";
        all.register("database_retries", help, self.retries.clone());
        let help = "Making a status list: compressing and signing";
        all.register_with_unit(
            "list_making_duration",
            help,
            Unit::Seconds,
            self.list_durations.clone(),
        );
        all.register(
            "sessions",
            "Collections that are under way",
            self.sessions.clone(),
        );
        let help = "Since the list that is sent was signed, by its number";
        all.register_with_unit("list_age", help, Unit::Seconds, self.list_ages.clone());
        all.register(
            "list_entries",
            "Entries of the list, by its number",
            self.list_entries.clone(),
        );
        let help = "The list as it is sent, by its number";
        all.register_with_unit("list_size", help, Unit::Bytes, self.list_bytes.clone());
        let help = "Until the certificate is over; negative if it is";
        all.register_with_unit(
            "certificate_expiry",
            help,
            Unit::Seconds,
            self.certificates.clone(),
        );
    }

    /// A request was answered.
    pub fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        let route = ("route", route.to_owned());
        let labels = [
            route.clone(),
            ("method", method.to_owned()),
            ("status", class.to_owned()),
        ];
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&[route]).observe(took.as_secs_f64());
    }

    /// Something was done, and is in the audit trail.
    pub fn done(&self, action: &str) {
        self.acts.get_or_create(&[("action", action.to_owned())]).inc();
    }

    /// A rule said no.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&[("code", code.to_owned())]).inc();
    }

    /// Somebody asked too often.
    pub fn rate_limited(&self, class: &'static str) {
        self.limited.get_or_create(&[("class", class.to_owned())]).inc();
    }

    /// The database took pieces of work in one transaction.
    pub fn wrote(&self, pieces: usize, took: Duration) {
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        self.batches.observe(pieces.into());
        self.batch_durations.observe(took.as_secs_f64());
    }

    /// The database wanted work to be done again.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// A list was made.
    pub fn list_made(&self, took: Duration) {
        self.list_durations.observe(took.as_secs_f64());
    }

    /// What a list is like now.
    pub fn list(&self, number: i64, age: i64, (entries, bytes): (u64, usize)) {
        let label = [("list", number.to_string())];
        let age = i32::try_from(age).unwrap_or(i32::MAX);
        self.list_ages.get_or_create(&label).set(age.into());
        self.list_entries
            .get_or_create(&label)
            .set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.list_bytes
            .get_or_create(&label)
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// What is known of certificates is forgotten.
    pub fn no_certificates(&self) {
        self.certificates.clear();
    }

    /// For how many seconds a certificate is good.
    pub fn certificate(&self, name: &str, seconds: i64) {
        self.certificates
            .get_or_create(&[("certificate", name.to_owned())])
            .set(seconds);
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_in_the_text_and_ends_as_the_format_asks() {
        let metrics = Metrics::default();
        metrics.answered("/token", "POST", 429, Duration::from_millis(3));
        metrics.answered("/token", "POST", 404, Duration::from_millis(3));
        metrics.done("document.disable");
        metrics.refused("offer_used");
        metrics.rate_limited("token");
        metrics.wrote(5, Duration::from_millis(2));
        metrics.list(3, 60, (8, 100));
        metrics.certificate("status", -5);
        let text = metrics.text();
        for line in [
            "mdoc_service_requests_total{route=\"/token\",method=\"POST\",status=\"4xx\"} 2",
            "mdoc_service_request_duration_seconds_count{route=\"/token\"} 2",
            "mdoc_service_acts_total{action=\"document.disable\"} 1",
            "mdoc_service_refusals_total{code=\"offer_used\"} 1",
            "mdoc_service_rate_limited_total{class=\"token\"} 1",
            "mdoc_service_database_batch_size_bucket{le=\"8.0\"} 1",
            "mdoc_service_database_batch_size_bucket{le=\"4.0\"} 0",
            "mdoc_service_list_age_seconds{list=\"3\"} 60.0",
            "mdoc_service_list_entries{list=\"3\"} 8",
            "mdoc_service_list_size_bytes{list=\"3\"} 100",
            "mdoc_service_certificate_expiry_seconds{certificate=\"status\"} -5",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
