//! Times on pages: for programs, and as people read them.

use crate::model::Time;
use crate::words::Words;

/// A time in both forms.
pub(in crate::web) struct Moment {
    /// For the attribute `datetime`.
    pub(in crate::web) iso: String,
    /// In UTC; the script shows the zone of the reader.
    pub(in crate::web) text: String,
}

/// A time in both forms.
pub(in crate::web) fn moment(words: &Words, time: Time) -> Moment {
    Moment { iso: time.to_seconds_text(), text: words.date_time(time) }
}
