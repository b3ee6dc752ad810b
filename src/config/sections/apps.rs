//! `[apps]`: whether a call must identify the API client that it comes from.

section! {
    /// `[apps]`: registered API clients and their keys.
    pub struct AppsConfig = "apps" {
        /// Sign-up, login, codes and resets require the headers of a registered app, on every API.
        required: bool = truth();
    }
}
