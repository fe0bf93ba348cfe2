//! Replacing a document in one step.

use clap::Args;
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_service::domain::profile::Delivery;
use mdoc_service::start;
use mdoc_service::usecase::document::Why;
use mdoc_service::usecase::replace;
use serde_json::json;

use super::{MoveArguments, Shown, as_json, delivery, requested_json, say_requested};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    moved: MoveArguments,
    /// How the new one reaches the person: notified, screen, held; as the profile says if not given
    #[arg(long, value_parser = delivery)]
    delivery: Option<Delivery>,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (moved, delivery) = (&arguments.moved, arguments.delivery);
    let session = moved.acting.open()?;
    let (terms, mut rng) = (start::terms(&session.config)?, system::random()?);
    let (serial, reason, notes) = (moved.serial.clone(), moved.reason.clone(), moved.notes.clone());
    let replaced = session.write(move |tx, actor, now| {
        let why = Why {
            reason: reason.as_deref(),
            notes: notes.as_deref(),
        };
        replace::replace(tx, actor, now, (&serial, delivery, &terms), why, &mut rng)
    })?;
    let (old, new, config) = (&replaced.old, &replaced.new, &session.config);
    if let Some(offer) = &new.offer {
        arguments.shown.write(offer, config)?;
    }
    if moved.acting.at.json {
        let both = json!({ "replaced": as_json(old), "document": requested_json(new, config) });
        output::print_json(&both)?;
    } else {
        output::print(&format!("{} is {}\n", old.serial, old.state))?;
        say_requested(new, &arguments.shown, config)?;
    }
    Ok(Exit::Done)
}
