//! Times on pages: for programs, and as people read them.

use crate::model::Time;

/// A time in both forms.
pub(in crate::web) struct Moment {
    /// For the attribute `datetime`.
    pub(in crate::web) iso: String,
    /// In UTC; the script shows the zone of the reader.
    pub(in crate::web) text: String,
}

/// A time in both forms.
pub(in crate::web) fn moment(time: Time) -> Moment {
    let iso = time.to_seconds_text();
    let text = format!("{} UTC", iso.replace('T', " ").trim_end_matches('Z'));
    Moment { iso, text }
}
