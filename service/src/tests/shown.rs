//! What is formatted for a message or a failed assertion has nothing in it that somebody else could use.

use core::fmt::Debug;

use zeroize::Zeroizing;

use super::world::{World, everywhere};
use crate::config::Config;
use crate::domain::code::CodeForm;
use crate::domain::id::Serial;
use crate::domain::profile::{Profile, Settings};
use crate::store::Place;
use crate::usecase::authorize::{Asked, End, Page, Pushed, Said, Types, Wanted};
use crate::usecase::clients::Granted;
use crate::usecase::collect::{Holder, Offered};
use crate::usecase::deferred::Later;

/// In every secret of these tests: as text, and as the bytes 0xA5 that are 165 in decimal.
const SECRET: &str = "swordfish";
const BYTE: u8 = 0xa5;

/// Looks for secrets in both forms in which a value is formatted.
fn tells_nothing(what: &impl Debug) {
    for text in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!text.contains(SECRET), "{text}");
        assert!(
            !text.contains("165") && !text.to_lowercase().contains("a5"),
            "{text}"
        );
    }
}

fn profile() -> Profile {
    Profile {
        name: "licence".to_owned(),
        version: 1,
        settings: Settings::default(),
    }
}

#[test]
fn a_secret_of_a_collection_is_not_formatted() {
    let offered = Offered {
        profile: profile(),
        pre_authorized: [BYTE; 32],
        issuer_state: [BYTE; 32],
        code: Some(CodeForm::default()),
    };
    tells_nothing(&offered);
    let end = End {
        redirect_uri: "https://wallet.example/cb".to_owned(),
        state: None,
    };
    tells_nothing(&Page {
        wallet: "wallet".to_owned(),
        documents: vec![profile()],
        types: Types::Invitation,
        ticket: [BYTE; 32],
        end,
        over: false,
    });
    tells_nothing(&Said {
        ticket: &[BYTE; 32],
        invitation: Some(SECRET),
        code: Some(SECRET),
    });
    tells_nothing(&Asked {
        request: &[BYTE; 32],
        client_id: "wallet",
    });
    tells_nothing(&Pushed {
        holder: Holder::default(),
        client_id: "wallet".to_owned(),
        redirect_uri: "https://wallet.example/cb".to_owned(),
        state: Some(SECRET.to_owned()),
        challenge: "x".to_owned(),
        wanted: Wanted {
            profiles: Vec::new(),
            detailed: false,
        },
        issuer_state: Some(vec![BYTE; 32]),
    });
    tells_nothing(&Later {
        transaction: vec![BYTE; 32],
        token: vec![BYTE; 32],
        serial: Serial::given("x").unwrap(),
        keys: vec![vec![BYTE; 32]],
        key_security: None,
        once: Vec::new(),
    });
}

#[test]
fn an_offer_is_not_formatted() {
    everywhere(async |mut world: World| {
        let clerk = world.clerk.clone();
        let requested = world.request_as(&clerk, "licence").await.unwrap();
        let offer = requested.offer.as_ref().unwrap();
        let text = format!("{requested:?}");
        assert!(!text.contains(offer.invitation.as_str()), "{text}");
        assert!(!text.contains(offer.code.as_ref().unwrap().as_str()), "{text}");
        assert!(!text.contains(&format!("{:?}", *offer.secret)), "{text}");
        assert!(text.contains("Offer"), "{text}");
    });
}

#[test]
fn a_token_of_a_machine_is_not_formatted() {
    tells_nothing(&Granted {
        token: Zeroizing::new([BYTE; 32]),
        scopes: Vec::new(),
    });
}

#[test]
fn the_password_of_the_database_and_the_pin_of_a_token_are_not_formatted() {
    let url = format!("postgres://mdoc:{SECRET}@db.example.org/service");
    tells_nothing(&Place::parse(&url));
    let text = format!(
        "external = \"https://id.example.org\"\ndatabase = \"{url}\"\n[keys]\nsecret = \"secret.key\"\n\
         [[signers]]\ncertificate = \"ds.pem\"\nkey = \"pkcs11:token=x?pin-value={SECRET}\"\n\
         [status]\ncertificate = \"status.pem\"\nkey = \"pkcs11:token=x?pin-value={SECRET}\"\n\
         [tls]\ncertificate = \"tls.pem\"\nkey = \"pkcs11:token=x?pin-value={SECRET}\"\n"
    );
    let config: Config = toml::from_str(&text).unwrap();
    assert!(config.database.contains(SECRET) && config.status.key.contains(SECRET));
    tells_nothing(&config);
    tells_nothing(&config.signers);
    tells_nothing(&config.status);
    tells_nothing(&config.tls);
}
