//! A whole report as a file: read a part at a time, each in a transaction of its own, as quickly as it is taken.

use core::pin::Pin;
use core::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::super::caller::Machine;
use super::super::problem::Problem;
use crate::domain::scope::ApiScope;
use crate::usecase::reports::{self, Wanted};

/// What stands for a report that could not be read to its end: the connection is broken off, so that nobody takes a part
/// for the whole.
#[derive(Debug)]
struct BrokenOff;

impl core::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the report could not be read to its end")
    }
}

impl core::error::Error for BrokenOff {}

/// The parts as they come.
struct Parts(Receiver<Result<Bytes, BrokenOff>>);

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let next = self.0.poll_recv(context);
        next.map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// The answer with everything. What is refused is refused before anything is sent.
pub(super) async fn export(machine: Machine, scope: ApiScope, wanted: Wanted) -> Result<Response, Problem> {
    let report = wanted.report();
    let (first, next) = part(&machine, scope, &wanted, true).await?;
    let (parts, to_send) = channel(1);
    tokio::spawn(send(parts, (first, next), (machine, scope, wanted)));
    let file = format!("attachment; filename=\"{}.csv\"", report.name());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, file.as_str()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::new(Parts(to_send))).into_response())
}

/// Reads on while somebody takes it.
async fn send(
    parts: Sender<Result<Bytes, BrokenOff>>,
    (first, mut next): (Bytes, Option<String>),
    (machine, scope, mut wanted): (Machine, ApiScope, Wanted),
) {
    let mut gone = parts.send(Ok(first)).await.is_err();
    while let (Some(cursor), false) = (next.take(), gone) {
        wanted.after(cursor);
        match part(&machine, scope, &wanted, false).await {
            Ok((text, more)) => {
                next = more;
                gone = parts.send(Ok(text)).await.is_err();
            }
            Err(problem) => {
                tracing::warn!(code = problem.code, "a report was broken off");
                gone = parts.send(Err(BrokenOff)).await.is_err();
            }
        }
    }
}

async fn part(
    machine: &Machine,
    scope: ApiScope,
    wanted: &Wanted,
    first: bool,
) -> Result<(Bytes, Option<String>), Problem> {
    let wanted = wanted.clone();
    let read = machine.clone().read(scope, move |tx, actor, _| {
        let page = reports::page(tx, actor, &wanted)?;
        let text = reports::sheet(wanted.report(), &page.rows, first)?;
        Ok((Bytes::from(text), page.next))
    });
    read.await
}
