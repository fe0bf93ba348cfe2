//! Running the service, and copying what it keeps.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use mdoc_cli::{Exit, Failure, output};
use mdoc_core::time::Timestamp;
use mdoc_service::service::Service;
use mdoc_service::{api, batches, log, serve, start};
use tokio::sync::watch;

use super::Where;

#[derive(Args)]
#[command(after_help = "\
Ends at SIGINT or SIGTERM, after the requests that are under way. At SIGHUP it reads the
document signers of the configuration again; if they are no good it keeps those it has.

Example:
  mdoc-service serve --config authority/service.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    at: Where,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

#[derive(Args)]
#[command(after_help = "\
The copy is of one instant, and a database that can be used as it is. A PostgreSQL
database is copied by its own tools.

Example:
  mdoc-service backup --config authority/service.toml copy.db")]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    at: Where,
    /// The new file
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut config = arguments.at.config()?;
    if let Some(listen) = &arguments.listen {
        config.listen.clone_from(listen);
    }
    log::start(&config.log)?;
    let authorities = config.operators.client_authorities.as_deref();
    let tls = config
        .tls
        .as_ref()
        .map(|files| serve::tls(files, authorities))
        .transpose()?;
    let service = Arc::new(start::service(&config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::new(format!("the service cannot be run: {why}")))?;
    runtime.block_on(async {
        let mut told = told_to_end()?;
        // From here on nobody who wants signers read again ends the service.
        #[cfg(unix)]
        let hangups = hangups()?;
        let (listener, address) = serve::bind(&config.listen).await?;
        let watched = match &config.metrics {
            Some(place) => Some(serve::bind(place).await?),
            None => None,
        };
        if arguments.at.json {
            output::print_json(&serde_json::json!({
                "listening": address.to_string(), "external": config.external,
                "metrics": watched.as_ref().map(|(_, address)| address.to_string()),
            }))?;
        } else {
            output::print(&format!("{} is answered at {address}\n", config.external))?;
            if let Some((_, address)) = &watched {
                output::print(&format!("http://{address}/metrics is for who watches it\n"))?;
            }
        }
        let watching = watched.map(|(listener, _)| {
            let (app, limits) = (api::watched(Arc::clone(&service)), config.limits.clone());
            let mut told = told.clone();
            tokio::spawn(async move {
                let ends = async { drop(told.changed().await) };
                serve::serve(listener, app, (&limits, None, &[]), ends).await
            })
        });
        tracing::info!(%address, external = config.external, "service started");
        let warning = tokio::spawn(warn_of_ends(Arc::clone(&service)));
        #[cfg(unix)]
        read_again(&service, &arguments.at, hangups);
        let sweeping = tokio::spawn(serve::sweep(Arc::clone(&service)));
        let sending = service.courier.clone().map(|courier| {
            let (service, told) = (Arc::clone(&service), told.clone());
            tokio::spawn(async move { courier.run(service, told).await })
        });
        let working = tokio::spawn(batches::run(Arc::clone(&service), told.clone()));
        let believed = service.proxies.believed.clone();
        let app = serve::bounded(service, &config.limits);
        let ends = async { drop(told.changed().await) };
        serve::serve(listener, app, (&config.limits, tls, &believed), ends)
            .await
            .map_err(|why| Failure::new(format!("the service ended: {why}")))?;
        tracing::info!("service ended");
        sweeping.abort();
        warning.abort();
        // The rows that are being done are done.
        let _broken = working.await;
        if let Some(sending) = sending {
            // What is being handed over is handed over, and noted.
            let _broken = sending.await;
        }
        if let Some(watching) = watching {
            watching.abort();
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}

/// Says which certificates are to be replaced soon, every day.
async fn warn_of_ends(service: Arc<Service>) {
    const EACH: Duration = Duration::from_secs(86_400);
    loop {
        let metadata = service.metadata_signer.as_ref();
        let metadata = metadata.map(|signer| &signer.certificate);
        let others = (service.publisher.certificate(), metadata);
        for (name, end) in start::ending(&service.signers.now(), others, service.now()) {
            tracing::warn!(name, %end, "a certificate is to be replaced");
            output::warn(start::PROGRAM, &ends(&name, end));
        }
        tokio::time::sleep(EACH).await;
    }
}

/// That a certificate is to be replaced, in words.
pub(super) fn ends(name: &str, end: Timestamp) -> String {
    format!("{name}: the certificate ends at {end}; have another one certified")
}

/// Being told to read the document signers again.
#[cfg(unix)]
fn hangups() -> Result<tokio::signal::unix::Signal, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::hangup())
        .map_err(|why| Failure::new(format!("the service could not be told anything: {why}")))
}

/// Has the document signers read again whenever the service is told to.
#[cfg(unix)]
fn read_again(service: &Arc<Service>, at: &Where, mut told: tokio::signal::unix::Signal) {
    let (service, at) = (Arc::clone(service), at.clone());
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            let (service, at) = (Arc::clone(&service), at.clone());
            // Keys may be in a token that takes its time.
            let read = tokio::task::spawn_blocking(move || start::again(&at.config()?, &service));
            match read.await {
                Ok(Ok(signers)) => tracing::info!(signers, "the document signers were read again"),
                Ok(Err(why)) => tracing::error!(%why, "the document signers are those from before"),
                Err(why) => tracing::error!(%why, "the document signers were not read again"),
            }
        }
    });
}

/// When the service is told to end. From the call on, whoever tells it so does not break it off.
fn told_to_end() -> Result<watch::Receiver<()>, Failure> {
    let (tell, told) = watch::channel(());
    let bad = |why: std::io::Error| Failure::new(format!("the service could not be told to end: {why}"));
    #[cfg(unix)]
    let signalled = {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupted = signal(SignalKind::interrupt()).map_err(bad)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(bad)?;
        async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        }
    };
    #[cfg(windows)]
    let signalled = {
        let mut interrupted = tokio::signal::windows::ctrl_c().map_err(bad)?;
        async move {
            let _told = interrupted.recv().await;
        }
    };
    tokio::spawn(async move {
        signalled.await;
        let _nobody_left = tell.send(());
    });
    Ok(told)
}

pub(super) fn backup(arguments: &BackupArguments) -> Result<Exit, Failure> {
    let config = arguments.at.config()?;
    let store = start::store(&config)?;
    store
        .copy_to(&arguments.out)
        .map_err(|why| Failure::new(why.to_string()))?;
    let copy = arguments.out.display();
    if arguments.at.json {
        output::print_json(&serde_json::json!({ "copy": copy.to_string() }))?;
    } else {
        output::print(&format!("{copy} is a copy of the database\n"))?;
    }
    Ok(Exit::Done)
}
