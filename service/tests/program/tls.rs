//! A service that speaks TLS by itself.

use super::{Folder, Serving};

/// A root of one's own, and a certificate of a server of that name below it.
fn certified(host: &str) -> (mdoc_issuer::pki::Made, mdoc_issuer::pki::Made) {
    use mdoc_core::seams::{Clock as _, SoftwareKey};
    use mdoc_core::x509::GeneralName;
    use mdoc_issuer::pki::{Authority, Kind, Terms, make};

    let mut rng = mdoc_cli::system::random().unwrap();
    let terms = |name: &str| Terms {
        common_name: name.to_owned(),
        organization: None,
        from: mdoc_cli::system::SystemClock.now(),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: mdoc_core::crypto::Curve::P256,
    };
    let root = make(&Kind::OtherCa { country: None }, &terms("Root"), None, &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let kind = Kind::TlsServer {
        country: None,
        hosts: vec![GeneralName::Dns(host.to_owned())],
    };
    let server = make(&kind, &terms("Server"), Some(authority), &mut rng).unwrap();
    (root, server)
}

/// An answer by TLS to who trusts that root, and the version of TLS.
fn ask_by_tls(
    address: &str,
    host: &'static str,
    root: &mdoc_issuer::pki::Made,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<String, std::io::Error> {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.certificate.der().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host).unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = std::net::TcpStream::connect(address).unwrap();
    let mut stream = rustls::StreamOwned::new(client, stream);
    let asked = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert_eq!(
        stream.conn.protocol_version(),
        Some(version.version),
        "another version was spoken"
    );
    Ok(answer)
}

#[test]
fn a_service_speaks_tls_by_its_own_certificate_and_nothing_else() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;

    const HOST: &str = "id.example.org";
    let listen = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let folder = Folder::new("tls", &listen);
    let ((root, server), (other_root, other)) = (certified(HOST), certified(HOST));
    let key = folder.0.join("server.key.pem");
    std::fs::write(folder.0.join("server.pem"), server.certificate.to_pem()).unwrap();
    std::fs::write(folder.0.join("other.pem"), other.certificate.to_pem()).unwrap();
    std::fs::write(&key, mdoc_core::keys::secret_to_pem(&server.key).as_bytes()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let command = |arguments: &[&str], certificate: &str| {
        let mut command = folder.command(arguments);
        command
            .env("MDOC_SERVICE_TLS__CERTIFICATE", certificate)
            .env("MDOC_SERVICE_TLS__KEY", "server.key.pem");
        command
    };
    // The certificate of another key starts nothing, and neither does what is none.
    for (certificate, arguments) in [
        ("other.pem", ["config", "check"].as_slice()),
        ("other.pem", &["serve"]),
        ("service.toml", &["config", "check"]),
        ("missing.pem", &["config", "check"]),
    ] {
        let refused = command(arguments, certificate).output().unwrap();
        let words = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}");
        assert!(words.contains(certificate) && words.contains("TLS"), "{words}");
    }
    let checked = command(&["config", "check"], "server.pem").output().unwrap();
    assert!(String::from_utf8(checked.stdout).unwrap().contains("by TLS"));

    let mut serve = command(&["serve"], "server.pem");
    let _serving = Serving(serve.stdout(std::process::Stdio::null()).spawn().unwrap());
    let began = std::time::Instant::now();
    while std::net::TcpStream::connect(&listen).is_err() {
        assert!(began.elapsed().as_secs() < 30, "it does not answer");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let answer = ask_by_tls(&listen, HOST, &root, version).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // Who trusts another root, or wants another host, says nothing to it.
    for (host, root) in [(HOST, &other_root), ("other.example.org", &root)] {
        let refused = ask_by_tls(&listen, host, root, &rustls::version::TLS13).unwrap_err();
        assert!(
            refused.to_string().contains("invalid peer certificate"),
            "{refused}"
        );
    }
    // Without TLS there is no answer, and the connection is ended at once.
    let mut plain = std::net::TcpStream::connect(&listen).unwrap();
    plain
        .set_read_timeout(Some(std::time::Duration::from_secs(5)))
        .unwrap();
    // In one piece: the service may have ended the connection before a second one.
    let request = format!("GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    plain.write_all(request.as_bytes()).unwrap();
    let mut said = Vec::new();
    let ended = plain.read_to_end(&mut said);
    let waited = ended.is_err_and(|why| why.kind() != std::io::ErrorKind::ConnectionReset);
    assert!(!waited, "the connection is kept");
    assert!(!said.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&said));
    // An alert at most (RFC 8446, 6).
    assert!(
        said.is_empty() || (said[0] == 0x15 && said.len() == 7),
        "{said:x?}"
    );
    let answer = ask_by_tls(&listen, HOST, &root, &rustls::version::TLS13).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
