//! Copies that are taken from a wallet to be shown.

use std::cell::RefCell;
use std::path::Path;

use mdoc_cli::input::Input;
use mdoc_cli::system::{self, SystemClock};
use mdoc_cli::{Failure, output};
use mdoc_core::crypto::fastest;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_holder::wallet::{Record, Wallet};

use super::PROGRAM;
use super::folder::{open, records};

/// One copy of each document of a wallet.
pub(super) struct Taken {
    wallet: Wallet<'static>,
    /// Records, and the number of the copy of each.
    copies: RefCell<Vec<(Record, usize)>>,
}

impl Taken {
    /// Takes of each document the copy to show next. Copies that were all shown before are shown again, which is said.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let wallet = open(folder)?;
        let mut copies = Vec::new();
        for record in records(&wallet)? {
            let Some(next) = record.next() else { continue };
            if record.count().0 == 0 {
                output::warn(
                    PROGRAM,
                    &format!(
                        "every copy of {} was shown before: readers can find out that they met the same person",
                        record.id
                    ),
                );
            }
            copies.push((record, next));
        }
        if copies.is_empty() {
            return Err(Failure::new(format!("{} has no document", folder.display()))
                .hint("`mdoc-holder collect` gets one"));
        }
        Ok(Self {
            wallet,
            copies: RefCell::new(copies),
        })
    }

    /// Documents and keys, in the same order.
    pub(super) fn copies(&self) -> Result<(Vec<Input>, Vec<SoftwareKey>), Failure> {
        let (mut documents, mut keys) = (Vec::new(), Vec::new());
        for (record, at) in self.copies.borrow().iter() {
            let copy = record.copies.get(*at);
            let Some((copy, document)) = copy.and_then(|copy| Some((copy, copy.document.clone()?))) else {
                continue;
            };
            documents.push(Input::recognise(record.id.clone(), document));
            let key = SoftwareKey::with_backend(copy.key.clone(), fastest())
                .map_err(|error| Failure::new(format!("{}: {error}", record.id)))?;
            keys.push(key);
        }
        Ok((documents, keys))
    }

    /// Writes down that these are shown, before they are.
    pub(super) fn mark(&self, shown: &[usize]) -> Result<(), Failure> {
        let mut copies = self.copies.borrow_mut();
        for number in shown {
            let Some((record, at)) = copies.get_mut(*number) else {
                continue;
            };
            if let Some(copy) = record.copies.get_mut(*at) {
                copy.used = Some(SystemClock.now());
            }
            self.wallet.write(record, &mut system::random()?)?;
        }
        Ok(())
    }
}
