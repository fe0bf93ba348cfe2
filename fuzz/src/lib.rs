//! Hostile input for every entry point.
//!
//! A [`Target`] is an ordinary function that takes bytes and asserts what holds for all bytes: that nothing
//! panics, that what decodes and is written again is the same, that an accepted report implies what it says.
//! `cargo test` runs all of them over the kept corpus and over the vectors on stable Rust; `fuzz/run` runs one of
//! them under libFuzzer. `docs/robustness.md` tells how, and what came of it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "an assertion that does not hold is to stop the run: that is what it is for"
)]

pub mod badges;
pub mod certificates;
pub mod data;
pub mod decoding;
pub mod differential;
pub mod fixtures;
pub mod inspecting;
pub mod keys;
pub mod memory;
pub mod messages;
pub mod oauth;
pub mod openid;
pub mod pictures;
pub mod resigned;
pub mod responses;
pub mod scans;
pub mod seeds;
pub mod sessions;
pub mod statuses;

/// An entry point under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line, and of its folder in the corpus.
    pub name: &'static str,
    /// The body: panics if something does not hold.
    pub run: fn(&[u8]),
    /// The longest input that the fuzzer makes, in bytes.
    pub max_len: usize,
    /// Inputs to begin with, from the vectors and from what the toolkit makes itself.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident = $module:ident, $max_len:expr;)+) => {
        /// All targets, the cheap ones first.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $module::$name,
            max_len: $max_len,
            seeds: seeds::$name,
        }),+];
    };
}

targets! {
    engagement_uri = messages, 512;
    scan_text = scans, 512;
    pkcs11_uri = keys, 512;
    cbor_differential = differential, 512;
    cose = messages, 1024;
    engagement = messages, 1024;
    transcript = messages, 1024;
    session = sessions, 1024;
    ble_link = sessions, 1024;
    status_token = statuses, 2048;
    decode = decoding, 4096;
    jws = openid, 2048;
    jwe = openid, 2048;
    credential_request = openid, 1024;
    badge_received = badges, 2048;
    metadata = oauth, 2048;
    authorization = oauth, 1024;
    signed_jwt = oauth, 2048;
    status_check = statuses, 512;
    mso = responses, 2048;
    device_request = messages, 2048;
    issuer_signed = responses, 4096;
    device_response = responses, 4096;
    ocsp_request = certificates, 512;
    ocsp_response = certificates, 2048;
    crl = certificates, 2048;
    csr = certificates, 1024;
    certificate = certificates, 2048;
    chain = certificates, 4096;
    pem = certificates, 4096;
    private_key = keys, 1024;
    encrypted_key = keys, 1024;
    vical = certificates, 4096;
    request_toml = data, 1024;
    vical_listing = data, 1024;
    batch_json = data, 2048;
    batch_csv = data, 2048;
    person = data, 2048;
    format_xml = data, 4096;
    badge_layout = data, 4096;
    inspect = inspecting, 4096;
    picture_png = pictures, 512;
    picture_jpeg = pictures, 1024;
    picture_jpeg2000 = pictures, 1024;
    scan_frame = scans, 4096;
    scan_picture = scans, 3072;
    verify_response = responses, 4096;
    resigned_issued = resigned, 64;
    resigned_response = resigned, 64;
}

/// The target of that name; fit for a constant, so that a fuzzer is linked with one target alone.
#[must_use]
pub const fn find(name: &str) -> Option<Target> {
    let mut at = 0;
    while at < TARGETS.len() {
        if same(TARGETS[at].name.as_bytes(), name.as_bytes()) {
            return Some(TARGETS[at]);
        }
        at += 1;
    }
    None
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

#[cfg(test)]
mod tests;
