//! A decoded picture: three bytes a pixel, sRGB, row by row from the top.

use resize::{Pixel, Type};
use rgb::{FromSlice as _, RGB8};

/// A decoded picture.
pub(super) struct Pixels {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Pixels {
    /// `None` if the data do not have three bytes for each pixel, or if there is no pixel.
    pub(super) fn new(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        let length = width.checked_mul(height)?.checked_mul(3)?;
        (length > 0 && data.len() == length).then_some(Self { width, height, data })
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    pub(super) const fn height(&self) -> usize {
        self.height
    }

    #[cfg(feature = "badge")]
    pub(super) fn into_parts(self) -> Option<(u32, u32, Vec<u8>)> {
        Some((
            u32::try_from(self.width).ok()?,
            u32::try_from(self.height).ok()?,
            self.data,
        ))
    }

    pub(super) fn rgb(&self) -> &[u8] {
        &self.data
    }

    /// Whether no pixel has a colour.
    pub(super) fn is_grey(&self) -> bool {
        self.data
            .as_rgb()
            .iter()
            .all(|pixel| pixel.r == pixel.g && pixel.g == pixel.b)
    }

    /// Turned and mirrored so that it is upright, given how EXIF says that it is stored.
    ///
    /// The first row of the stored picture is, for 1 to 8: top, top, bottom, bottom, left, right, right, left of
    /// what is to be seen; its first column: left, right, right, left, top, top, bottom, bottom.
    ///
    /// Source: EXIF 2.32, 4.6.4, tag 274.
    pub(super) fn upright(self, orientation: u16) -> Self {
        let (width, height) = (self.width, self.height);
        let across = matches!(orientation, 5..=8);
        let (new_width, new_height) = if across { (height, width) } else { (width, height) };
        let stored = self.data.as_rgb();
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..new_height {
            for x in 0..new_width {
                let (column, row) = match orientation {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    8 => (width - 1 - y, x),
                    _ => (x, y),
                };
                let pixel = stored.get(row * width + column).copied().unwrap_or_default();
                data.extend([pixel.r, pixel.g, pixel.b]);
            }
        }
        Self {
            width: new_width,
            height: new_height,
            data,
        }
    }

    /// Scaled to another size, by the filter Lanczos3.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Option<Self> {
        let mut scaled = vec![RGB8::default(); width.checked_mul(height)?];
        resize::new(
            self.width,
            self.height,
            width,
            height,
            Pixel::RGB8,
            Type::Lanczos3,
        )
        .ok()?
        .resize(self.data.as_rgb(), &mut scaled)
        .ok()?;
        let data = scaled
            .iter()
            .flat_map(|pixel| [pixel.r, pixel.g, pixel.b])
            .collect();
        Self::new(width, height, data)
    }
}
