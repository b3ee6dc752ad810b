//! What the build script generates from `static/words`.

use std::fmt::Display;

use super::text::Text;

#[allow(clippy::all, clippy::pedantic)]
mod code {
    use super::{Display, Text};

    include!(concat!(env!("OUT_DIR"), "/words.rs"));

    pub(super) fn built_in() -> &'static [(&'static str, &'static Words)] {
        &BUILT_IN
    }

    pub(super) fn reference() -> &'static Words {
        &EN
    }
}

pub use code::Words;

/// The words of `en.toml`.
pub(super) fn reference() -> &'static Words {
    code::reference()
}

/// The built-in languages, by tag.
pub(super) fn built_in() -> &'static [(&'static str, &'static Words)] {
    code::built_in()
}

/// The paths of all texts.
pub fn paths() -> impl Iterator<Item = &'static str> {
    code::PATHS.lines()
}
