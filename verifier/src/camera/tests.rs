use std::collections::VecDeque;
use std::path::Path;

use qrcode::{Color, EcLevel};

use super::*;
use crate::scan::PixelFormat;

/// Annex D.3.1 of the standard, and the same with another UUID.
const ENGAGEMENT: &str = concat!(
    "a30063312e30018201d818584ba4010220012158205a88d182bce5f42efa59943f33359d2e8a968ff289d93e5fa444b624343167fe",
    "225820b16e8cf858ddc7690407ba61d4c338237a8cfcf3de6aa672fc60a557aa32fc670281830201a300f401f50b5045efef742b2c",
    "4837a9a3b0e1d05a69"
);

fn engagement(last: u8) -> Vec<u8> {
    let mut bytes = base16ct::lower::decode_vec(ENGAGEMENT).unwrap();
    bytes.push(last);
    bytes
}

const PATH: &str = "/dev/video0";
const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(60);

/// A picture of a camera with a code in its middle, or without one: brightness and, between, no colour.
fn yuyv(text: Option<&str>) -> Frame {
    let (wide, high, pixels) = (640, 480, 5);
    let code = text.map(|text| qrcode::QrCode::with_error_correction_level(text, EcLevel::M).unwrap());
    let mut data = Vec::new();
    for y in 0..high {
        for x in 0..wide {
            let light = code.as_ref().is_none_or(|code| {
                let side = code.width() * pixels;
                let inside = |at: usize, all: usize| at.checked_sub((all - side) / 2).filter(|at| *at < side);
                match (inside(x, wide), inside(y, high)) {
                    (Some(x), Some(y)) => code[(x / pixels, y / pixels)] == Color::Light,
                    _ => true,
                }
            });
            data.extend([if light { 200 } else { 40 }, 128]);
        }
    }
    Frame {
        format: PixelFormat::Yuyv,
        wide,
        high,
        stride: 0,
        data,
    }
}

fn showing(engagement: &[u8]) -> Frame {
    yuyv(Some(&mdoc_core::engagement::to_uri(engagement)))
}

/// A camera that gives these, and then what it gives for ever.
struct Script {
    frames: VecDeque<Frame>,
    then: fn() -> Result<Frame, CameraError>,
}

impl Script {
    fn of(frames: impl Into<Vec<Frame>>, then: fn() -> Result<Frame, CameraError>) -> Self {
        let frames = frames.into().into();
        Self { frames, then }
    }
}

impl Frames for Script {
    fn next(&mut self) -> Result<Frame, CameraError> {
        self.frames.pop_front().map_or_else(self.then, Ok)
    }
}

fn gone() -> Result<Frame, CameraError> {
    Err(CameraError::Gone(PATH.into()))
}

fn in_vain(seen: Result<Scanned, NotSeen>) -> String {
    match seen {
        Err(NotSeen::InVain(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_engagement_is_taken_whatever_was_seen_before() {
    let cut = Frame {
        data: vec![0; 7],
        ..yuyv(None)
    };
    let frames = [
        cut,
        yuyv(None),
        yuyv(Some("https://example.org/menu")),
        showing(&engagement(1)),
        showing(&engagement(2)),
    ];
    let mut looked = Vec::new();
    let scanned = first(Script::of(frames, gone), LONG, |frames| looked.push(frames)).unwrap();
    assert_eq!(scanned.bytes(), engagement(1));
    assert_eq!(looked, [1, 2, 3]);
}

#[test]
fn why_nothing_was_seen_is_told() {
    fn hangs() -> Result<Frame, CameraError> {
        std::thread::sleep(LONG);
        gone()
    }
    fn blank() -> Result<Frame, CameraError> {
        std::thread::sleep(Duration::from_millis(10));
        Ok(yuyv(None))
    }
    fn cut() -> Result<Frame, CameraError> {
        std::thread::sleep(Duration::from_millis(10));
        Ok(Frame {
            format: PixelFormat::Jpeg,
            data: vec![0xff, 0xd8],
            ..yuyv(None)
        })
    }
    let began = Instant::now();
    let look = |frames: Vec<Frame>, then| in_vain(first(Script::of(frames, then), SHORT, |_| ()));
    assert_eq!(look(vec![], hangs), "the camera gave no picture in 3 s");
    let words = look(vec![], blank);
    assert!(words.starts_with("no code was seen in 3 s ("), "{words}");
    let words = look(vec![], cut);
    assert!(
        words.starts_with("all pictures that the camera gave in 3 s are damaged ("),
        "{words}"
    );
    let poster = yuyv(Some("https://example.org/menu"));
    assert_eq!(
        look(vec![poster], hangs),
        "no wallet's code was seen in 3 s: the QR code in the picture is the address of a web page, \
         not the code of a mobile document"
    );
    assert!(began.elapsed() < LONG, "a camera that hangs is left behind");
    let failed = first(Script::of([yuyv(None)], gone), LONG, |_| ());
    assert!(matches!(failed, Err(NotSeen::Camera(CameraError::Gone(_)))));
}

#[test]
fn each_engagement_is_told_once_although_it_stays_in_front_of_the_camera() {
    let (one, two) = (showing(&engagement(1)), showing(&engagement(2)));
    let frames = [&one, &one, &two, &one, &two].map(Clone::clone);
    let mut found = Vec::new();
    let ended = each(&mut Script::of(frames.clone(), gone), |scanned| {
        found.push(scanned.bytes().to_vec());
        true
    });
    assert!(matches!(ended, Err(CameraError::Gone(_))));
    assert_eq!(found, [engagement(1), engagement(2)]);
    let mut script = Script::of(frames, gone);
    each(&mut script, |_| false).unwrap();
    assert_eq!(script.frames.len(), 4, "nobody wants more");
}

#[test]
fn what_the_system_says_becomes_words_and_something_to_do() {
    let of = |number| CameraError::of(Path::new(PATH), io::Error::from_raw_os_error(number));
    for (number, words) in [
        (2, "there is no camera /dev/video0"),
        (13, "/dev/video0 may not be used by this user"),
        (16, "/dev/video0 is used by another program"),
        (25, "/dev/video0 takes no pictures"),
        (19, "/dev/video0 is gone: pulled out, or switched off"),
    ] {
        let error = of(number);
        assert_eq!(error.to_string(), words);
        assert!(error.hint().is_some(), "{words}");
    }
    let other = of(28).to_string();
    assert!(
        other.starts_with("the camera /dev/video0 cannot be used: "),
        "{other}"
    );
    let formats = CameraError::NoFormat(PATH.into(), vec!["H264".to_owned(), "HEVC".to_owned()]);
    assert_eq!(
        formats.to_string(),
        "the camera /dev/video0 has no format of pixels that is read, it has H264, HEVC"
    );
    assert!(formats.hint().is_some_and(|hint| hint.contains("YUYV")));
}

#[cfg(all(feature = "camera", target_os = "linux"))]
#[test]
fn what_is_no_camera_is_told() {
    let open = |path: &str| Camera::open(Some(Path::new(path))).unwrap_err();
    assert!(matches!(open("/dev/null"), CameraError::NoCamera(_)));
    assert!(matches!(open("/dev"), CameraError::NoCamera(_)));
    assert!(matches!(open("/dev/nowhere"), CameraError::NotFound(_)));
}
