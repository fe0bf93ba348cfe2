//! A wallet that does as little as it can: the four requests of a collection over one connection.

use std::io;
use std::net::SocketAddr;

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_openid::Secret;
use mdoc_openid::jose::base64url;
use mdoc_openid::vci::credential::{Answer, CredentialResponse, NonceResponse};
use mdoc_openid::vci::offer::CredentialOffer;
use mdoc_openid::vci::proof;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use rand_core::{Rng, SeedableRng as _};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a person was given to collect with.
#[derive(Clone)]
pub(crate) struct Ticket {
    /// What the service calls the document.
    pub(crate) serial: String,
    /// The secret of the offer's address.
    pub(crate) secret: [u8; 32],
    /// The code.
    pub(crate) code: Option<String>,
}

/// Where a collection is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The pre-authorized code, from the offer.
    pub(crate) pre_authorized: Option<String>,
    /// The access token, once the service gave one.
    pub(crate) token: Option<String>,
    /// The list and the entry of the copy, once the service gave one.
    pub(crate) copy: Option<(String, u64)>,
}

/// What came back.
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The head of the answer, as it came.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn new(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Answered> {
        let length = body.len();
        let mut message =
            format!("{method} {path} HTTP/1.1\r\nHost: load\r\nContent-Length: {length}\r\n{headers}\r\n")
                .into_bytes();
        message.extend_from_slice(body);
        self.stream.write_all(&message).await?;
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<usize>().ok());
        let status = number(head.get(9..12)).unwrap_or_default();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = if status == 304 {
            0
        } else {
            number(length).unwrap_or_default()
        };
        while self.buffer.len() < end + length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(end + length);
        let body = std::mem::replace(&mut self.buffer, rest).split_off(end);
        Ok(Answered {
            status: u16::try_from(status).unwrap_or_default(),
            head,
            body,
        })
    }

    async fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        let read = self.stream.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(())
    }

    /// Goes on with a collection, and notes each thing when it was acknowledged. Gives the status that ended it, which is
    /// 200 if the document is there.
    pub(crate) async fn collect(
        &mut self,
        issuer: &str,
        ticket: &Ticket,
        progress: &mut Progress,
        key: &SoftwareKey,
    ) -> io::Result<u16> {
        if progress.pre_authorized.is_none() {
            let path = format!("/offer/{}", base64url(&ticket.secret));
            let answer = self.ask("GET", &path, "", b"").await?;
            if answer.status != 200 {
                return Ok(answer.status);
            }
            let grants = CredentialOffer::decode(&answer.body).unwrap().grants.unwrap();
            let code = grants.pre_authorized_code.unwrap().code;
            progress.pre_authorized = Some(code.expose().to_owned());
        }
        if progress.token.is_none() {
            let answer = self.token(ticket, progress).await?;
            if answer.status != 200 {
                return Ok(answer.status);
            }
            let token = TokenResponse::decode(&answer.body).unwrap().access_token;
            progress.token = Some(token.expose().to_owned());
        }
        let answer = self.ask("POST", "/nonce", "", b"").await?;
        if answer.status != 200 {
            return Ok(answer.status);
        }
        let nonce = NonceResponse::decode(&answer.body).unwrap().c_nonce;
        let now = mdoc_cli::system::SystemClock.now();
        let proof = proof::sign(issuer, None, Some(nonce.expose()), None, now, key).unwrap();
        let body = format!(r#"{{"credential_configuration_id":"load","proofs":{{"jwt":["{proof}"]}}}}"#);
        let token = progress.token.as_deref().unwrap_or_default();
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let answer = self.ask("POST", "/credential", &headers, body.as_bytes()).await?;
        if answer.status == 200 {
            progress.copy = Some(copy(&answer.body));
        }
        Ok(answer.status)
    }

    /// Presents the code of the offer.
    pub(crate) async fn token(&mut self, ticket: &Ticket, progress: &Progress) -> io::Result<Answered> {
        let request = TokenRequest::new(Grant::PreAuthorizedCode {
            code: Secret::new(progress.pre_authorized.as_deref().unwrap_or_default()),
            tx_code: ticket.code.as_deref().map(Secret::new),
        });
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask("POST", "/token", headers, request.encode().as_bytes())
            .await
    }
}

/// The list and the entry of the document in an answer.
fn copy(body: &[u8]) -> (String, u64) {
    let Ok(Answer::Response(CredentialResponse::Issued(issued))) = Answer::decode(200, body, None) else {
        panic!("no document: {}", String::from_utf8_lossy(body));
    };
    let document = IssuerSigned::decode(&issued.documents[0], &Limits::DEFAULT).unwrap();
    let status = document.mso(&Limits::DEFAULT).unwrap().status.unwrap();
    let list = status.status_list.unwrap();
    (list.uri, list.index)
}

/// A new key of a wallet.
pub(crate) fn key(random: &mut impl Rng) -> SoftwareKey {
    let mut seed = [0; 32];
    random.fill_bytes(&mut seed);
    let mut random = rand_chacha::ChaCha20Rng::from_seed(seed);
    SoftwareKey::new(SecretKey::generate(Curve::P256, &mut random)).unwrap()
}
