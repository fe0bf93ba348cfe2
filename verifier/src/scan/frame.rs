//! Pictures of a camera, as its driver gives them, into brightness.

use super::grey::Grey;
use super::{MOST_PIXELS, ScanError, picture};

/// How the pixels of a frame lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// A JPEG for each frame (MJPG, JPEG); the tables of Huffman codes may be left out, as USB cameras do.
    Jpeg,
    /// A byte a pixel, brightness (GREY).
    Grey,
    /// Brightness of all pixels first, colours after it (NV12, NV21, YU12, YV12).
    Planar,
    /// Two bytes a pixel, of which the first is brightness (YUYV).
    Yuyv,
    /// Two bytes a pixel, of which the second is brightness (UYVY).
    Uyvy,
    /// Red, green, blue (RGB3).
    Rgb,
    /// Blue, green, red (BGR3).
    Bgr,
}

impl PixelFormat {
    /// Bytes from one pixel to the next, and which of them are brightness; none if it is no such format.
    const fn layout(self) -> Option<(usize, Samples)> {
        Some(match self {
            Self::Jpeg => return None,
            Self::Grey | Self::Planar => (1, Samples::One(0)),
            Self::Yuyv => (2, Samples::One(0)),
            Self::Uyvy => (2, Samples::One(1)),
            Self::Rgb => (3, Samples::Rgb),
            Self::Bgr => (3, Samples::Bgr),
        })
    }
}

#[derive(Clone, Copy)]
enum Samples {
    One(usize),
    Rgb,
    Bgr,
}

/// One picture of a camera.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// How its pixels lie.
    pub format: PixelFormat,
    /// Pixels in a row; a JPEG has its own.
    pub wide: usize,
    /// Rows; a JPEG has its own.
    pub high: usize,
    /// Bytes from the beginning of one row to that of the next; 0 if there is nothing between them.
    pub stride: usize,
    /// What the camera gave.
    pub data: Vec<u8>,
}

impl core::fmt::Debug for Frame {
    /// Without the picture.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self {
            format, wide, high, ..
        } = self;
        write!(f, "Frame({format:?}, {wide}×{high})")
    }
}

impl Frame {
    /// Its brightness.
    ///
    /// # Errors
    /// [`ScanError`] if it is cut off, too large, or no JPEG although it should be.
    pub(super) fn grey(&self) -> Result<Grey, ScanError> {
        let Some((step, samples)) = self.format.layout() else {
            return picture::jpeg(&self.data);
        };
        let pixels = self.wide.checked_mul(self.high);
        if pixels.is_none_or(|pixels| pixels > MOST_PIXELS) {
            return Err(ScanError::TooLarge);
        }
        let row = self.wide.checked_mul(step).ok_or(ScanError::TooLarge)?;
        let stride = if self.stride == 0 { row } else { self.stride };
        if row == 0 || stride < row {
            return Err(ScanError::Undecodable);
        }
        let mut grey = Vec::with_capacity(pixels.unwrap_or_default());
        for line in self.data.chunks(stride).take(self.high) {
            let line = line.get(..row).ok_or(ScanError::Undecodable)?;
            match samples {
                Samples::One(at) => grey.extend(line.iter().skip(at).step_by(step)),
                Samples::Rgb => picture::extend(&mut grey, line, step),
                Samples::Bgr => {
                    let turned: Vec<u8> = line
                        .chunks_exact(step)
                        .flat_map(|bgr| bgr.iter().rev())
                        .copied()
                        .collect();
                    picture::extend(&mut grey, &turned, step);
                }
            }
        }
        Grey::new(self.wide, self.high, grey).ok_or(ScanError::Undecodable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(format: PixelFormat, stride: usize, data: &[u8]) -> Frame {
        Frame {
            format,
            wide: 2,
            high: 2,
            stride,
            data: data.to_vec(),
        }
    }

    #[test]
    fn brightness_is_found_in_every_layout_and_between_padding() {
        for (format, stride, data) in [
            (PixelFormat::Grey, 0, &[10, 20, 30, 40][..]),
            (PixelFormat::Grey, 3, &[10, 20, 0, 30, 40, 0]),
            // The last row may end where its pixels end.
            (PixelFormat::Grey, 3, &[10, 20, 0, 30, 40]),
            (PixelFormat::Planar, 0, &[10, 20, 30, 40, 128, 128]),
            (PixelFormat::Yuyv, 0, &[10, 1, 20, 2, 30, 3, 40, 4]),
            (PixelFormat::Yuyv, 6, &[10, 1, 20, 2, 9, 9, 30, 3, 40, 4, 9, 9]),
            (PixelFormat::Uyvy, 0, &[1, 10, 2, 20, 3, 30, 4, 40]),
            (
                PixelFormat::Rgb,
                0,
                &[10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40],
            ),
        ] {
            let grey = frame(format, stride, data).grey().unwrap();
            assert_eq!(grey.pixels(), [10, 20, 30, 40], "{format:?}, {stride}");
        }
        // Green is brighter than red, and red than blue: which is which is told by the order.
        let colours = [255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0];
        let grey = |format| frame(format, 0, &colours).grey().unwrap().into_pixels();
        assert_eq!(grey(PixelFormat::Rgb), [76, 28, 149, 0]);
        assert_eq!(grey(PixelFormat::Bgr), [28, 76, 149, 0]);
    }

    #[test]
    fn a_frame_that_is_cut_off_or_makes_no_sense_is_refused() {
        for (format, stride, data) in [
            (PixelFormat::Grey, 0, &[10, 20, 30][..]),
            (PixelFormat::Grey, 0, &[10, 20]),
            (PixelFormat::Grey, 1, &[10, 20, 30, 40]),
            (PixelFormat::Yuyv, 0, &[10, 20, 30, 40, 50, 60, 70]),
            (PixelFormat::Jpeg, 0, &[0xff, 0xd8, 0xff]),
            (PixelFormat::Jpeg, 0, &[]),
        ] {
            let refused = frame(format, stride, data).grey().map(|_| ());
            assert_eq!(refused, Err(ScanError::Undecodable), "{format:?} {data:?}");
        }
        for (wide, high) in [(usize::MAX, 2), (MOST_PIXELS, 2), (0, 2)] {
            let made = Frame {
                wide,
                high,
                ..frame(PixelFormat::Grey, 0, &[0; 4])
            };
            assert!(made.grey().is_err(), "{wide}×{high}");
        }
    }
}
