//! The writing half: what an issuer signs.

use super::{KeyAuthorizations, Status};
use crate::cbor::write::{self, Length, Output};
use crate::cose::key;
use crate::crypto::{Digest, DigestAlgorithm, PublicKey};
use crate::time::Timestamp;

/// No digest of the namespace comes after this one.
const NONE: u32 = u32::MAX;

/// The digests of a document while it is made: found by their ID, and by namespace in the order of their IDs.
pub(crate) struct Digests<'a> {
    name_spaces: Vec<OfNameSpace<'a>>,
    /// By digest ID; the IDs of a document are the numbers from 0.
    slots: Vec<Slot>,
}

struct OfNameSpace<'a> {
    name: &'a str,
    len: usize,
    /// The smallest ID; the slots lead to the others.
    first: u32,
}

#[derive(Clone)]
struct Slot {
    digest: Digest,
    name_space: u32,
    /// The next ID of the same namespace.
    next: u32,
}

impl<'a> Digests<'a> {
    /// Room for the digests with the IDs below `count`.
    pub(crate) fn new(count: usize, name_spaces: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let vacant = Slot {
            digest: Digest::new(&[]),
            name_space: NONE,
            next: NONE,
        };
        let name_spaces = name_spaces.map(|name| OfNameSpace {
            name,
            len: 0,
            first: NONE,
        });
        Self {
            name_spaces: name_spaces.collect(),
            slots: vec![vacant; count],
        }
    }

    /// Puts a digest of the namespace with that number at its ID.
    #[inline]
    pub(crate) fn put(&mut self, name_space: usize, id: u32, digest: Digest) {
        let slot = usize::try_from(id).ok().and_then(|at| self.slots.get_mut(at));
        if let (Some(slot), Ok(name_space)) = (slot, u32::try_from(name_space)) {
            slot.digest = digest;
            slot.name_space = name_space;
        }
    }

    /// Brings the digests of each namespace into the order of their IDs, in one pass from the largest to the smallest.
    pub(crate) fn sort(&mut self) {
        for (at, slot) in self.slots.iter_mut().enumerate().rev() {
            let id = u32::try_from(at).unwrap_or(NONE);
            let of = usize::try_from(slot.name_space).unwrap_or(usize::MAX);
            if let Some(of) = self.name_spaces.get_mut(of) {
                slot.next = core::mem::replace(&mut of.first, id);
                of.len += 1;
            }
        }
    }

    fn of<'d>(&'d self, name_space: &OfNameSpace<'_>) -> impl Iterator<Item = (u32, &'d Digest)> {
        let slot = |id: u32| self.slots.get(usize::try_from(id).ok()?);
        let mut next = name_space.first;
        core::iter::from_fn(move || {
            let (id, found) = (next, slot(next)?);
            next = found.next;
            Some((id, &found.digest))
        })
    }
}

/// What is signed, in the order of the standard's table.
pub(crate) struct MsoDraft<'a> {
    pub(crate) digest_algorithm: DigestAlgorithm,
    /// Sorted.
    pub(crate) digests: &'a Digests<'a>,
    pub(crate) device_key: &'a PublicKey,
    pub(crate) key_authorizations: &'a KeyAuthorizations,
    pub(crate) doc_type: &'a str,
    pub(crate) signed: Timestamp,
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    pub(crate) expected_update: Option<Timestamp>,
    pub(crate) status: Option<&'a Status>,
}

impl MsoDraft<'_> {
    /// `MobileSecurityObjectBytes`: tag 24 around the encoded map.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let len = Length::of(|counted| self.write(counted));
        let mut out = Vec::with_capacity(len + 2 + write::head_len(len));
        write::tag(&mut out, crate::value::TAG_ENCODED);
        write::bytes_head(&mut out, len);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut impl Output) {
        write::map(out, 6 + usize::from(self.status.is_some()));
        write::text(out, "version");
        write::text(out, "1.0");
        write::text(out, "digestAlgorithm");
        write::text(out, self.digest_algorithm.name());
        write::text(out, "valueDigests");
        write::map(out, self.digests.name_spaces.len());
        for name_space in &self.digests.name_spaces {
            write::text(out, name_space.name);
            write::map(out, name_space.len);
            for (id, digest) in self.digests.of(name_space) {
                write::unsigned(out, u64::from(id));
                write::bytes(out, digest.as_ref());
            }
        }
        write::text(out, "deviceKeyInfo");
        let authorised = !self.key_authorizations.is_empty();
        write::map(out, 1 + usize::from(authorised));
        write::text(out, "deviceKey");
        key::write_key(out, self.device_key);
        if authorised {
            write::text(out, "keyAuthorizations");
            self.key_authorizations.write(out);
        }
        write::text(out, "docType");
        write::text(out, self.doc_type);
        write::text(out, "validityInfo");
        write::map(out, 3 + usize::from(self.expected_update.is_some()));
        for (name, instant) in [
            ("signed", self.signed),
            ("validFrom", self.valid_from),
            ("validUntil", self.valid_until),
        ] {
            write::text(out, name);
            write::tdate(out, instant);
        }
        if let Some(instant) = self.expected_update {
            write::text(out, "expectedUpdate");
            write::tdate(out, instant);
        }
        if let Some(status) = self.status {
            write::text(out, "status");
            status.write(out);
        }
    }
}
