//! What an MSO has a digest of.

use crate::cbor::Item;
use crate::crypto::Digest;
use crate::error::DecodeError;

/// The digests of an MSO, found by binary search.
#[derive(Debug, Clone, Default)]
pub struct ValueDigests {
    /// Sorted by name; the digests of each sorted by ID.
    name_spaces: Vec<(String, Vec<(u64, Digest)>)>,
}

impl ValueDigests {
    pub(super) fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let entries = item.expect_map()?;
        let mut name_spaces = Vec::with_capacity(entries.room());
        for (name, digests) in entries {
            let name = name.expect_name()?.into_owned();
            let entries = digests.expect_map().map_err(|error| error.within(&name))?;
            let mut of_name = Vec::with_capacity(entries.room());
            for (id, digest) in entries {
                // What is no digest of any algorithm matches nothing; a decoy like that is nobody's harm.
                let digest = digest
                    .bytes()
                    .filter(|digest| digest.len() <= 64)
                    .unwrap_or_default();
                // Negative IDs occur in the field (trap 8); no item can refer to one.
                if let Some(id) = id.unsigned() {
                    of_name.push((id, Digest::new(&digest)));
                }
            }
            of_name.sort_unstable_by_key(|(id, _)| *id);
            name_spaces.push((name, of_name));
        }
        name_spaces.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self { name_spaces })
    }

    /// The digest with that ID, if the issuer signed one.
    #[must_use]
    pub fn get(&self, name_space: &str, digest_id: u64) -> Option<&Digest> {
        let at = self
            .name_spaces
            .binary_search_by(|(name, _)| name.as_str().cmp(name_space))
            .ok()?;
        let (_, digests) = self.name_spaces.get(at)?;
        let at = digests.binary_search_by_key(&digest_id, |(id, _)| *id).ok()?;
        digests.get(at).map(|(_, digest)| digest)
    }

    /// Namespaces with the number of digests in each, decoys included, sorted by name.
    pub fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.name_spaces
            .iter()
            .map(|(name, digests)| (name.as_str(), digests.len()))
    }
}
