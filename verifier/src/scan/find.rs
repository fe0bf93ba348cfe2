//! QR codes in a picture.
//!
//! By the crate rxing, and of its two readers by the newer one. On 320 pictures like those in the tests, the other
//! reader and the crate rqrr read fewer, and rqrr took most of a minute for some photographs. The parts of the reader
//! are called one by one here, because what it does with all triples of finder patterns has no bound of its own.

use rxing::common::{DetectorRXingResult as _, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::{BinaryBitmap, Luma8LuminanceSource};

use super::grey::Grey;
use crate::panics::unless_panicked;

/// Above so many pixels a picture is reduced first.
const LARGE: usize = 8_000_000;
/// Up to so many pixels a picture is tried in twice its size, too.
const SMALL: usize = 1_000_000;
/// Most finder patterns that are combined, the largest first; a code has three.
const MOST_PATTERNS: usize = 48;
/// Most triples of them that are tried, the most plausible first.
const MOST_TRIPLES: usize = 256;
/// Most codes of one picture.
const MOST_CODES: usize = 16;

/// A way of making a code show.
type Attempt = fn(&Grey) -> Option<Grey>;

/// In the order in which they are worth their time.
const ATTEMPTS: [Attempt; 7] = [
    |picture| Some(picture.clone()),
    |picture| Some(picture.smoothed()),
    |picture| Some(picture.smoothed().sharpened()),
    |picture| picture.reduced(2),
    |picture| Some(picture.smoothed().smoothed().smoothed()),
    |picture| Some(picture.inverted()),
    |picture| {
        let small = picture.pixels().len() <= SMALL;
        small.then(|| picture.doubled()).flatten()
    },
];

/// The texts of all codes that one of the attempts finds; looking ends when what is wanted is among them.
pub(super) fn texts(picture: &Grey, wanted: fn(&str) -> bool) -> Vec<String> {
    tried(picture, &ATTEMPTS, wanted)
}

/// The same for the picture of a camera, as it is and by one other attempt, which depends on the number of the picture:
/// the next one shows the same again.
pub(super) fn in_frame(picture: &Grey, number: usize, wanted: fn(&str) -> bool) -> Vec<String> {
    let [plain, others @ ..] = ATTEMPTS;
    let other = others.iter().cycle().nth(number % others.len()).copied();
    tried(picture, &[plain, other.unwrap_or(plain)], wanted)
}

fn tried(picture: &Grey, attempts: &[Attempt], wanted: fn(&str) -> bool) -> Vec<String> {
    let times = (1..).find(|times| picture.pixels().len() / (times * times) <= LARGE);
    let reduced = times
        .filter(|times| *times > 1)
        .and_then(|times| picture.reduced(times));
    let picture = reduced.as_ref().unwrap_or(picture);
    let mut texts: Vec<String> = Vec::new();
    for attempt in attempts {
        for text in attempt(picture).map(codes).unwrap_or_default() {
            if texts.len() < MOST_CODES && !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.iter().any(|text| wanted(text)) {
            break;
        }
    }
    texts
}

/// The texts of the codes that show.
fn codes(picture: Grey) -> Vec<String> {
    // The library says of its search that it can panic: a picture on which it gives up has no code for us.
    unless_panicked(|| read(picture)).unwrap_or_default()
}

fn read(picture: Grey) -> Vec<String> {
    let (Ok(wide), Ok(high)) = (u32::try_from(picture.wide()), u32::try_from(picture.high())) else {
        return Vec::new();
    };
    let Ok(source) = Luma8LuminanceSource::new(picture.into_pixels(), wide, high) else {
        return Vec::new();
    };
    let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let bits = bitmap.get_black_matrix();
    let mut patterns = FindFinderPatterns(bits, true, 0);
    patterns.sort_by_key(|pattern| core::cmp::Reverse(pattern.size));
    patterns.truncate(MOST_PATTERNS);
    let mut texts = Vec::new();
    let mut used = Vec::new();
    for triple in GenerateFinderPatternSets(&mut patterns)
        .into_iter()
        .take(MOST_TRIPLES)
    {
        let corners = [triple.bl, triple.tl, triple.tr];
        if corners.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        let decoded = SampleQR(bits, &triple).and_then(|sampled| Decode(sampled.getBits()));
        if let Ok(decoded) = decoded
            && decoded.isValid()
        {
            used.extend(corners);
            texts.push(decoded.text());
        }
    }
    texts
}
