//! Sending what people are told (E9): a node takes messages from the outbox, fills their templates, and hands them over.

mod folder;
pub mod mail;
pub mod sms;
pub mod template;

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::folder::Folder;
use self::template::{Filled, Templates};
use crate::domain::id::MessageId;
use crate::domain::notice::Channel;
use crate::random;
use crate::service::Service;
use crate::store::StoreError;
use crate::usecase::outbox::{self, Outcome, Rules, Stage, Taken};

/// How many messages are handed over at once.
const AT_ONCE: u32 = 8;
/// How long it is waited when there is nothing to send.
const PAUSE: Duration = Duration::from_secs(1);

/// What brings messages to people.
pub trait Carrier: Send + Sync {
    /// Hands a message over. `ready` is called once, right before the message may go out: if it says no, the message is
    /// somebody else's now, and does not go out.
    fn carry(
        &self,
        id: &MessageId,
        to: &str,
        filled: &Filled,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome;
}

/// A person's number as gateways want it: digits alone.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// What sends messages.
pub struct Courier {
    /// What brings mail, if anything.
    pub mail: Option<Arc<dyn Carrier>>,
    /// What brings messages to phones, if anything.
    pub sms: Option<Arc<dyn Carrier>>,
    /// What they say.
    pub templates: Templates,
    /// How often, and when again.
    pub rules: Rules,
}

impl Courier {
    /// The channels over which something can be sent.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        Channel::ALL
            .into_iter()
            .filter(|channel| self.carrier(*channel).is_some())
            .collect()
    }

    fn carrier(&self, channel: Channel) -> Option<&Arc<dyn Carrier>> {
        match channel {
            Channel::Mail => self.mail.as_ref(),
            Channel::Sms => self.sms.as_ref(),
        }
    }

    /// Sends what is due until it is told to end; what is under way is finished then.
    pub async fn run(self: Arc<Self>, service: Arc<Service>, mut told: watch::Receiver<()>) {
        let node = MessageId::random(&mut random::system()).to_string();
        loop {
            let sent = self.round(&service, &node).await.unwrap_or_else(|why| {
                tracing::error!(%why, "messages were not sent");
                0
            });
            if told.has_changed().unwrap_or(true) {
                return;
            }
            if sent == 0 {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    _ = told.changed() => return,
                }
            }
        }
    }

    /// Sends what is due, and gives how many were tried.
    ///
    /// # Errors
    /// [`StoreError`] of the outbox.
    pub async fn round(self: &Arc<Self>, service: &Arc<Service>, node: &str) -> Result<usize, StoreError> {
        let (now, rules, terms, name) = (
            service.now(),
            self.rules.clone(),
            service.terms.clone(),
            node.to_owned(),
        );
        let taken = service
            .store
            .write(move |tx| outbox::take(tx, now, (&name, AT_ONCE, &rules, &terms)))
            .await?;
        let count = taken.len();
        let mut under_way = JoinSet::new();
        let mut ids = HashMap::new();
        for message in taken {
            let (courier, service, node) = (Arc::clone(self), Arc::clone(service), node.to_owned());
            let id = message.id.clone();
            let task = under_way.spawn(async move { courier.send(&service, &node, message).await });
            ids.insert(task.id(), id);
        }
        while let Some(ended) = under_way.join_next_with_id().await {
            let noted = match ended {
                Ok((_, noted)) => noted,
                Err(broken) => match ids.get(&broken.id()) {
                    Some(id) => self.broke_off(service, node, id).await,
                    None => Ok(()),
                },
            };
            if let Err(why) = noted {
                tracing::error!(%why, "how it went with a message was not noted");
            }
        }
        Ok(count)
    }

    /// Notes that sending a message broke off; why may have words of it, and is told to nobody.
    async fn broke_off(&self, service: &Arc<Service>, node: &str, id: &MessageId) -> Result<(), StoreError> {
        let (now, rules, name, message) = (service.now(), self.rules.clone(), node.to_owned(), id.clone());
        let outcome = Outcome::Unknown("sending it broke off".to_owned());
        let stage = service
            .store
            .write(move |tx| outbox::done(tx, now, (&message, &name, &outcome, &rules)))
            .await?;
        let stage = stage.map_or("", Stage::name);
        tracing::error!(%id, stage, "sending a message broke off");
        Ok(())
    }

    async fn send(&self, service: &Arc<Service>, node: &str, message: Taken) -> Result<(), StoreError> {
        let outcome = self.hand_over(service, node, &message).await;
        let (now, rules, name, id) = (
            service.now(),
            self.rules.clone(),
            node.to_owned(),
            message.id.clone(),
        );
        let said = outcome.clone();
        let stage = service
            .store
            .write(move |tx| outbox::done(tx, now, (&id, &name, &said, &rules)))
            .await?;
        let (id, notice, channel) = (&message.id, message.notice.name(), message.channel.name());
        match (&outcome, stage) {
            (Outcome::Sent, _) => tracing::info!(%id, notice, channel, "a message was sent"),
            (Outcome::Later(why) | Outcome::Never(why) | Outcome::Unknown(why), Some(stage)) => {
                tracing::warn!(%id, notice, channel, why, %stage, "a message was not sent");
            }
            (_, None) => tracing::warn!(%id, notice, channel, "a message was somebody else's"),
        }
        Ok(())
    }

    async fn hand_over(&self, service: &Arc<Service>, node: &str, message: &Taken) -> Outcome {
        let Some(letter) = &message.letter else {
            return Outcome::Never("it was sealed under another key of the service".to_owned());
        };
        let Some(carrier) = self.carrier(message.channel) else {
            return Outcome::Later(format!("nothing sends {} here", message.channel));
        };
        let filled = match self.templates.fill(message.notice, message.channel, letter) {
            Ok(filled) => filled,
            Err(why) => return Outcome::Never(why.to_string()),
        };
        let (carrier, service) = (Arc::clone(carrier), Arc::clone(service));
        let (id, to, node) = (message.id.clone(), letter.to.clone(), node.to_owned());
        let handle = tokio::runtime::Handle::current();
        let carried = tokio::task::spawn_blocking(move || {
            let mut ready = || {
                let (now, id, node) = (service.now(), id.clone(), node.clone());
                let noted = service
                    .store
                    .write(move |tx| outbox::hand_over(tx, now, (&id, &node)));
                match handle.block_on(noted) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err("another node has it".to_owned()),
                    Err(why) => Err(why.to_string()),
                }
            };
            carrier.carry(&id, &to, &filled, &mut ready)
        });
        carried
            .await
            .unwrap_or_else(|_| Outcome::Unknown("handing it over broke off".to_owned()))
    }
}
