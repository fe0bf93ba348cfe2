//! A web server that stands for all hosts of the seeded country, and who asks it for them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use mdoc_core::time::Timestamp;
use mdoc_verifier::online::Online;
use mdoc_verifier::online::cache::Cache;
use mdoc_verifier::online::fetch::{Answer, Fetch, HttpFetch, Reach, Request, Unreachable};

use super::server::{Handler, Seen, Server, answer};

/// What a host answers for a path.
#[derive(Clone)]
pub(super) enum Page {
    /// A media type and a body, with a validator that follows from the body.
    Static(&'static str, Vec<u8>),
    /// Something else.
    Made(Arc<Handler>),
}

/// Hosts, by `host/path`; what is not there is 404.
#[derive(Clone, Default)]
pub(super) struct Hosts(Arc<Mutex<BTreeMap<String, Page>>>);

/// The network: a server on this machine, reached by real HTTP under whatever name.
pub(super) struct Net {
    pub(super) hosts: Hosts,
    pub(super) server: Server,
    fetch: HttpFetch,
}

impl Hosts {
    /// Puts up a page, in the place of another.
    pub(super) fn put(&self, url: &str, media_type: &'static str, body: &[u8]) {
        self.made(url, Page::Static(media_type, body.to_vec()));
    }

    pub(super) fn made(&self, url: &str, page: Page) {
        let (_, place) = url.split_once("://").unwrap();
        self.0.lock().unwrap().insert(place.to_owned(), page);
    }

    /// Takes a page down.
    pub(super) fn remove(&self, url: &str) {
        let (_, place) = url.split_once("://").unwrap();
        self.0.lock().unwrap().remove(place).unwrap();
    }

    fn serve(&self, seen: &Seen, out: &mut dyn Write) -> io::Result<()> {
        let place = seen.path.trim_start_matches('/');
        let page = {
            let pages = self.0.lock().unwrap();
            let below = |name: &&String| place.starts_with(name.as_str());
            let name = pages.keys().filter(below).max_by_key(|name| name.len());
            name.map(|name| pages[name].clone())
        };
        match page {
            None => answer(out, 404, &[], b"no"),
            Some(Page::Made(made)) => made(seen, out),
            Some(Page::Static(media_type, body)) => {
                let sum = body.iter().fold(7_u64, |sum, octet| {
                    sum.wrapping_mul(31).wrapping_add((*octet).into())
                });
                let etag = format!("\"{sum:x}\"");
                if seen.header("if-none-match") == Some(&etag) {
                    return answer(out, 304, &[], b"");
                }
                answer(out, 200, &[("Content-Type", media_type), ("ETag", &etag)], &body)
            }
        }
    }
}

impl Net {
    pub(super) fn new() -> Self {
        let hosts = Hosts::default();
        let served = hosts.clone();
        Self {
            hosts,
            server: Server::start(move |seen, out| served.serve(seen, out)),
            fetch: HttpFetch::new(Reach::Everywhere),
        }
    }

    /// How many questions came in.
    pub(super) fn asked(&self) -> usize {
        self.server.seen().len()
    }

    /// Who asks, with what was kept before.
    pub(super) fn online<'a>(&'a self, cache: &'a Cache, clock: &'a Timestamp) -> Online<'a> {
        Online {
            cache: Some(cache),
            ..Online::new(Some(self), clock)
        }
    }
}

impl Fetch for Net {
    fn fetch(&self, request: &Request<'_>) -> Result<Answer, Unreachable> {
        let (scheme, place) = request.url.split_once("://").ok_or(Unreachable::Address)?;
        if scheme == "http" && !request.plain {
            return Err(Unreachable::Insecure);
        }
        let url = self.server.url(&format!("/{place}"));
        self.fetch.fetch(&Request {
            url: &url,
            plain: true,
            ..*request
        })
    }
}

/// A folder for one test, which goes away with its value.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(format!("mdoc-online-{process}-{count}")))
    }

    pub(super) fn cache(&self) -> Cache {
        Cache::new(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
