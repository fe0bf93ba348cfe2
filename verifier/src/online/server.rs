//! A small web server for tests, which answers as a test says, however wrong that is.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::{Clock as _, Signer as _, SoftwareKey};
use mdoc_core::x509::GeneralName;
use mdoc_core::x509::build::{OtherCa, TlsServer, Validity};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// What came along.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Writes an answer, or what stands in its place; the connection ends when it returns.
pub(crate) type Handler = dyn Fn(&Seen, &mut dyn Write) -> io::Result<()> + Send + Sync;

/// A server on this machine, which stops with its value.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// On `127.0.0.1`, without TLS.
    pub(crate) fn start(
        handler: impl Fn(&Seen, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::on("127.0.0.1:0", None, Arc::new(handler))
    }

    /// Anywhere, with TLS if there is a configuration for it.
    pub(crate) fn on(address: &str, tls: Option<Arc<rustls::ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let (noted, handler, tls) = (Arc::clone(&noted), Arc::clone(&handler), tls.clone());
                // Whoever asks may go away at any time; the tests look at what they see.
                thread::spawn(move || serve(connection, tls, &noted, &*handler).ok());
            }
        });
        Self { address, seen, stop }
    }

    /// On `127.0.0.1`, with TLS under that name; and the root that its certificate leads to, in DER.
    pub(crate) fn secure(name: GeneralName, handler: Arc<Handler>) -> (Self, Vec<u8>) {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let root_key = SoftwareKey::new(SecretKey::generate(Curve::P256, rng)).unwrap();
        let secret = SecretKey::generate(Curve::P256, rng);
        let server_key = SoftwareKey::new(secret.clone()).unwrap();
        let now = mdoc_cli::system::SystemClock.now();
        let days = |count: u64| Duration::from_secs(count * 86_400);
        let root = OtherCa {
            country: Some("UT".to_owned()),
            common_name: "Root of servers".to_owned(),
            organization: None,
            validity: Validity {
                from: now.minus(days(2)),
                until: now.plus(days(3_000)),
            },
        };
        let root = root.build(&root_key, rng).unwrap();
        let server = TlsServer {
            country: Some("UT".to_owned()),
            common_name: "A server".to_owned(),
            organization: None,
            validity: Validity {
                from: now.minus(days(1)),
                until: now.plus(days(30)),
            },
            hosts: vec![name],
            crl_uri: None,
        };
        let server = server.build(server_key.public_key(), &root, &root_key, rng);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(server.unwrap().der().to_vec())],
                PrivateKeyDer::from_pem_slice(secret_to_pem(&secret).as_bytes()).unwrap(),
            );
        let config = Arc::new(config.unwrap());
        (
            Self::on("127.0.0.1:0", Some(config), handler),
            root.der().to_vec(),
        )
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT` and the path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests up to now.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    connection: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    noted: &Mutex<Vec<Seen>>,
    handler: &Handler,
) -> io::Result<()> {
    match tls {
        None => exchange(connection.try_clone()?, connection, noted, handler),
        Some(config) => {
            let session = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
            let mut stream = rustls::StreamOwned::new(session, connection);
            let seen = read(&mut BufReader::new(&mut stream))?;
            noted.lock().unwrap().push(seen.clone());
            handler(&seen, &mut stream)?;
            stream.conn.send_close_notify();
            stream.flush()
        }
    }
}

fn exchange(
    input: impl Read,
    mut output: impl Write,
    noted: &Mutex<Vec<Seen>>,
    handler: &Handler,
) -> io::Result<()> {
    let seen = read(&mut BufReader::new(input))?;
    noted.lock().unwrap().push(seen.clone());
    handler(&seen, &mut output)?;
    output.flush()
}

fn read(input: &mut impl BufRead) -> io::Result<Seen> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Seen {
        method,
        path,
        headers,
        body,
    })
}

/// An answer as it should be.
///
/// # Errors
/// Those of the connection.
pub(crate) fn answer(
    out: &mut dyn Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    write!(out, "HTTP/1.1 {status} So\r\nContent-Length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    out.write_all(b"Connection: close\r\n\r\n")?;
    out.write_all(body)
}
