//! Cameras of Linux, by the Video4Linux API of the kernel.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use linuxvideo::format::{PixFormat, PixelFormat as FourCc};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, Device};

use super::{CameraError, Frames};
use crate::scan::{Frame, PixelFormat};

/// What is asked for; drivers give the nearest they have. A code that fills a third of it has some pixels a module.
const WIDE: u32 = 1280;
const HIGH: u32 = 720;
/// Devices that are looked for.
const MOST_DEVICES: usize = 64;
/// Pictures in a row that may be lost, as when a cable is loose.
const MOST_LOST: usize = 60;

/// Formats by their names of four letters, the best first: compressed pictures come several times as fast over USB, and
/// of the others those with least that is not brightness.
const FORMATS: [(&[u8; 4], PixelFormat); 11] = [
    (b"MJPG", PixelFormat::Jpeg),
    (b"JPEG", PixelFormat::Jpeg),
    (b"GREY", PixelFormat::Grey),
    (b"NV12", PixelFormat::Planar),
    (b"NV21", PixelFormat::Planar),
    (b"YU12", PixelFormat::Planar),
    (b"YV12", PixelFormat::Planar),
    (b"YUYV", PixelFormat::Yuyv),
    (b"UYVY", PixelFormat::Uyvy),
    (b"RGB3", PixelFormat::Rgb),
    (b"BGR3", PixelFormat::Bgr),
];

/// A camera that takes pictures.
pub struct Camera {
    path: PathBuf,
    name: String,
    format: PixelFormat,
    wide: usize,
    high: usize,
    stride: usize,
    stream: ReadStream,
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Camera({self})")
    }
}

impl fmt::Display for Camera {
    /// Its device, and what pictures it takes: `/dev/video0 (MJPG, 1280 × 720)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, Self { name, wide, high, .. }) = (self.path.display(), self);
        write!(f, "{path} ({name}, {wide} × {high})")
    }
}

impl Camera {
    /// Opens a camera, of several the first that gives pictures.
    ///
    /// # Errors
    /// [`CameraError`]; of several the one that a user can do most about.
    pub fn open(device: Option<&Path>) -> Result<Self, CameraError> {
        if let Some(device) = device {
            return Self::open_one(device);
        }
        let paths = (0..MOST_DEVICES).map(|number| PathBuf::from(format!("/dev/video{number}")));
        let mut worst = CameraError::None;
        for path in paths.filter(|path| path.exists()) {
            match Self::open_one(&path) {
                Ok(camera) => return Ok(camera),
                Err(error) if telling(&error) > telling(&worst) => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn open_one(path: &Path) -> Result<Self, CameraError> {
        let failed = |error: io::Error| CameraError::of(path, error);
        let device = Device::open(path).map_err(failed)?;
        // What is no camera has no list of formats: its end is an error, too.
        let offered = device.formats(BufType::VIDEO_CAPTURE).map_while(Result::ok);
        let offered: Vec<FourCc> = offered.map(|format| format.pixel_format()).collect();
        if offered.is_empty() {
            return Err(CameraError::NoCamera(path.to_owned()));
        }
        let best = FORMATS
            .iter()
            .find(|(name, _)| offered.contains(&FourCc::from_fourcc(**name)));
        let Some((name, format)) = best else {
            let names = offered.iter().map(ToString::to_string).collect();
            return Err(CameraError::NoFormat(path.to_owned(), names));
        };
        let wanted = PixFormat::new(WIDE, HIGH, FourCc::from_fourcc(**name));
        let capture = device.video_capture(wanted).map_err(failed)?;
        let given = capture.format();
        if given.pixel_format() != FourCc::from_fourcc(**name) {
            let names = offered.iter().map(ToString::to_string).collect();
            return Err(CameraError::NoFormat(path.to_owned(), names));
        }
        let pixels = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (wide, high) = (pixels(given.width()), pixels(given.height()));
        let stride = pixels(given.bytes_per_line());
        Ok(Self {
            path: path.to_owned(),
            name: String::from_utf8_lossy(name.as_slice()).into_owned(),
            format: *format,
            wide,
            high,
            stride,
            stream: capture.into_stream().map_err(failed)?,
        })
    }
}

/// How much it says of a camera that is there.
const fn telling(error: &CameraError) -> u8 {
    match error {
        CameraError::None | CameraError::NotFound(_) => 0,
        CameraError::NoCamera(_) => 1,
        CameraError::Gone(_) => 2,
        CameraError::Failed(..) => 3,
        CameraError::NoFormat(..) => 4,
        CameraError::Forbidden(_) => 5,
        _ => 6,
    }
}

impl Frames for Camera {
    fn next(&mut self) -> Result<Frame, CameraError> {
        let mut last = None;
        for _ in 0..MOST_LOST {
            let taken = self.stream.dequeue(|view| {
                let whole = !view.is_error();
                Ok(whole.then(|| view.to_vec()))
            });
            match taken {
                Ok(Some(data)) => {
                    return Ok(Frame {
                        format: self.format,
                        wide: self.wide,
                        high: self.high,
                        stride: self.stride,
                        data,
                    });
                }
                Ok(None) => {}
                // EIO: the signal was lost for a moment.
                Err(error) if error.raw_os_error() == Some(5) => last = Some(error),
                Err(error) => return Err(CameraError::of(&self.path, error)),
            }
        }
        let lost = last.unwrap_or_else(|| io::Error::other("all pictures are damaged"));
        Err(CameraError::Failed(self.path.clone(), lost))
    }
}
