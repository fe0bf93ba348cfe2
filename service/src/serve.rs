//! Listening: TLS or not, bounded in size, time and number, and an end that finishes what was begun.

mod crowd;
mod observe;
mod rate;

use core::convert::Infallible;
use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mdoc_cli::Failure;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use self::crowd::Crowd;
pub use self::observe::{REQUEST_ID, Refused};
use self::rate::Limiter;
pub use self::rate::Rates;
use crate::api;
use crate::api::ShownCertificate;
use crate::api::remote::Connected;
use crate::config::{Limits, SignerFiles};
use crate::random;
use crate::service;
use crate::start::files::roots as roots_of;
use crate::store::StoreError;
use crate::usecase;

/// How long a client may take for the head of a request, and for the handshake, at most.
const HEAD: Duration = Duration::from_secs(10);

/// How long things may take on a connection.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// The handshake, and the head of a request.
    head: Duration,
    /// From the moment on from which no further request is taken: who reads nothing of what was asked for holds no place
    /// for ever.
    last: Duration,
    /// As long as further requests are taken.
    connection: Duration,
}

impl Patience {
    fn of(limits: &Limits) -> Self {
        let request = Duration::from_secs(limits.seconds);
        let head = HEAD.min(request);
        Self {
            head,
            // A request whose head is on its way is answered, too.
            last: request + head,
            connection: Duration::from_secs(limits.connection_seconds),
        }
    }
}

/// The interface with the bounds that every request has.
pub fn bounded(service: Arc<service::Service>, limits: &Limits) -> Router {
    let patience = Duration::from_secs(limits.seconds);
    let metrics = Arc::clone(service.store.metrics());
    let limiter = Arc::new(Limiter::new(
        &limits.rates,
        service.proxies.clone(),
        service.base(),
    ));
    let counted = Arc::clone(&metrics);
    let base: Arc<str> = service.base().into();
    api::router(service)
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let (base, path) = (Arc::clone(&base), request.uri().path().to_owned());
            async move {
                let answer = tokio::time::timeout(patience, next.run(request)).await;
                guarded(answer.unwrap_or_else(|_| api::unavailable(&base, &path)))
            }
        }))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            Arc::clone(&limiter).pass(Arc::clone(&counted), request, next)
        }))
        // The outermost: whatever the others do is told of.
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            observe::observe(Arc::clone(&metrics), request, next)
        }))
}

fn guarded(mut response: Response) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    // What is said before a handler is asked, as of a body that is too large, is kept as little as what handlers refuse.
    if failed && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Answers until `ends`, then finishes what is under way.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    (limits, tls, believed): (&Limits, Option<Arc<ServerConfig>>, &[IpAddr]),
    ends: impl Future<Output = ()>,
) -> io::Result<()> {
    // Who has a receiver is told when the service ends; that nobody has one any more says that all are done.
    let (ending, told) = watch::channel(());
    let patience = Patience::of(limits);
    let room = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::new(limits.connections_per_address, believed.to_vec());
    let acceptor = tls.map(TlsAcceptor::from);
    let mut ends = core::pin::pin!(ends);
    loop {
        // Who comes when there is no room waits in the queue of the system.
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit.map_err(io::Error::other)?,
            () = &mut ends => break,
        };
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(why) => {
                    // Too many open files, or a client that was gone again: neither ends the service.
                    tracing::warn!(%why, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut ends => break,
        };
        // Who has as many as one may is told nothing: that would be one more to wait for.
        let Some(counted) = crowd.enter(from.ip()) else {
            tracing::debug!("an address has as many connections as it may");
            continue;
        };
        let told = told.clone();
        let (app, acceptor) = (app.clone(), acceptor.clone());
        let app = app.map_request(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(Connected(from));
            request
        });
        tokio::spawn(async move {
            let _held = (permit, counted);
            if let Err(why) = one(stream, app, acceptor, (patience, told)).await {
                tracing::debug!(%why, "a connection ended early");
            }
        });
    }
    drop((listener, told));
    let _nobody_left = ending.send(());
    // Each ends by itself before that.
    if tokio::time::timeout(patience.last + HEAD, ending.closed())
        .await
        .is_err()
    {
        tracing::warn!("requests under way were not finished in time");
    }
    Ok(())
}

async fn one(
    stream: TcpStream,
    app: impl tower::Service<hyper::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    acceptor: Option<TlsAcceptor>,
    (patience, told): (Patience, watch::Receiver<()>),
) -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    match acceptor {
        None => talk(stream, app, (patience, told)).await,
        Some(acceptor) => {
            let stream = tokio::time::timeout(patience.head, acceptor.accept(stream)).await??;
            let shown = stream.get_ref().1.peer_certificates();
            let shown = shown
                .and_then(<[_]>::first)
                .map(|first| ShownCertificate(first.as_ref().into()));
            let app = app.map_request(move |mut request: hyper::Request<_>| {
                if let Some(shown) = &shown {
                    request.extensions_mut().insert(shown.clone());
                }
                request
            });
            talk(stream, app, (patience, told)).await
        }
    }
}

/// Answers one request after the other. When the connection went on for long enough, or the service ends, the request under
/// way is answered and no further one is taken.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    app: impl tower::Service<hyper::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    (patience, mut told): (Patience, watch::Receiver<()>),
) -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(64 * 1024);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut connection = core::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return Ok(done?),
        () = tokio::time::sleep(patience.connection) => {}
        _ = told.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(tokio::time::timeout(patience.last, connection).await??)
}

/// Does every minute what time does to what is kept.
pub async fn sweep(service: Arc<service::Service>) {
    const EACH: Duration = Duration::from_secs(60);
    loop {
        match put_away(&service).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(why) => tracing::error!(%why, "what is over was not put away"),
        }
        tokio::time::sleep(EACH).await;
    }
}

/// Once, each thing in a transaction of its own, so that nobody waits for all of them; says whether there may be more.
async fn put_away(service: &service::Service) -> Result<bool, usecase::Failure> {
    let (now, store) = (service.now(), &service.store);
    let terms = service.terms.clone();
    let ended = store.write(move |tx| {
        let mut swept = usecase::sweep::sweep(tx, now)?;
        swept.expired += usecase::lapse::lapse(tx, now, &terms)?;
        Ok::<_, usecase::Failure>(swept.is_full())
    });
    let (kept, patience) = (service.terms.retention, service.operators.patience);
    let forgotten = store.write::<_, StoreError>(move |tx| {
        usecase::operators::sweep(tx, now, patience)?;
        Ok(usecase::batch::forget(tx, now)? + usecase::retention::sweep(tx, now, &kept)?)
    });
    let renewed =
        store.write::<_, usecase::Failure>(move |tx| usecase::renewal::due(tx, now, &mut random::system()));
    let (ended, forgotten, renewed) = (ended.await?, forgotten.await?, renewed.await?);
    Ok(ended || forgotten > 0 || renewed.is_some())
}

/// TLS by certificates and a key in PEM. Whoever connects is asked for a certificate of the authorities in a file, if there
/// is one, and need not have one; one that is not of them ends the connection.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn tls(files: &SignerFiles, authorities: Option<&Path>) -> Result<Arc<ServerConfig>, Failure> {
    let name = files.certificate.display();
    let bad = |why: &dyn core::fmt::Display| Failure::new(format!("{name} cannot be used for TLS: {why}"));
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|why| bad(&why))?;
    // Whatever is wrong with the file, others that can read it are named first.
    let _judged = mdoc_cli::keys::secret_key(Path::new(&files.key))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| bad(&why))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = clients(authorities, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_client_cert_verifier(clients)
                .with_single_cert(chain, key)
        })
        .map_err(|why| bad(&why))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Whose certificates whoever connects may show.
fn clients(
    authorities: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let Some(path) = authorities else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let name = path.display();
    let bad = |why: &dyn core::fmt::Display| {
        Failure::new(format!("{name} has no authorities of operators: {why}"))
            .hint("see `client_authorities` in `[operators]`")
    };
    let mut roots = RootCertStore::empty();
    for der in roots_of(path)? {
        roots.add(der.into()).map_err(|why| bad(&why))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .allow_unauthenticated()
        .build()
        .map_err(|why| bad(&why))
}

/// Binds the address of the configuration.
///
/// # Errors
/// [`Failure`] if it is taken or not this machine's.
pub async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok::<_, io::Error>((listener, address))
    };
    bound.await.map_err(|why| {
        Failure::new(format!("{address} cannot be listened at: {why}"))
            .hint("see `listen` in the configuration")
    })
}
