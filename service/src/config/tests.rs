use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::tests::scratch::Scratch;

const GOOD: &str = r#"
external = "https://id.example.org"
[keys]
secret = "secret.key"
[[signers]]
certificate = "ds.pem"
key = "ds.key.pem"
[status]
certificate = "status.pem"
key = "pkcs11:token=x"
"#;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = Scratch::new(&format!("config-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let path = folder.join("service.toml");
    std::fs::write(&path, text).unwrap();
    let pairs = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::read(&path, pairs)
}

#[test]
fn what_is_not_said_has_a_default_and_paths_are_from_the_file() {
    let config = read(GOOD, &[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080");
    assert_eq!(config.codes.simple, "04-08N");
    assert!(config.keys.secret.is_absolute());
    assert!(config.signers[0].key.starts_with('/'));
    assert_eq!(config.status.key, "pkcs11:token=x");
}

#[test]
fn the_environment_comes_before_the_file() {
    let set = [
        ("MDOC_SERVICE_LISTEN", "127.0.0.1:9"),
        ("MDOC_SERVICE_CODES__TRIES", "3"),
        ("MDOC_SERVICE_DATABASE", "postgres://db/x"),
        ("OTHER", "y"),
    ];
    let config = read(GOOD, &set).unwrap();
    assert_eq!((config.listen.as_str(), config.codes.tries), ("127.0.0.1:9", 3));
    assert_eq!(config.database, "postgres://db/x");
}

#[test]
fn a_list_may_be_as_small_and_kept_for_as_long_as_still_works() {
    let config = read(&format!("{GOOD}size = 128\nexpiry = 600\nttl = 300\n"), &[]).unwrap();
    assert_eq!((config.status.size, config.status.ttl), (128, 300));
}

/// With a gateway of messages that takes mail, and one setting more of it.
fn by_mail(setting: &str) -> String {
    let mail = "[notifications.mail]\nfrom = \"a@id.example.org\"\nhost = \"mail.example.org\"\n";
    format!("{GOOD}{mail}[notifications.sms]\ndomain = \"sms.example.org\"\n{setting}\n")
}

#[test]
fn a_gateway_of_messages_that_takes_mail_has_a_domain_alone() {
    let config = read(&by_mail(""), &[]).unwrap();
    assert!(config.notifications.sms.unwrap().repeatable.is_none());
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (GOOD.replace("id.example.org", "id.example.org/"), "external"),
        (format!("listen = \"here\"\n{GOOD}"), "listen"),
        (format!("{GOOD}[codes]\nsimple = \"x\"\n"), "codes.simple"),
        (
            format!("{GOOD}[collection]\nrequest_days = 0\n"),
            "collection.request_days",
        ),
        (
            format!("{GOOD}[collection]\noffer_days = 0\n"),
            "collection.offer_days",
        ),
        (
            format!("{GOOD}[collection]\noldest = \"draft-9\"\n"),
            "collection.oldest",
        ),
        (format!("logo = \"http://id.example.org/x.png\"\n{GOOD}"), "logo"),
        (format!("metrics = \"here\"\n{GOOD}"), "metrics"),
        (format!("metrics = \"127.0.0.1:8080\"\n{GOOD}"), "port of its own"),
        (format!("{GOOD}[log]\nlevel = \"loud\"\n"), "log.level"),
        (format!("{GOOD}[log]\nbytes = 1\n"), "log"),
        (format!("{GOOD}[limits]\ndatabase_connections = 0\n"), "from 1 to"),
        (format!("{GOOD}[limits]\nconnections = 0\n"), "limits.connections"),
        (format!("{GOOD}[limits]\nseconds = 0\n"), "limits.seconds"),
        (
            format!("{GOOD}[limits]\nconnection_seconds = 0\n"),
            "limits.connection_seconds",
        ),
        (format!("{GOOD}[limits]\nbody = 100\n"), "limits.body"),
        // Of the last key on: GOOD ends with the table of the status.
        (format!("{GOOD}size = 127\n"), "status.size"),
        (format!("{GOOD}expiry = 600\nttl = 301\n"), "status.ttl"),
        (format!("{GOOD}[limits.rates]\ntokens = 1\n"), "tokens"),
        (
            format!("{GOOD}[collection]\nredirect_uris = [\"http://wallet.example/\"]\n"),
            "collection.redirect_uris",
        ),
        (
            format!("{GOOD}[[collection.wallets]]\nname = \"W\"\nurl = \"http://w.example\"\n"),
            "collection.wallets",
        ),
        (format!("{GOOD}[wallets]\nattested = true\n"), "wallets.trust"),
        (
            format!("{GOOD}[retention]\nmessage_days = 0\n"),
            "retention.message_days",
        ),
        (
            format!("{GOOD}[retention]\nbatch_days = 36501\n"),
            "retention.batch_days",
        ),
        (
            format!("{GOOD}[retention]\noffer_days = -1\n"),
            "retention.offer_days",
        ),
        (format!("proxies = [\"proxy\"]\n{GOOD}"), "proxies"),
        (format!("proxy_header = \"via\"\n{GOOD}"), "proxy_header"),
        (by_mail("repeatable = true"), "notifications.sms.repeatable"),
        (by_mail("secret = \"sms.token\""), "notifications.sms.secret"),
        (by_mail("headers = { A = \"b\" }"), "notifications.sms.headers"),
        (by_mail("internal = false"), "notifications.sms.internal"),
        (by_mail("method = \"POST\""), "notifications.sms.method"),
        (by_mail("body = \"x\""), "notifications.sms.body"),
        (by_mail("trust = \"ca.pem\""), "notifications.sms.trust"),
        (format!("surprise = 1\n{GOOD}"), "surprise"),
        ("external = ".to_owned(), "toml"),
    ];
    for (text, word) in cases {
        let error = read(&text, &[]).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}
