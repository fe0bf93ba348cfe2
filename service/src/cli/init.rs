//! A service in an empty folder.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::{Exit, Failure, args, output, system};
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_issuer::pki::{self, Authority, Made, Terms};
use mdoc_openid::jose::base64url;
use mdoc_service::domain::person::Details;
use mdoc_service::domain::role::{Role, Scope, Workflow};
use mdoc_service::domain::scope::ApiScope;
use mdoc_service::secrets::Secrets;
use mdoc_service::start;
use mdoc_service::store::{Place, Store};
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::clients::{self, Client, Shown};
use mdoc_service::usecase::{people, roles};

use super::{account, block_on};

const EXTERNAL: &str = "http://127.0.0.1:8080";
const LISTEN: &str = "127.0.0.1:8080";
const NAME: &str = "Development authority";
const COUNTRY: &str = "NL";
const OPERATOR: &str = "administrator";

#[derive(Args)]
#[command(after_help = "\
The certificates are for development: the key of the issuing authority lies beside them.
For a service that issues real documents, have signers certified by your authority
(`mdoc-issuer pki csr`), put them in their place, and take iaca.key.pem away.

Examples:
  mdoc-service init authority --external https://id.example.org --name \"Example Authority\"
  mdoc-service init authority --database postgres://mdoc:secret@db.example.org/mdoc")]
pub(crate) struct Arguments {
    /// The folder; it is made, or empty
    pub(super) folder: PathBuf,
    /// What wallets and verifiers will call the service
    #[arg(long, value_name = "URL", default_value = EXTERNAL)]
    pub(super) external: String,
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = LISTEN)]
    pub(super) listen: String,
    /// The name of who issues, as wallets show it
    #[arg(long, default_value = NAME)]
    pub(super) name: String,
    /// The country of the development certificates
    #[arg(long, value_parser = args::country, default_value = COUNTRY)]
    pub(super) country: String,
    /// The logon name of the first operator, who may do everything
    #[arg(long, value_name = "LOGON", default_value = OPERATOR)]
    pub(super) operator: String,
    /// A PostgreSQL database of its own, for several nodes; without it the database is a file in the folder
    #[arg(long, value_name = "URL", value_parser = server)]
    pub(super) database: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

fn server(url: &str) -> Result<String, String> {
    match Place::parse(url) {
        Place::Server(url) => Ok(url),
        Place::File(_) => Err("give a URL, as postgres://mdoc:secret@db.example.org/mdoc".to_owned()),
    }
}

#[cfg(feature = "demo")]
impl Arguments {
    /// What is made in a folder if nothing else is said.
    pub(super) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            external: EXTERNAL.to_owned(),
            listen: LISTEN.to_owned(),
            name: NAME.to_owned(),
            country: COUNTRY.to_owned(),
            operator: OPERATOR.to_owned(),
            database: None,
            json: false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (client, secret) = make(arguments)?;
    if arguments.json {
        output::print_json(&serde_json::json!({
            "config": arguments.folder.join("service.toml").display().to_string(),
            "operator": arguments.operator,
            "client_id": client.id.to_string(),
            "client_secret": base64url(&*secret),
        }))?;
        return Ok(Exit::Done);
    }
    output::print(&format!(
        "{} is a service: {} may do everything.\n\n  mdoc-service serve --config {}\n\n\
         A machine that acts in that name; its secret is shown this once:\n\n  \
         client id      {}\n  client secret  {}\n",
        arguments.folder.display(),
        arguments.operator,
        arguments.folder.join("service.toml").display(),
        client.id,
        base64url(&*secret),
    ))?;
    Ok(Exit::Done)
}

/// Makes everything in the folder, and a machine that acts in the name of the first operator.
pub(super) fn make(arguments: &Arguments) -> Result<(Client, Shown), Failure> {
    let folder = &arguments.folder;
    output::make_folder(folder)?;
    let name = folder.display();
    let mut entries = fs::read_dir(folder)
        .map_err(|why| Failure::new(format!("the folder {name} cannot be read: {why}")))?;
    if entries.next().is_some() {
        return Err(
            Failure::new(format!("the folder {name} is not empty")).hint("give one that is, or a new one")
        );
    }
    let place = match &arguments.database {
        Some(url) => Place::parse(url),
        None => Place::File(folder.join("service.db")),
    };
    if let Place::Server(_) = place {
        is_free(&place)?;
    }
    let written = files(arguments)?;
    let files: Vec<NewFile<'_>> = written
        .iter()
        .map(|(path, content, secret)| NewFile {
            path,
            content,
            secret: *secret,
        })
        .collect();
    output::write_all(&files, Existing::Keep)?;
    operator(&place, (folder, &arguments.operator))
}

/// A server's database may be another service's; a further node of that one has its folder, not one of its own.
fn is_free(place: &Place) -> Result<(), Failure> {
    let store = open(place)?;
    let people: Option<i64> = block_on(async move {
        let found = store.read(|tx| tx.value("SELECT 1 FROM person LIMIT 1", &[]));
        found.await.map_err(|why| Failure::new(why.to_string()))
    })?;
    match people {
        None => Ok(()),
        Some(_) => Err(Failure::new("the database is a service's already")
            .hint("give one that is empty; for a further node of that service, copy its folder")),
    }
}

fn open(place: &Place) -> Result<Store, Failure> {
    Store::open(place).map_err(|why| {
        Failure::new(format!("the database: {why}"))
            .hint("is the server there, and has its user the database?")
    })
}

type Written = (PathBuf, Vec<u8>, bool);

fn files(arguments: &Arguments) -> Result<Vec<Written>, Failure> {
    let mut rng = system::random()?;
    let now = system::SystemClock.now();
    let terms = |common_name: &str| Terms {
        common_name: common_name.to_owned(),
        organization: Some(arguments.name.clone()),
        from: now,
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let bad = |why: mdoc_core::x509::build::BuildError| {
        Failure::new(format!("the certificates cannot be made: {why}"))
    };
    let iaca = pki::iaca(&arguments.country, None, &terms("Development IACA"), &mut rng).map_err(bad)?;
    let key = SoftwareKey::new(iaca.key.clone()).map_err(|why| Failure::new(why.to_string()))?;
    let authority = Authority {
        certificate: &iaca.certificate,
        signer: &key,
    };
    let ds = pki::document_signer(&terms("Development document signer"), authority, &mut rng).map_err(bad)?;
    let status =
        pki::status_list_signer(&terms("Development status signer"), authority, &mut rng).map_err(bad)?;
    let encryption = SecretKey::generate(Curve::P256, &mut rng);
    let at = |name: &str| arguments.folder.join(name);
    let mut files = vec![
        // A URL may have a password.
        (
            at("service.toml"),
            configuration(arguments).into_bytes(),
            arguments.database.is_some(),
        ),
        (
            at("secret.key"),
            Secrets::generate(&mut rng).as_bytes().to_vec(),
            true,
        ),
        (
            at("encryption.key.pem"),
            secret_to_pem(&encryption).as_bytes().to_vec(),
            true,
        ),
    ];
    for (stem, made) in [("iaca", &iaca), ("ds", &ds), ("status", &status)] {
        files.extend(pair(&arguments.folder, stem, made));
    }
    Ok(files)
}

fn pair(folder: &Path, stem: &str, made: &Made) -> [Written; 2] {
    [
        (
            folder.join(format!("{stem}.pem")),
            made.certificate.to_pem().into_bytes(),
            false,
        ),
        (
            folder.join(format!("{stem}.key.pem")),
            secret_to_pem(&made.key).as_bytes().to_vec(),
            true,
        ),
    ]
}

fn configuration(arguments: &Arguments) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    format!(
        "# What wallets and verifiers call the service.\n\
         external = {}\n\
         listen = {}\n\
         name = {}\n\
         database = {}\n\n\
         [collection]\n\
         # Where wallets may have browsers sent after a sign-in; this one is that of mdoc-holder.\n\
         redirect_uris = [\"http://127.0.0.1/mdoc-holder\"]\n\n\
         [keys]\n\
         secret = \"secret.key\"\n\
         encryption = \"encryption.key.pem\"\n\n\
         [[signers]]\n\
         certificate = \"ds.pem\"\n\
         key = \"ds.key.pem\"\n\n\
         [status]\n\
         certificate = \"status.pem\"\n\
         key = \"status.key.pem\"\n\n\
         [log]\n\
         level = \"info\"\n\
         file = \"service.log\"\n",
        quoted(&arguments.external),
        quoted(&arguments.listen),
        quoted(&arguments.name),
        quoted(arguments.database.as_deref().unwrap_or("service.db")),
    )
}

/// The first operator, with a role that grants everything, and a machine of the same name.
fn operator(place: &Place, (folder, logon): (&Path, &str)) -> Result<(Client, Shown), Failure> {
    let store = open(place)?;
    let secrets = start::secrets(&folder.join("secret.key"))?;
    let (mut rng, now) = (system::random()?, system::SystemClock.now());
    let details = Details {
        logon_name: logon.to_owned(),
        given_name: "First".to_owned(),
        family_name: "Operator".to_owned(),
        ..Details::default()
    };
    let role = Role {
        name: "administrators".to_owned(),
        scope: Scope::All,
        workflows: Workflow::ALL.to_vec(),
    };
    block_on(async move {
        let made = store.write(move |tx| {
            let actor = Actor::system(&account::place("set-up"));
            let person = people::add(tx, &actor, now, (&details, None), &mut rng)?;
            roles::set(tx, &actor, now, &role)?;
            roles::grant(tx, &actor, now, (&role.name, &person.id))?;
            let wanted = (details.logon_name.as_str(), &person.id, ApiScope::ALL.as_slice());
            clients::add(tx, &actor, now, wanted, (&secrets, &mut rng))
        });
        made.await.map_err(super::failed)
    })
}
