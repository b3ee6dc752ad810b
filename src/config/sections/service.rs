//! `[service]`: the name that users see.

section! {
    /// `[service]`: the name that users see.
    pub struct ServiceConfig = "service" {
        /// The name in mails and pages. Passwords built from it may be refused.
        name: String = text(64);
    }
}
