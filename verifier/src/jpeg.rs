//! What is looked at in a JPEG before it is decoded.

/// Most scans of a progressive JPEG: each costs a pass over all pixels, and encoders write about ten.
const MOST_SCANS: usize = 100;

/// Whether decoding would take so many passes (markers SOS, ITU-T T.81, B.2.3) that it is not begun.
pub(crate) fn has_too_many_scans(file: &[u8]) -> bool {
    // Without a branch for each byte, so that several are looked at in a step: pictures have megabytes.
    let after = file.iter().skip(1);
    let scans = file
        .iter()
        .zip(after)
        .map(|(mark, kind)| usize::from(*mark == 0xff) & usize::from(*kind == 0xda));
    scans.sum::<usize>() > MOST_SCANS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_counted_up_to_a_hundred() {
        let of = |scans: usize| [&[0xff, 0xd8][..], &[0xff, 0xda, 0].repeat(scans)].concat();
        assert!(!has_too_many_scans(&of(MOST_SCANS)));
        assert!(has_too_many_scans(&of(MOST_SCANS + 1)));
    }
}
