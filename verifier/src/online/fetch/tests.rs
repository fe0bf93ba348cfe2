use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use mdoc_core::x509::GeneralName;

use super::*;
use crate::online::server::{Server, answer};

static EVERYWHERE: HttpFetch = HttpFetch::new(Reach::Everywhere);

fn get(url: &str) -> Request<'_> {
    Request {
        url,
        accept: "application/statuslist+cwt",
        post: None,
        authorization: None,
        etag: None,
        largest: 1000,
        time: Duration::from_secs(20),
        plain: true,
    }
}

fn fetched(url: &str) -> Result<Answer, Unreachable> {
    EVERYWHERE.fetch(&get(url))
}

fn body(answer: Result<Answer, Unreachable>) -> Vec<u8> {
    match answer {
        Ok(Answer::Body(received)) => received.body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn asks_for_what_is_wanted_and_tells_nothing_else() {
    let headers = [
        ("Content-Type", "Application/StatusList+CWT; charset=x"),
        ("ETag", "\"1\""),
        ("Set-Cookie", "a=b"),
    ];
    let server = Server::start(move |_, out| answer(out, 200, &headers, b"list"));
    let received = fetched(&server.url("/lists/1?of=2")).unwrap();
    let expected = Received {
        media_type: Some("application/statuslist+cwt".to_owned()),
        etag: Some("\"1\"".to_owned()),
        body: b"list".to_vec(),
    };
    assert_eq!(received, Answer::Body(expected));
    fetched(&server.url("/lists/1?of=2")).unwrap();
    for seen in server.seen() {
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            ("GET", "/lists/1?of=2")
        );
        let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["accept", "accept-encoding", "host", "user-agent"]);
        assert_eq!(seen.header("accept"), Some("application/statuslist+cwt"));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        assert_eq!(seen.header("user-agent"), Some("mdoc-verifier"));
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let server = Server::start(|seen, out| match seen.header("if-none-match") {
        Some("\"7\"") => answer(out, 304, &[], b""),
        _ => answer(out, 200, &[], b"new"),
    });
    let url = server.url("/");
    let with = |etag| EVERYWHERE.fetch(&Request { etag, ..get(&url) });
    assert_eq!(with(Some("\"7\"")), Ok(Answer::Unchanged));
    assert_eq!(body(with(Some("\"6\""))), b"new");
    assert_eq!(body(with(None)), b"new");
    let liar = Server::start(|_, out| answer(out, 304, &[], b""));
    assert_eq!(
        fetched(&liar.url("/")),
        Err(Unreachable::Redirect),
        "nothing was said to be there"
    );
}

#[test]
fn what_is_posted_arrives_and_no_redirect_is_followed() {
    let server = Server::start(|seen, out| match seen.path.as_str() {
        "/away" => answer(out, 307, &[("Location", "/")], b""),
        _ => answer(out, 200, &[], &seen.body),
    });
    let post = |path: &str| {
        let url = server.url(path);
        EVERYWHERE.fetch(&Request {
            post: Some(("application/ocsp-request", b"0\x03")),
            ..get(&url)
        })
    };
    assert_eq!(body(post("/")), b"0\x03");
    assert_eq!(post("/away"), Err(Unreachable::Redirect));
    let seen = server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].header("content-type")),
        ("POST", Some("application/ocsp-request"))
    );
    assert_eq!(seen.len(), 2);
}

#[test]
fn an_answer_above_the_limit_is_not_taken_whatever_it_says_of_its_length() {
    let server = Server::start(|seen, out| {
        let (kind, length) = seen.path[1..].split_once('/').unwrap();
        let body = vec![b'x'; length.parse().unwrap()];
        match kind {
            "stated" => answer(out, 200, &[], &body),
            "until-the-end" => {
                out.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                out.write_all(&body)
            }
            _ => {
                out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for chunk in body.chunks(100) {
                    write!(out, "{:x}\r\n", chunk.len())?;
                    out.write_all(chunk)?;
                    out.write_all(b"\r\n")?;
                }
                out.write_all(b"0\r\n\r\n")
            }
        }
    });
    for kind in ["stated", "chunked", "until-the-end"] {
        let of = |length: usize| fetched(&server.url(&format!("/{kind}/{length}")));
        assert_eq!(body(of(1000)).len(), 1000, "{kind}");
        assert_eq!(of(1001), Err(Unreachable::TooLarge), "{kind}");
        assert_eq!(of(5_000_000), Err(Unreachable::TooLarge), "{kind}");
    }
}

#[test]
fn an_answer_without_end_is_left_in_time() {
    let server = Server::start(|seen, out| {
        let drip = |out: &mut dyn Write, octet: &[u8]| {
            for _ in 0..200 {
                out.write_all(octet)?;
                out.flush()?;
                sleep(Duration::from_millis(50));
            }
            Ok(())
        };
        match seen.path.as_str() {
            "/silent" => drip(out, b""),
            "/header" => {
                out.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
                drip(out, b"x")
            }
            "/redirects" => {
                sleep(Duration::from_millis(250));
                answer(out, 302, &[("Location", "/redirects")], b"")
            }
            "/redirected" => {
                out.write_all(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 1000\r\n\r\n")?;
                drip(out, b"x")
            }
            _ => {
                out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
                drip(out, b"x")
            }
        }
    });
    for path in ["/silent", "/header", "/redirects", "/redirected", "/body"] {
        let (began, url) = (Instant::now(), server.url(path));
        let time = Duration::from_millis(600);
        let said = EVERYWHERE.fetch(&Request { time, ..get(&url) });
        assert_eq!(said, Err(Unreachable::Time), "{path}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{path}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_handshake_without_end_is_left_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut out, _) = listener.accept().unwrap();
        // A record of 16 KiB, octet by octet.
        out.write_all(&[22, 3, 3, 64, 0])?;
        for _ in 0..200 {
            out.write_all(&[2])?;
            sleep(Duration::from_millis(50));
        }
        std::io::Result::Ok(())
    });
    let (_server, root) = Server::secure(
        GeneralName::Dns("other.example".to_owned()),
        Arc::new(|_: &crate::online::server::Seen, out: &mut dyn Write| answer(out, 200, &[], b"")),
    );
    let fetch = HttpFetch::trusting(Reach::Everywhere, &[root]);
    let (began, time) = (Instant::now(), Duration::from_millis(600));
    assert_eq!(
        fetch.fetch(&Request { time, ..get(&url) }),
        Err(Unreachable::Time)
    );
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn few_redirects_are_followed() {
    let server = Server::start(|seen, out| match seen.path[1..].parse::<u32>() {
        Ok(0) => answer(out, 200, &[], b"there"),
        Ok(left) => answer(out, 302, &[("Location", &format!("/{}", left - 1))], b""),
        Err(_) => answer(out, 301, &[("Location", "/loop")], b""),
    });
    assert_eq!(body(fetched(&server.url("/3"))), b"there");
    assert_eq!(fetched(&server.url("/4")), Err(Unreachable::Redirect));
    assert_eq!(server.seen().len(), 8);
    assert_eq!(fetched(&server.url("/loop")), Err(Unreachable::Redirect));
    assert_eq!(server.seen().len(), 12);
}

#[test]
fn compressed_answers_are_refused_before_they_are_read() {
    // A gzip bomb need not be made: nothing of the body is looked at.
    let server = Server::start(|seen, out| {
        let coding = seen.path[1..].replace('_', ", ");
        answer(out, 200, &[("Content-Encoding", &coding)], b"\x1f\x8b\x08")
    });
    for coding in ["gzip", "deflate", "br", "identity_gzip"] {
        assert_eq!(
            fetched(&server.url(&format!("/{coding}"))),
            Err(Unreachable::Compressed),
            "{coding}"
        );
    }
    assert_eq!(body(fetched(&server.url("/identity"))), b"\x1f\x8b\x08");
}

#[test]
fn an_answer_that_is_cut_or_none_is_told_apart() {
    let server = Server::start(|seen, out| {
        out.write_all(match seen.path.as_str() {
            "/stated" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxxxx",
            "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nxxxx",
            "/header" => b"HTTP/1.1 200 OK\r\nContent-Le",
            "/garbage" => b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
            "/404" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            "/204" => b"HTTP/1.1 204 No Content\r\n\r\n",
            "/501" => b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n",
            _ => b"",
        })
    });
    let said = |path: &str| fetched(&server.url(path));
    for cut in ["/stated", "/chunked", "/header", "/nothing"] {
        assert_eq!(said(cut), Err(Unreachable::Truncated), "{cut}");
    }
    assert_eq!(said("/garbage"), Err(Unreachable::Protocol));
    for status in [404, 204, 501] {
        assert_eq!(said(&format!("/{status}")), Err(Unreachable::Status(status)));
    }
    let long = Server::start(|_, out| {
        let header = "x".repeat(100_000);
        answer(out, 200, &[("X", &header)], b"")
    });
    assert_eq!(fetched(&long.url("/")), Err(Unreachable::Protocol));
}

#[test]
fn addresses_that_are_none_of_the_web_are_not_asked() {
    for bad in [
        "",
        "lists/1",
        "/lists/1",
        "ftp://a.example/",
        "file:///etc/passwd",
        "ldap://a.example/",
        "http://",
        "http://user@a.example/",
        "http://user:secret@127.0.0.1/",
        "http://a b/",
        "data:,x",
    ] {
        assert_eq!(fetched(bad), Err(Unreachable::Address), "{bad}");
    }
    let plain = |plain| {
        EVERYWHERE.fetch(&Request {
            plain,
            ..get("http://127.0.0.1:9/")
        })
    };
    assert_eq!(plain(false), Err(Unreachable::Insecure));
    assert!(
        matches!(plain(true), Err(Unreachable::Connection(_))),
        "{:?}",
        plain(true)
    );
    assert_eq!(fetched("http://host.invalid/"), Err(Unreachable::HostUnknown));
}

#[test]
fn hosts_without_a_public_address_are_not_asked() {
    let server = Server::start(|_, out| answer(out, 200, &[], b"secret"));
    let port = server.address().port();
    let public = HttpFetch::new(Reach::Public);
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let url = format!("http://{host}:{port}/");
        let said = public.fetch(&get(&url));
        // How numbers are read as addresses is for the system; some are unknown names.
        assert!(
            matches!(said, Err(Unreachable::Private | Unreachable::HostUnknown)),
            "{host}: {said:?}"
        );
    }
    assert_eq!(public.fetch(&get(&server.url("/"))), Err(Unreachable::Private));
    assert_eq!(server.seen(), []);
    assert_eq!(body(fetched(&server.url("/"))), b"secret");
}

// Other systems have no second address of their own.
#[cfg(target_os = "linux")]
#[test]
fn a_redirect_is_judged_as_the_first_address_was() {
    let inner = Server::on(
        "127.0.0.2:0",
        None,
        Arc::new(|_, out| answer(out, 200, &[], b"secret")),
    );
    let to = inner.url("/");
    let outer = Server::start(move |_, out| answer(out, 302, &[("Location", &to)], b""));
    let fetch = HttpFetch::judging(|address| address == IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(fetch.fetch(&get(&outer.url("/"))), Err(Unreachable::Private));
    assert_eq!((outer.seen().len(), inner.seen().len()), (1, 0));
    assert_eq!(body(fetched(&outer.url("/"))), b"secret");
}

#[test]
fn what_begins_with_tls_stays_with_it() {
    let plain = Server::start(|_, out| answer(out, 200, &[], b"plain"));
    let down = plain.url("/");
    let handler = move |seen: &crate::online::server::Seen, out: &mut dyn Write| match seen.path.as_str() {
        "/down" => answer(out, 302, &[("Location", &down)], b""),
        "/on" => answer(out, 302, &[("Location", "/")], b""),
        _ => answer(out, 200, &[], b"secure"),
    };
    let (server, root) = Server::secure(GeneralName::Ip(vec![127, 0, 0, 1]), Arc::new(handler));
    let secure_url = |path: &str| server.url(path).replace("http://", "https://");
    let fetch = HttpFetch::trusting(Reach::Everywhere, &[root]);
    let said = |path: &str| {
        let url = secure_url(path);
        fetch.fetch(&Request {
            plain: false,
            ..get(&url)
        })
    };
    assert_eq!(body(said("/")), b"secure");
    assert_eq!(body(said("/on")), b"secure");
    assert_eq!(said("/down"), Err(Unreachable::Redirect));
    assert_eq!(plain.seen(), []);
    // The other way round is as good as the first address was.
    let to = secure_url("/");
    let up = Server::start(move |_, out| answer(out, 302, &[("Location", &to)], b""));
    assert_eq!(body(fetch.fetch(&get(&up.url("/")))), b"secure");
}

#[test]
fn tls_trusts_only_whom_it_should() {
    let handler =
        || Arc::new(|_: &crate::online::server::Seen, out: &mut dyn Write| answer(out, 200, &[], b""));
    let (server, root) = Server::secure(GeneralName::Ip(vec![127, 0, 0, 1]), handler());
    let (other, _) = Server::secure(GeneralName::Dns("other.example".to_owned()), handler());
    let fetch = HttpFetch::trusting(Reach::Everywhere, &[root]);
    let asked = |fetch: &HttpFetch, server: &Server| {
        let url = server.url("/").replace("http://", "https://");
        fetch.fetch(&get(&url))
    };
    assert!(asked(&fetch, &server).is_ok());
    // The certificate is for another host.
    assert!(
        matches!(asked(&fetch, &other), Err(Unreachable::Tls(_))),
        "{:?}",
        asked(&fetch, &other)
    );
    // The root is none of this system's.
    assert!(matches!(
        asked(&EVERYWHERE, &server),
        Err(Unreachable::Tls(_) | Unreachable::NoRoots)
    ));
    let none = HttpFetch::trusting(Reach::Everywhere, &[]);
    assert_eq!(asked(&none, &server), Err(Unreachable::NoRoots));
    // Who speaks no TLS at all.
    let plain = Server::start(|_, out| answer(out, 200, &[], b""));
    assert!(
        matches!(
            asked(&fetch, &plain),
            Err(Unreachable::Tls(_) | Unreachable::Truncated)
        ),
        "{:?}",
        asked(&fetch, &plain)
    );
}

#[test]
fn codes_are_different() {
    let all = [
        Unreachable::Address,
        Unreachable::Insecure,
        Unreachable::Private,
        Unreachable::HostUnknown,
        Unreachable::Connection(String::new()),
        Unreachable::Tls(String::new()),
        Unreachable::NoRoots,
        Unreachable::Time,
        Unreachable::Redirect,
        Unreachable::Status(404),
        Unreachable::TooLarge,
        Unreachable::Truncated,
        Unreachable::Compressed,
        Unreachable::Protocol,
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(Unreachable::code).collect();
    assert_eq!(codes.len(), all.len());
}
