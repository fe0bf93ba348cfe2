//! What `read` and `kiosk` have in common: what is asked, by whom, over what, and who is trusted.

use core::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mdoc_cli::air::{self, AirArguments};
use mdoc_cli::keys::KeySource;
use mdoc_cli::output;
use mdoc_cli::trust::Anchors;
use mdoc_cli::{Failure, args, system};
use mdoc_core::crypto::fastest;
use mdoc_core::device_request::{ItemsRequest, ReaderAuth, encode_request};
use mdoc_core::limits::Limits;
use mdoc_core::verify::{Form, Inputs};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_radio::{Air, Interrupted};
use mdoc_verifier::online::Judged;
use mdoc_verifier::read::{Plan, PlanError, Reading, Times, read_until};

use super::PROGRAM;
use super::online::{Asking, OnlineArguments};
use super::request::{Identity, requests};
use super::trust::{JudgeArguments, PolicyArguments, TrustArguments};

#[derive(Args)]
pub(super) struct ReaderArguments {
    /// A request by name; `mdoc-verifier request --list` shows them.
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    preset: Option<String>,
    /// A request in TOML.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The reader's certificate, followed by intermediate ones if there are any; signs the request.
    #[arg(long, value_name = "FILE", requires = "reader_key")]
    reader_cert: Option<PathBuf>,
    /// The reader's private key.
    #[arg(long, value_name = "KEY", requires = "reader_cert")]
    reader_key: Option<KeySource>,
    #[command(flatten)]
    pub(super) air: AirArguments,
    /// How long the wallet and its holder may take to answer.
    #[arg(long, value_name = "DURATION", value_parser = args::duration, default_value = "300s")]
    answer_timeout: Duration,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    judge: JudgeArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    online: OnlineArguments,
}

/// Everything that does not change from one wallet to the next.
pub(super) struct Reader<A> {
    arguments: A,
    pub(super) asked: Vec<ItemsRequest>,
    identity: Option<Identity>,
    anchors: Anchors,
    lists: Vec<RevocationList>,
    asking: Asking,
}

/// Why a wallet was not read.
pub(super) enum NotRead {
    Plan(PlanError),
    Interrupted(Interrupted),
    Failed(Failure),
}

impl<A: Deref<Target = ReaderArguments>> Reader<A> {
    /// Reads all files.
    ///
    /// # Errors
    /// [`Failure`] for the first that cannot be used.
    pub(super) fn prepare(arguments: A) -> Result<Self, Failure> {
        let given = &*arguments;
        let asking = given.online.open()?;
        let lists = given.judge.revocation_lists()?;
        let judged = given.judge.judged(&given.policy);
        let anchors = given.trust.anchors(&judged, &lists)?;
        for warning in &anchors.warnings {
            output::warn(PROGRAM, warning);
        }
        let identity = match (&given.reader_cert, &given.reader_key) {
            (Some(cert), Some(key)) => Some(Identity::load(cert, key)?),
            _ => None,
        };
        let asked = requests(given.preset.as_deref(), given.file.as_deref())?;
        Ok(Self {
            arguments,
            asked,
            identity,
            anchors,
            lists,
            asking,
        })
    }

    /// Reads one wallet, with a new session, unless `stop` comes before its answer.
    pub(super) async fn read(
        &self,
        air: &dyn Air,
        engagement: &[u8],
        stop: impl Future<Output = ()>,
    ) -> Result<Reading, NotRead> {
        let arguments = &*self.arguments;
        let mut rng = system::random().map_err(NotRead::Failed)?;
        let only = arguments.air.mode.only();
        let plan =
            Plan::new(engagement, only, Limits::DEFAULT, &mut rng, fastest()).map_err(NotRead::Plan)?;
        let plan = if arguments.air.l2cap {
            plan.with_l2cap()
        } else {
            plan
        };
        let request = match &self.identity {
            Some(identity) => identity.sign(&self.asked, plan.transcript(), false),
            None => encode_request(&self.asked, &ReaderAuth::None)
                .map_err(|error| Failure::new(error.to_string())),
        };
        let times = Times {
            link: arguments.air.timeouts(),
            answer: arguments.answer_timeout,
            ..Times::default()
        };
        let request = request.map_err(NotRead::Failed)?;
        let reading = read_until(air, plan, &request, &times, stop, fastest()).await;
        let reading = reading.map_err(|interrupted| {
            air::warn_of(&interrupted, PROGRAM);
            NotRead::Interrupted(interrupted)
        })?;
        for warning in reading.warnings() {
            output::warn(PROGRAM, warning);
        }
        Ok(reading)
    }

    /// Ends the conversation if judging may take long, so that the wallet does not wait for what others say of it.
    pub(super) async fn let_go(&self, reading: &mut Reading) {
        if self.asking.takes_time() {
            reading.end().await;
        }
    }

    /// Judges what a wallet answered, with what is learnt over the network if that is wanted.
    pub(super) fn verify<'r>(&'r self, reading: &'r Reading) -> Judged<'r> {
        let judged = self.arguments.judge.judged(&self.arguments.policy);
        let mut inputs = Inputs::new(&self.anchors.anchors, judged.now);
        inputs.policy = self.arguments.online.policy(judged.policy);
        inputs.request = Some(&self.asked);
        inputs.revocation_lists = &self.lists;
        let response = &reading.response;
        let judged = self
            .asking
            .verify(response.bytes(), Form::DeviceResponse, &response.inputs(inputs));
        super::check::log(&judged.report);
        judged
    }
}
