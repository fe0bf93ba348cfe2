//! Codes in front of a camera.
//!
//! [`Frames`] is what gives pictures one after another: with the feature `camera` a `Camera` of Linux (V4L2), and whatever
//! else does. [`first`] is all that a reader of one wallet needs, [`each`] is for a kiosk.

#[cfg(all(feature = "camera", target_os = "linux"))]
mod v4l2;

use core::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

#[cfg(all(feature = "camera", target_os = "linux"))]
pub use self::v4l2::Camera;
use crate::scan::{Frame, Scanned, Watch};

/// What gives pictures, one after another.
pub trait Frames: Send {
    /// Waits for the next picture.
    ///
    /// # Errors
    /// [`CameraError`] if there will be none any more.
    fn next(&mut self) -> Result<Frame, CameraError>;
}

/// Why a camera gives no pictures.
#[derive(Debug)]
#[non_exhaustive]
pub enum CameraError {
    /// The system has no device for video.
    None,
    /// There is no such device.
    NotFound(PathBuf),
    /// This user may not open it.
    Forbidden(PathBuf),
    /// Another program uses it.
    Busy(PathBuf),
    /// The device takes no pictures.
    NoCamera(PathBuf),
    /// It has none of the formats of pixels that are read; these are what it has.
    NoFormat(PathBuf, Vec<String>),
    /// It is gone: pulled out, or switched off.
    Gone(PathBuf),
    /// The system cannot do what was asked of it.
    Failed(PathBuf, io::Error),
    /// On this system cameras are not read.
    Elsewhere,
}

impl fmt::Display for CameraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, words) = match self {
            Self::None => return f.write_str("there is no camera"),
            Self::Elsewhere => return f.write_str("cameras are read on Linux alone"),
            Self::NotFound(path) => return write!(f, "there is no camera {}", path.display()),
            Self::NoFormat(path, formats) => {
                return write!(
                    f,
                    "the camera {} has no format of pixels that is read, it has {}",
                    path.display(),
                    formats.join(", ")
                );
            }
            Self::Failed(path, error) => {
                return write!(f, "the camera {} cannot be used: {error}", path.display());
            }
            Self::Forbidden(path) => (path, "may not be used by this user"),
            Self::Busy(path) => (path, "is used by another program"),
            Self::NoCamera(path) => (path, "takes no pictures"),
            Self::Gone(path) => (path, "is gone: pulled out, or switched off"),
        };
        write!(f, "{} {words}", path.display())
    }
}

impl core::error::Error for CameraError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(_, cause) => Some(cause),
            _ => None,
        }
    }
}

impl CameraError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::None => "connect one; a virtual machine or a container has to be given it (/dev/video0)",
            Self::NotFound(_) => {
                "leave the device out to take the first, or see what there is: ls /dev/video*"
            }
            Self::Forbidden(_) => {
                "add the user to the group `video` (sudo usermod -aG video NAME), and log in again"
            }
            Self::Busy(_) => "close the program that shows its picture",
            Self::NoCamera(_) => "cameras often have a second device that takes none: try /dev/video0",
            Self::NoFormat(..) => {
                "MJPG, JPEG, GREY, NV12, NV21, YU12, YV12, YUYV, UYVY, RGB3 and BGR3 are read; give another camera"
            }
            Self::Gone(_) => "connect it again",
            Self::Elsewhere => {
                "give the text of the code by --engagement, or a photograph of it by --qr-image"
            }
            Self::Failed(..) => return None,
        })
    }

    /// Of what the system said.
    #[cfg(any(test, all(feature = "camera", target_os = "linux")))]
    fn of(path: &std::path::Path, error: io::Error) -> Self {
        let path = path.to_owned();
        // ENODEV and ENXIO: there is a file and nothing behind it; ENOTTY: what is behind it knows nothing of video.
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) => Self::NotFound(path),
            (io::ErrorKind::PermissionDenied, _) => Self::Forbidden(path),
            (io::ErrorKind::ResourceBusy, _) => Self::Busy(path),
            (_, Some(19 | 6)) => Self::Gone(path),
            (_, Some(25)) | (io::ErrorKind::IsADirectory, _) => Self::NoCamera(path),
            _ => Self::Failed(path, error),
        }
    }
}

/// Why no engagement was seen.
#[derive(Debug)]
pub enum NotSeen {
    /// The camera gives no pictures.
    Camera(CameraError),
    /// Nobody held a code in front of it in time; what was seen in its place, in words.
    InVain(String),
}

/// Waits for the first engagement that is held in front of a camera.
///
/// `progress` is told how many pictures were looked at, after each. A camera that hangs is left behind in its thread.
///
/// # Errors
/// [`NotSeen`] if the camera fails, or time is over.
pub fn first(
    frames: impl Frames + 'static,
    timeout: Duration,
    mut progress: impl FnMut(usize),
) -> Result<Scanned, NotSeen> {
    let end = Instant::now() + timeout;
    let (looked, seen) = sync_channel(1);
    let mut frames = frames;
    let watching = std::thread::Builder::new().spawn(move || {
        let mut watch = Watch::default();
        loop {
            let frame = frames.next();
            let ended = frame.is_err();
            let scanned = frame.map(|frame| watch.look(&frame));
            // Nobody waits any more.
            if looked.send((scanned, watch.clone())).is_err() || ended {
                return;
            }
        }
    });
    watching.map_err(|error| NotSeen::Camera(CameraError::Failed(PathBuf::new(), error)))?;
    let mut last = Watch::default();
    loop {
        match seen.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((Ok(Some(scanned)), _)) => return Ok(scanned),
            Ok((Ok(None), watch)) => {
                progress(watch.frames());
                last = watch;
            }
            Ok((Err(error), _)) => return Err(NotSeen::Camera(error)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(NotSeen::InVain(last.in_vain(timeout)));
            }
        }
    }
}

/// Every engagement that is held in front of a camera, each once, until `found` wants no more.
///
/// # Errors
/// [`CameraError`] when the camera gives no pictures any more.
pub fn each(frames: &mut dyn Frames, mut found: impl FnMut(&Scanned) -> bool) -> Result<(), CameraError> {
    let mut watch = Watch::default();
    loop {
        if let Some(scanned) = watch.look(&frames.next()?)
            && !found(&scanned)
        {
            return Ok(());
        }
    }
}

/// There is none on this system.
#[cfg(all(feature = "camera", not(target_os = "linux")))]
#[derive(Debug)]
pub enum Camera {}

#[cfg(all(feature = "camera", not(target_os = "linux")))]
impl Camera {
    /// Never opens one.
    ///
    /// # Errors
    /// [`CameraError::Elsewhere`].
    pub const fn open(_device: Option<&std::path::Path>) -> Result<Self, CameraError> {
        Err(CameraError::Elsewhere)
    }
}

#[cfg(all(feature = "camera", not(target_os = "linux")))]
impl fmt::Display for Camera {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[cfg(all(feature = "camera", not(target_os = "linux")))]
impl Frames for Camera {
    fn next(&mut self) -> Result<Frame, CameraError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests;
