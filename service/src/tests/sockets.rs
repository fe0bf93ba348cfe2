//! What clients can do over a real connection that the interface alone does not show: be slow, stay, send too much; and the
//! end of the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::world::everywhere;
use crate::config::Limits;
use crate::serve::{bind, bounded, serve};

/// A service that listens, until it is told to end.
struct Listening {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

async fn listening(app: Router, limits: Limits) -> Listening {
    let (listener, address) = bind("127.0.0.1:0").await.unwrap();
    let (end, told) = oneshot::channel();
    let ended = tokio::spawn(async move {
        serve(listener, app, (&limits, None, &[]), async {
            let _told = told.await;
        })
        .await
    });
    Listening { address, end, ended }
}

/// A second for everything.
fn short() -> Limits {
    Limits {
        seconds: 1,
        connection_seconds: 1,
        ..Limits::default()
    }
}

fn slow(seconds: f64) -> Router {
    let answer = move || async move {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        "whole"
    };
    Router::new()
        .route("/slow", get(answer))
        .route("/", get(|| async { "at once" }))
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Whatever still comes, until the other side ends the connection, by a reset perhaps.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), read).await;
    ended.expect("the connection is not ended");
    String::from_utf8_lossy(&all).into_owned()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

#[test]
fn a_request_is_answered_whose_connection_was_kept_for_as_long_as_it_may_be() {
    run(async {
        let limits = Limits {
            seconds: 20,
            connection_seconds: 4,
            ..Limits::default()
        };
        let listening = listening(slow(4.0), limits).await;
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        say(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut first = [0; 4096];
        let count = stream.read(&mut first).await.unwrap();
        assert!(String::from_utf8_lossy(&first[..count]).ends_with("at once"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Under way when the four seconds are over.
        say(&mut stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let answer = rest(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("whole"),
            "{answer}"
        );
    });
}

#[test]
fn a_connection_that_nobody_uses_is_ended_when_it_went_on_for_long_enough() {
    run(async {
        let limits = Limits {
            seconds: 30,
            ..short()
        };
        let listening = listening(slow(0.0), limits).await;
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        let began = Instant::now();
        say(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(rest(&mut stream).await.ends_with("at once"));
        // And not only when the head of a next request is missed.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    });
}

#[test]
fn who_reads_nothing_of_the_answer_holds_no_place_for_ever() {
    run(async {
        const LARGE: usize = 64 << 20;
        let app = Router::new().route("/", get(|| async { vec![b'x'; LARGE] }));
        let listening = listening(app, short()).await;
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        say(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let received = rest(&mut stream).await.len();
        assert!(received < LARGE, "all of it was still sent");
    });
}

#[test]
fn a_head_that_does_not_come_to_an_end_is_waited_for_no_longer_than_a_request_may_take() {
    run(async {
        let listening = listening(
            slow(0.0),
            Limits {
                connection_seconds: 600,
                ..short()
            },
        )
        .await;
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        say(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\nx-").await;
        let began = Instant::now();
        let answer = rest(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    });
}

#[test]
fn a_body_that_is_slow_or_too_large_is_refused() {
    everywhere(async |world| {
        let service = Arc::new(world.service("https://id.example.org/t/club"));
        let limits = Limits {
            body: 4096,
            connection_seconds: 600,
            ..short()
        };
        let app = bounded(service, &limits);
        let listening = listening(app, limits).await;
        let form =
            "POST /t/club/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
        let ask = async |rest_of_head: &str, body: &str| {
            let mut stream = TcpStream::connect(listening.address).await.unwrap();
            say(&mut stream, &format!("{form}{rest_of_head}\r\n\r\n{body}")).await;
            let began = Instant::now();
            (rest(&mut stream).await, began.elapsed())
        };
        // A letter of a hundred that were announced.
        let (answer, took) = ask("content-length: 100", "g").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(
            (Duration::from_millis(900)..Duration::from_secs(30)).contains(&took),
            "{took:?}"
        );
        let large = "a".repeat(4097);
        let (answer, _) = ask("connection: close\r\ncontent-length: 4097", &large).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        // Nothing is announced, and a piece comes after the other.
        let pieces = format!("1001\r\n{large}\r\n0\r\n\r\n");
        let (answer, _) = ask("connection: close\r\ntransfer-encoding: chunked", &pieces).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        let (answer, _) = ask("connection: close\r\ncontent-length: 4096", &large[1..]).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    });
}

#[test]
fn a_service_that_ends_answers_what_is_under_way_and_takes_nothing_new() {
    run(async {
        let limits = Limits {
            seconds: 10,
            connection_seconds: 600,
            ..short()
        };
        let listening = listening(slow(4.0), limits).await;
        let mut idle = TcpStream::connect(listening.address).await.unwrap();
        say(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut busy = TcpStream::connect(listening.address).await.unwrap();
        // Answered once, it is accepted, however slow this machine is.
        say(&mut busy, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"at once") {
            answer.push(busy.read_u8().await.unwrap());
        }
        say(&mut busy, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        listening.end.send(()).unwrap();
        let began = Instant::now();
        assert!(rest(&mut idle).await.ends_with("at once"));
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "who asks nothing is waited for"
        );
        assert!(TcpStream::connect(listening.address).await.is_err());
        assert!(rest(&mut busy).await.ends_with("whole"));
        listening.ended.await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    });
}
