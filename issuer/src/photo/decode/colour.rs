//! Colours as a file has them into sRGB, which is what a picture without a colour profile is taken for.

use qcms::{DataType, Intent, Profile, Transform};

/// What was done to the colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Colours {
    /// Nothing: they were sRGB, or grey.
    Kept,
    /// They were turned into sRGB as the colour profile says.
    ByProfile,
    /// Four inks were turned into RGB by the plain formula.
    Inks,
    /// They are said to be others in a way that is not understood, and were taken for sRGB.
    Unknown,
}

/// The largest colour profile that is looked at, in bytes. Real ones of cameras and screens have less than 4 KiB,
/// those of printers up to 4 MiB.
const LARGEST_PROFILE: usize = 4 << 20;
/// Difference of two channels that nobody sees.
const INVISIBLE: u8 = 4;

/// The channels of all pixels, one byte each.
pub(super) enum Samples {
    /// One for each pixel.
    Grey(Vec<u8>),
    /// Three for each pixel.
    Rgb(Vec<u8>),
    /// Cyan, magenta, yellow and black for each pixel; 255 is full ink.
    Inks(Vec<u8>),
}

impl Samples {
    /// As they are, without a colour profile.
    pub(super) fn into_rgb(self) -> Vec<u8> {
        match self {
            Self::Grey(data) => data.into_iter().flat_map(|grey| [grey; 3]).collect(),
            Self::Rgb(data) => data,
            Self::Inks(data) => data
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| product(255 - ink, 255 - k)))
                .collect(),
        }
    }
}

fn product(a: u8, b: u8) -> u8 {
    let product = (u32::from(a) * u32::from(b) + 127) / 255;
    u8::try_from(product).unwrap_or(u8::MAX)
}

/// Whether colours with this profile are sRGB as far as anybody can see.
pub(super) fn is_srgb(profile: &[u8], grey: bool) -> bool {
    transform(profile, grey).is_some_and(|transform| changes_nothing(&transform, grey))
}

/// Turns colours into sRGB.
pub(super) fn to_srgb(samples: Samples, profile: Option<&[u8]>) -> (Vec<u8>, Colours) {
    let Some(profile) = profile else {
        return (samples.into_rgb(), Colours::Kept);
    };
    let grey = matches!(samples, Samples::Grey(_));
    match (transform(profile, grey), samples) {
        (Some(transform), samples) if changes_nothing(&transform, grey) => {
            (samples.into_rgb(), Colours::Kept)
        }
        (Some(transform), Samples::Rgb(mut data)) if data.len() % 3 == 0 => {
            transform.apply(&mut data);
            (data, Colours::ByProfile)
        }
        (Some(transform), Samples::Grey(data)) => {
            let mut rgb = vec![0; data.len().saturating_mul(3)];
            transform.convert(&data, &mut rgb);
            (rgb, Colours::ByProfile)
        }
        (_, samples) => (samples.into_rgb(), Colours::Unknown),
    }
}

/// Whether a sample of all colours stays what it is.
fn changes_nothing(transform: &Transform, grey: bool) -> bool {
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let (before, after) = if grey {
        let mut after = [0; 18];
        transform.convert(&STEPS, &mut after);
        (Samples::Grey(STEPS.to_vec()).into_rgb(), after.to_vec())
    } else {
        let all = STEPS.into_iter().flat_map(|r| {
            STEPS
                .into_iter()
                .flat_map(move |g| STEPS.into_iter().flat_map(move |b| [r, g, b]))
        });
        let before: Vec<u8> = all.collect();
        let mut after = before.clone();
        transform.apply(&mut after);
        (before, after)
    };
    before
        .iter()
        .zip(&after)
        .all(|(before, after)| before.abs_diff(*after) <= INVISIBLE)
}

/// The way from a profile to sRGB; `None` if it is for another kind of pixels, or not understood.
fn transform(profile: &[u8], grey: bool) -> Option<Transform> {
    let (space, pixels): (&[u8], DataType) = if grey {
        (b"GRAY", DataType::Gray8)
    } else {
        (b"RGB ", DataType::RGB8)
    };
    // Asked before: the library takes it for granted that pixels and profile belong together.
    if profile.len() > LARGEST_PROFILE || profile.get(16..20)? != space {
        return None;
    }
    let input = Profile::new_from_slice(profile, false)?;
    let mut output = Profile::new_sRGB();
    output.precache_output_transform();
    Transform::new_to(&input, &output, pixels, DataType::RGB8, Intent::Perceptual)
}
