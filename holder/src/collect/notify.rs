//! What the issuer is told of what it gave.

use mdoc_openid::vci::credential::{Event, Notification};

use super::session::{For, Session, Tries};
use super::{Around, CollectError, Operation, Progress, Request, Response, Step};

/// Says to the issuer what became of the documents. It may fail; the documents are there nevertheless.
#[derive(Debug)]
pub struct Notify {
    session: Session,
    endpoint: String,
    notification: Notification,
    tries: Tries,
}

impl Notify {
    pub(super) fn new(session: Session, id: Option<String>, event: Event) -> Option<Self> {
        Some(Self {
            endpoint: session.metadata.notification_endpoint.clone()?,
            notification: Notification {
                notification_id: id?,
                event,
                event_description: None,
            },
            session,
            tries: Tries::default(),
        })
    }
}

impl Operation for Notify {
    type Done = ();

    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError> {
        let request = Request::post(&self.endpoint, "application/json", self.notification.encode());
        self.session.authorized(request, For::Resource, around)
    }

    fn receive(mut self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        if self.session.asks_again(response, For::Resource, &mut self.tries) {
            return Ok(Progress::Again(self));
        }
        if response.is_good() {
            Ok(Progress::Done(()))
        } else {
            Err(response.refusal(Step::Notification))
        }
    }
}
