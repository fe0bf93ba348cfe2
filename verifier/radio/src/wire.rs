//! A link over a radio, by the clock.

use core::time::Duration;
use std::collections::VecDeque;

use mdoc_core::ble::link::{Action, Bearer, Ending, Input, Link, Oddity, Setup};
use tokio::time::Instant;

use crate::{Fault, Happened, Radio};

/// How long a radio may take to let go.
const LETTING_GO: Duration = Duration::from_secs(5);

/// What a link has for whoever uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The other side is there, and messages go.
    Ready,
    /// A message has come.
    Message(Vec<u8>),
    /// It is over; from now on, this is all there is.
    Over(Ending),
}

/// One end of a transaction: messages in, messages out.
#[derive(Debug)]
pub struct Wire {
    link: Link,
    radio: Radio,
    began: Instant,
    /// Messages that came before it was open.
    early: VecDeque<Vec<u8>>,
    over: Option<Ending>,
    fault: Option<Fault>,
    oddities: Vec<Oddity>,
    warnings: Vec<String>,
}

impl Wire {
    /// Begins.
    #[must_use]
    pub fn new(setup: Setup, radio: Radio) -> Self {
        Self {
            link: Link::new(setup, Duration::ZERO),
            radio,
            began: Instant::now(),
            early: VecDeque::new(),
            over: None,
            fault: None,
            oddities: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Sends a message, as soon as the link is open and those before it have gone.
    pub fn send(&mut self, message: Vec<u8>) {
        self.link.send(message, self.began.elapsed());
    }

    /// Ends the transaction after everything that was given to be sent; [`Wire::next`] says when it is over.
    pub fn end(&mut self) {
        self.link.end(self.began.elapsed());
    }

    /// Ends the transaction and waits until everything has gone; gives how it ended.
    pub async fn end_and_wait(&mut self) -> Ending {
        self.end();
        loop {
            if let Event::Over(ending) = self.next().await {
                return ending;
            }
        }
    }

    /// Waits for what comes next, while everything else goes on. If the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Event {
        if let Some(message) = self.early.pop_front() {
            return Event::Message(message);
        }
        if let Some(ending) = self.over {
            return Event::Over(ending);
        }
        loop {
            while let Some(action) = self.link.poll() {
                match action {
                    Action::Ready => return Event::Ready,
                    Action::Message(message) => return Event::Message(message),
                    Action::Note(oddity) => {
                        tracing::debug!(?oddity, "the other side did something odd");
                        self.oddities.push(oddity);
                    }
                    Action::Over(ending) => {
                        tracing::debug!(code = ending.code(), "link over");
                        self.over = Some(ending);
                        return Event::Over(ending);
                    }
                    action => self.radio.act(action),
                }
            }
            let input = match self.link.deadline() {
                Some(deadline) => tokio::select! {
                    happened = self.radio.happened() => self.input(happened),
                    () = tokio::time::sleep_until(self.began + deadline) => Some(Input::Tick),
                },
                None => None,
            };
            if let Some(input) = input {
                self.link.handle(input, self.began.elapsed());
            }
        }
    }

    /// What messages go over, once they do.
    #[must_use]
    pub const fn bearer(&self) -> Bearer {
        self.link.bearer()
    }

    /// Whether a message has begun to come and has not ended.
    #[must_use]
    pub const fn is_receiving(&self) -> bool {
        self.link.is_receiving()
    }

    /// Puts back what came before it was open.
    pub(crate) fn put_back(&mut self, early: VecDeque<Vec<u8>>) {
        self.early = early;
    }

    fn input(&mut self, happened: Option<Happened>) -> Option<Input> {
        match happened {
            Some(Happened::Input(input)) => Some(input),
            Some(Happened::Fault(fault)) => {
                self.fault = Some(fault);
                Some(Input::Failed)
            }
            Some(Happened::Warning(words)) => {
                self.warnings.push(words);
                None
            }
            None => Some(Input::Failed),
        }
    }

    /// Why the radio could not go on, if that is why it is over.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// What was put up with so far.
    #[must_use]
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    /// What the radio has to say to whoever sits at the machine.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Ends the transaction, waits until everything has gone, and lets go; gives how it ended.
    pub async fn finish(mut self) -> Ending {
        let ending = self.end_and_wait().await;
        self.close().await;
        ending
    }

    /// Lets go, and waits until the radio has let go of everything, or has had five seconds.
    pub async fn close(self) {
        let _late = tokio::time::timeout(LETTING_GO, self.radio.close()).await;
    }
}
