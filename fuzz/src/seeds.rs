//! Inputs to begin with: the vectors, the negative corpus, and what the toolkit makes itself.

mod badges;
mod certificates;
mod data;
mod keys;
mod messages;
mod openid;
mod pictures;
mod responses;
mod scans;
mod sessions;

use std::path::Path;

use integration::corpus::Kind;
use integration::vectors;
use mdoc_core::x509::Certificate;

use crate::fixtures::{cases, files};

pub(crate) use self::badges::*;
pub(crate) use self::certificates::*;
pub(crate) use self::data::*;
pub(crate) use self::keys::*;
pub(crate) use self::messages::*;
pub(crate) use self::openid::*;
pub(crate) use self::pictures::*;
pub(crate) use self::responses::*;
pub(crate) use self::scans::*;
pub(crate) use self::sessions::*;

fn documents(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let cases = cases().iter().filter(|(_, case)| kinds.contains(&case.kind));
    cases.map(|(_, case)| case.document.clone()).collect()
}

fn pem_files(folder: &str) -> Vec<String> {
    let files = files(folder, &[".pem"]).into_iter();
    files.map(|pem| String::from_utf8(pem).unwrap()).collect()
}

fn certificates_of(folder: &str) -> Vec<Certificate> {
    let texts = pem_files(folder);
    texts
        .iter()
        .flat_map(|text| Certificate::readable_from_pem(text).0)
        .collect()
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

pub(crate) fn resigned_issued() -> Vec<Vec<u8>> {
    crate::resigned::seeds()
}

pub(crate) fn resigned_response() -> Vec<Vec<u8>> {
    crate::resigned::seeds()
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(pair).collect()
}

fn formats_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../document-formats")
}

fn formats(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = vectors::folder().join(formats_folder().join(folder));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let wanted = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|found| found == ending));
    wanted.map(|path| std::fs::read(path).unwrap()).collect()
}
