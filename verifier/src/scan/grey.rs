//! A picture as brightness, and what is done to it so that a code shows.

/// Brightness row by row, 0 black.
#[derive(Clone)]
pub(super) struct Grey {
    wide: usize,
    high: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// None if it is empty or the pixels are not as many as that.
    pub(super) fn new(wide: usize, high: usize, pixels: Vec<u8>) -> Option<Self> {
        let fits = wide.checked_mul(high) == Some(pixels.len()) && !pixels.is_empty();
        fits.then_some(Self { wide, high, pixels })
    }

    pub(super) const fn wide(&self) -> usize {
        self.wide
    }

    pub(super) const fn high(&self) -> usize {
        self.high
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.wide)
    }

    /// Dark made light.
    pub(super) fn inverted(&self) -> Self {
        let pixels = self.pixels.iter().map(|pixel| 255 - pixel).collect();
        Self { pixels, ..*self }
    }

    /// Each square of so many pixels as one, its mean; what is left over at the edges goes.
    pub(super) fn reduced(&self, times: usize) -> Option<Self> {
        let times = times.max(1);
        let (wide, high) = (self.wide / times, self.high / times);
        let mut pixels = Vec::with_capacity(wide * high);
        for square in self
            .pixels
            .chunks_exact(self.wide * times)
            .take(if wide == 0 { 0 } else { high })
        {
            let mut sums = vec![0_usize; wide];
            for row in square.chunks_exact(self.wide) {
                for (sum, part) in sums.iter_mut().zip(row.chunks_exact(times)) {
                    *sum += part.iter().copied().map(usize::from).sum::<usize>();
                }
            }
            pixels.extend(sums.into_iter().map(|sum| byte(sum / (times * times))));
        }
        Self::new(wide, high, pixels)
    }

    /// Twice as wide and high, pixels between pixels by their neighbours.
    pub(super) fn doubled(&self) -> Option<Self> {
        let mut pixels = Vec::with_capacity(self.pixels.len() * 4);
        let rows: Vec<Vec<u8>> = self.rows().map(|row| doubled(row.iter().copied())).collect();
        for (at, row) in rows.iter().enumerate() {
            let above = at.checked_sub(1).and_then(|at| rows.get(at)).unwrap_or(row);
            let below = rows.get(at + 1).unwrap_or(row);
            pixels.extend(row.iter().zip(above).map(|(own, other)| nearer(*own, *other)));
            pixels.extend(row.iter().zip(below).map(|(own, other)| nearer(*own, *other)));
        }
        Self::new(self.wide * 2, self.high * 2, pixels)
    }

    /// Each pixel with its neighbours, 1 2 1 in both directions: noise and the grid of a screen go.
    pub(super) fn smoothed(&self) -> Self {
        let mut across = Vec::with_capacity(self.pixels.len());
        for row in self.rows() {
            let (first, last) = (row.first().copied(), row.last().copied());
            let left = first.into_iter().chain(row.iter().copied());
            let right = row.iter().copied().skip(1).chain(last);
            across.extend(left.zip(row).zip(right).map(|((a, b), c)| mixed(a, *b, c)));
        }
        let (first, rest) = across.split_at_checked(self.wide).unwrap_or((&across, &[]));
        let (_, last) = across
            .split_at_checked(across.len().saturating_sub(self.wide))
            .unwrap_or_default();
        let above = first.iter().chain(&across);
        let below = rest.iter().chain(last);
        let pixels = above
            .zip(&across)
            .zip(below)
            .map(|((a, b), c)| mixed(*a, *b, *c))
            .collect();
        Self { pixels, ..*self }
    }

    /// What differs from the surroundings made to differ more: blurred edges show.
    pub(super) fn sharpened(&self) -> Self {
        let soft = self.smoothed().smoothed().smoothed();
        let pixels = self.pixels.iter().zip(&soft.pixels).map(|(own, soft)| {
            let (own, soft) = (3 * usize::from(*own), 2 * usize::from(*soft));
            byte(own.saturating_sub(soft))
        });
        Self {
            pixels: pixels.collect(),
            ..*self
        }
    }
}

fn doubled(row: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut before: Option<u8> = None;
    for pixel in row {
        if let Some(before) = before {
            out.push(nearer(before, pixel));
            out.push(nearer(pixel, before));
        } else {
            out.push(pixel);
        }
        before = Some(pixel);
    }
    out.extend(before);
    out
}

fn nearer(own: u8, other: u8) -> u8 {
    byte((3 * usize::from(own) + usize::from(other) + 2) / 4)
}

fn mixed(a: u8, b: u8, c: u8) -> u8 {
    byte((usize::from(a) + 2 * usize::from(b) + usize::from(c) + 2) / 4)
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(wide: usize, pixels: &[u8]) -> Grey {
        Grey::new(wide, pixels.len() / wide, pixels.to_vec()).unwrap()
    }

    #[test]
    fn sizes_must_fit() {
        assert!(Grey::new(2, 2, vec![0; 3]).is_none());
        assert!(Grey::new(0, 0, Vec::new()).is_none());
        assert!(Grey::new(usize::MAX, 2, vec![0; 2]).is_none());
    }

    #[test]
    fn a_picture_is_reduced_by_means() {
        let picture = grey(5, &[0, 100, 10, 10, 9, 100, 200, 10, 10, 9, 1, 1, 1, 1, 1]);
        let half = picture.reduced(2).unwrap();
        assert_eq!(
            (half.wide, half.high, half.pixels.as_slice()),
            (2, 1, &[100, 10][..])
        );
        assert!(picture.reduced(4).is_none());
    }

    #[test]
    fn a_picture_is_doubled_smoothed_and_sharpened() {
        let picture = grey(2, &[0, 100, 0, 100]);
        let double = picture.doubled().unwrap();
        assert_eq!((double.wide, double.high), (4, 4));
        assert_eq!(&double.pixels[..4], &[0, 25, 75, 100]);
        assert_eq!(&double.pixels[12..], &[0, 25, 75, 100]);
        assert_eq!(picture.smoothed().pixels, [25, 75, 25, 75]);
        let sharp = picture.sharpened();
        assert!(
            sharp.pixels[0] == 0 && sharp.pixels[1] > 150,
            "{:?}",
            sharp.pixels
        );
        // A single pixel has itself for neighbours.
        let one = grey(1, &[7]);
        assert_eq!(
            (one.smoothed().pixels, one.sharpened().pixels),
            (vec![7], vec![7])
        );
        assert_eq!(one.doubled().unwrap().pixels, [7; 4]);
        assert_eq!(one.inverted().pixels, [248]);
    }
}
