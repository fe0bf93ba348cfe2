//! The options by which evidence is asked for over the network, for every command that judges documents.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use mdoc_cli::failure::printable_line;
use mdoc_cli::input::display;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Failure, args, keys, output};
use mdoc_core::verify::{Form, Inputs, Policy, StatusPolicy, verify};
use mdoc_verifier::online::cache::Cache;
use mdoc_verifier::online::fetch::{Fetch, HttpFetch, Reach};
use mdoc_verifier::online::{Judged, Online, StatusQuery, TIME_LIMIT};

use super::PROGRAM;

/// The most octets of a file that says whom to ask.
const LARGEST_QUERY: usize = 16 * 1024;

/// Whether a document or its signer was revoked.
#[derive(Args)]
#[command(next_help_heading = "Revocation, asked over the network")]
pub(super) struct OnlineArguments {
    /// Ask for the document's status list, and for the CRL or OCSP answer about its signer. What cannot be learnt stands
    /// against the document (require) or not (prefer); skip leaves status lists aside and asks nothing [default: ask
    /// nothing]
    #[arg(long, value_enum, value_name = "POLICY", hide_possible_values = true)]
    status: Option<StatusName>,
    /// Use answers that were kept, and no network
    #[arg(long, requires = "status", conflicts_with_all = ["allow_private_addresses", "time_limit", "ocsp_nonce"])]
    offline: bool,
    /// Folder that keeps answers until they expire [default: mdoc-verifier in the user's folder for caches]
    #[arg(long, value_name = "DIR", requires = "status")]
    status_cache: Option<PathBuf>,
    /// Ask hosts of private networks and of this machine too, and without TLS
    #[arg(long, requires = "status")]
    allow_private_addresses: bool,
    /// The longest time for all questions together [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = args::duration, requires = "status")]
    time_limit: Option<Duration>,
    /// Have OCSP responders repeat a nonce; many of those on the Internet do not
    #[arg(long, requires = "status")]
    ocsp_nonce: bool,
    /// File with `issuer`, `client-id` and `client-secret`: ask that issuer itself about documents with a status list of
    /// its own, beside the list; more than once for more issuers
    #[arg(long, value_name = "FILE", requires = "status", conflicts_with = "offline")]
    status_query: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatusName {
    // No documentation comments: they would spread the help of all options over three lines each.
    Require,
    Prefer,
    Skip,
}

impl OnlineArguments {
    /// The policy with what is said here about status and revocation; as it is if nothing is.
    pub(super) const fn policy(&self, policy: Policy) -> Policy {
        match self.status {
            None => policy,
            Some(StatusName::Require) => policy
                .with_status(StatusPolicy::Require)
                .with_revocation_required(true),
            Some(StatusName::Prefer) => policy.with_status(StatusPolicy::Prefer),
            Some(StatusName::Skip) => policy.with_status(StatusPolicy::Skip),
        }
    }

    /// What is needed for asking: before a document is read or a session begun, so that what cannot be is said first.
    ///
    /// # Errors
    /// [`Failure`] if the network is not to be used and there is no folder of answers either.
    pub(super) fn open(&self) -> Result<Asking, Failure> {
        let (None | Some(StatusName::Skip)) = self.status else {
            return self.asking().map(|means| Asking(Some(means)));
        };
        Ok(Asking(None))
    }

    fn asking(&self) -> Result<Means, Failure> {
        let folder = self.status_cache.clone().or_else(Cache::default_folder);
        let cache = folder.map(Cache::new);
        if self.offline {
            let hint = "name it with --status-cache DIR, or leave --offline out once";
            match cache.as_ref().map(Cache::folder) {
                None => {
                    let why =
                        "neither a home nor a folder for caches is named, where answers would have been kept";
                    return Err(Failure::new(why).hint(hint));
                }
                Some(folder) if !folder.is_dir() => {
                    let name = folder.display();
                    let why = format!("there is no folder {name} with answers that were kept");
                    return Err(Failure::new(why).hint(hint));
                }
                Some(_) => {}
            }
        }
        let queries = self.status_query.iter().map(|path| query(path));
        let queries = queries.collect::<Result<_, _>>()?;
        let reach = if self.allow_private_addresses {
            Reach::Everywhere
        } else {
            Reach::Public
        };
        Ok(Means {
            network: (!self.offline).then(|| HttpFetch::new(reach)),
            cache,
            time: self.time_limit.unwrap_or(TIME_LIMIT),
            plain_status_lists: self.allow_private_addresses,
            ocsp_nonce: self.ocsp_nonce,
            queries,
        })
    }
}

/// Whom to ask, and as whom.
fn query(path: &Path) -> Result<StatusQuery, Failure> {
    let text = keys::secret_text(path, "a file with a client's secret", LARGEST_QUERY)?;
    StatusQuery::from_toml(&text).map_err(|why| {
        Failure::new(format!("{}: {why}", display(path))).hint(
            "`mdoc-service client add NAME --operator LOGON --scope status --out FILE` writes such a file",
        )
    })
}

/// Who asks, for one document after another.
pub(super) struct Asking(Option<Means>);

struct Means {
    network: Option<HttpFetch>,
    cache: Option<Cache>,
    time: Duration,
    plain_status_lists: bool,
    ocsp_nonce: bool,
    queries: Vec<StatusQuery>,
}

impl Asking {
    /// Whether a verification may wait for the network.
    pub(super) fn takes_time(&self) -> bool {
        self.0.as_ref().is_some_and(|means| means.network.is_some())
    }

    /// Verifies a message with what can be learnt about it, and says on stderr what could not. `inputs` has the policy of
    /// [`OnlineArguments::policy`].
    pub(super) fn verify<'b>(&self, bytes: &'b [u8], form: Form, inputs: &Inputs<'_>) -> Judged<'b> {
        let Some(means) = &self.0 else {
            return Judged {
                report: verify(bytes, form, inputs),
                sources: Vec::new(),
                not_kept: None,
            };
        };
        let network = means.network.as_ref().map(|network| -> &dyn Fetch { network });
        let online = Online {
            cache: means.cache.as_ref(),
            time: means.time,
            plain_status_lists: means.plain_status_lists,
            ocsp_nonce: means.ocsp_nonce,
            queries: &means.queries,
            ..Online::new(network, &SystemClock)
        };
        let judged = online.verify(bytes, form, inputs);
        say(&judged);
        judged
    }
}

/// What could not be had, each with what may help.
fn say(judged: &Judged<'_>) {
    for source in &judged.sources {
        if let Some(problem) = source.supply.problem() {
            let hint = problem
                .hint()
                .map_or_else(String::new, |hint| format!(" ({hint})"));
            let line = printable_line(&source.to_string());
            output::warn(PROGRAM, &format!("{line}{hint}"));
        }
    }
    if let Some(why) = &judged.not_kept {
        output::warn(PROGRAM, &format!("what was fetched is not kept: {why}"));
    }
}
