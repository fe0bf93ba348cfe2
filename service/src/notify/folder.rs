//! Messages as files in a folder, for trying a service out: nothing is sent.

use std::path::PathBuf;

use mdoc_cli::output::{self, Existing, NewFile};

use super::Carrier;
use super::template::Filled;
use crate::domain::id::MessageId;
use crate::domain::notice::Channel;
use crate::usecase::outbox::Outcome;

/// A folder that takes messages. They are as good as documents: its files are for their owner alone.
pub struct Folder {
    /// Which folder.
    pub path: PathBuf,
    /// What stands for.
    pub channel: Channel,
}

impl Carrier for Folder {
    fn carry(
        &self,
        id: &MessageId,
        to: &str,
        filled: &Filled,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome {
        let text = match &filled.subject {
            Some(subject) => format!("To: {to}\nSubject: {subject}\n\n{}", filled.text),
            None => format!("To: {to}\n\n{}", filled.text),
        };
        let mut files = vec![("txt", text)];
        files.extend(filled.html.clone().map(|html| ("html", html)));
        if let Err(why) = std::fs::create_dir_all(&self.path) {
            return Outcome::Later(why.to_string());
        }
        if let Err(why) = ready() {
            return Outcome::Later(why);
        }
        for (kind, content) in files {
            let path = self.path.join(format!("{}-{id}.{kind}", self.channel));
            let file = NewFile {
                path: &path,
                content: content.as_bytes(),
                secret: true,
            };
            if output::write(file, Existing::Replace).is_err() {
                return Outcome::Later("the folder for messages cannot be written".to_owned());
            }
        }
        Outcome::Sent
    }
}
