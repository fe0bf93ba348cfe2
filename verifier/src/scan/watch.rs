//! The first engagement in a row of pictures: what a camera sees until somebody holds a code in front of it.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Frame, ScanError, Scanned, find, kind, settled};

/// How many engagements are remembered; each is good for one session.
const REMEMBERED: usize = 16;

/// What has been seen so far.
///
/// A frame is looked at as it is and in one other way, another for each frame: that takes a part of the time of a
/// photograph, and a code that stays in front of the camera is tried in all ways within a second.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    frames: usize,
    damaged: usize,
    refused: Option<ScanError>,
    taken: VecDeque<Vec<u8>>,
}

impl Watch {
    /// Looks at a frame. An engagement that was taken before is passed over: the wallet still shows it.
    pub fn look(&mut self, frame: &Frame) -> Option<Scanned> {
        self.frames += 1;
        let Ok(grey) = frame.grey() else {
            self.damaged += 1;
            return None;
        };
        match settled(&find::in_frame(&grey, self.frames, kind::is_mdoc)) {
            Ok(scanned) => {
                if self.taken.iter().any(|taken| taken == scanned.bytes()) {
                    return None;
                }
                if self.taken.len() == REMEMBERED {
                    self.taken.pop_front();
                }
                self.taken.push_back(scanned.bytes().to_vec());
                Some(scanned)
            }
            // That there is none in this one says nothing of those before.
            Err(ScanError::NoCode) => None,
            Err(error) => {
                self.refused = Some(error);
                None
            }
        }
    }

    /// How many frames were looked at.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// In words, why there is no engagement after this time.
    #[must_use]
    pub fn in_vain(&self, time: Duration) -> String {
        let seconds = time.as_secs_f64().ceil();
        match (self.frames, &self.refused) {
            (0, _) => format!("the camera gave no picture in {seconds} s"),
            (frames, _) if self.damaged == frames => {
                format!("all pictures that the camera gave in {seconds} s are damaged ({frames})")
            }
            (frames, None) => format!("no code was seen in {seconds} s ({frames} pictures)"),
            (_, Some(error)) => format!("no wallet's code was seen in {seconds} s: {error}"),
        }
    }
}
