//! Colours of the pages: parsed from `#rrggbb`, and compared by the contrast ratio of the Web
//! Content Accessibility Guidelines (WCAG 2.2, success criterion 1.4.3).

use std::fmt;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// The smallest contrast ratio of text at level AA.
pub const READABLE: f64 = 4.5;

impl Color {
    pub const WHITE: Self = Self([0xff; 3]);
    pub const BLACK: Self = Self([0; 3]);

    /// A colour by its three parts.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Parses `#rrggbb` or `#rgb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize, length: usize| {
            let part = u8::from_str_radix(digits.get(at * length..(at + 1) * length)?, 16).ok()?;
            Some(if length == 1 { part * 17 } else { part })
        };
        let length = match digits.len() {
            3 => 1,
            6 => 2,
            _ => return None,
        };
        Some(Self([part(0, length)?, part(1, length)?, part(2, length)?]))
    }

    /// The contrast ratio with another colour, from 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is easier to read on this colour.
    #[must_use]
    pub fn text(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// This colour, mixed with white or black just so much that it can be read on `background`.
    #[must_use]
    pub fn readable_on(self, background: Self) -> Self {
        let towards = background.text();
        let mixed = (0..=20_u8).map(|step| self.mixed(towards, step));
        { mixed }.find(|mixed| mixed.contrast(background) >= READABLE).unwrap_or(towards)
    }

    /// This colour with so many twentieths of another.
    fn mixed(self, other: Self, twentieths: u8) -> Self {
        let mut mixed = self.0;
        for (part, other) in mixed.iter_mut().zip(other.0) {
            let sum = u16::from(*part) * u16::from(20 - twentieths)
                + u16::from(other) * u16::from(twentieths);
            *part = u8::try_from(sum / 20).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    fn luminance(self) -> f64 {
        let linear = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_has_one_spelling() {
        assert_eq!(Color::parse("#1F5eff").unwrap().to_string(), "#1f5eff");
        assert_eq!(Color::parse("#f0a").unwrap().to_string(), "#ff00aa");
        for bad in ["", "#", "1f5eff", "#1f5ef", "#1f5eff00", "#+1+2+3", "red", "#ggg", "#é1234"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let near = |ratio: f64, expected: f64| (ratio - expected).abs() < 0.01;
        assert!(near(Color::WHITE.contrast(Color::BLACK), 21.0));
        let grey = Color::parse("#777777").unwrap();
        assert!(near(grey.contrast(Color::WHITE), 4.48) && near(Color::WHITE.contrast(grey), 4.48));
    }

    #[test]
    fn every_color_can_be_made_readable() {
        for color in ["#ffff00", "#1f5eff", "#000000", "#ffffff", "#808080", "#ff2d55"] {
            let color = Color::parse(color).unwrap();
            for background in [Color::WHITE, Color::parse("#19212b").unwrap()] {
                let made = color.readable_on(background);
                assert!(made.contrast(background) >= READABLE, "{color} on {background}: {made}");
            }
            assert!(color.contrast(color.text()) >= READABLE, "{color}");
        }
        let blue = Color::parse("#1f5eff").unwrap();
        assert_eq!(blue.readable_on(Color::WHITE), blue, "a readable color stays as it is");
    }
}
