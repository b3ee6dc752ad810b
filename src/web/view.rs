//! What the templates of the sign-in and account pages share: the parts around the content of an
//! account page, form fields, and the field for a proof.

use crate::web::target;
use crate::words::Words;

/// The parts around the content of an account page (`pages/account_frame.html`).
pub(in crate::web) struct AccountFrame<'a> {
    pub(in crate::web) words: &'a Words,
    /// The name of the owner.
    pub(in crate::web) who: String,
    /// The path in the list of pages.
    pub(in crate::web) path: &'static str,
    pub(in crate::web) text: Option<&'a str>,
    pub(in crate::web) note: Option<&'a str>,
    pub(in crate::web) problem: Option<&'a str>,
    /// Whether there are providers to log in with.
    pub(in crate::web) has_providers: bool,
    /// Whether the owner may open a page of the console.
    pub(in crate::web) is_admin: bool,
}

impl AccountFrame<'_> {
    /// The account pages.
    pub(in crate::web) fn sections(&self) -> Vec<(&'static str, &str)> {
        let account = &self.words.account;
        let all: [(&'static str, &str); 11] = [
            (target::ACCOUNT, &account.overview.title),
            (target::PROFILE, &account.profile.title),
            (target::EMAIL, &account.email.title),
            (target::PASSWORD, &account.password.title),
            (target::PASSKEYS, &account.passkeys.title),
            (target::CONNECTIONS, &account.connections.title),
            (target::AUTHENTICATOR, &account.factors.title),
            (target::SESSIONS, &account.sessions.title),
            (target::RECORD, &account.record.title),
            (target::DATA, &account.data.title),
            (target::START, &self.words.shell.console),
        ];
        let is_shown = |path| match path {
            target::CONNECTIONS => self.has_providers,
            target::START => self.is_admin,
            _ => true,
        };
        all.into_iter().filter(|(path, _)| is_shown(*path)).collect()
    }
}

/// The kind of a form field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum FieldKind {
    Text,
    Email,
    Phone,
    /// A name to log in with: nothing is capitalised or corrected.
    Name,
    Password,
    Code,
    /// Several lines, such as a key in PEM form.
    Lines,
}

/// One of the values of a field that offers a choice of languages.
pub(in crate::web) struct FieldOption<'a> {
    pub(in crate::web) value: &'a str,
    pub(in crate::web) label: &'a str,
    pub(in crate::web) is_chosen: bool,
}

/// A field of a form (`pages/parts.html`).
pub(in crate::web) struct FieldView<'a> {
    pub(in crate::web) words: &'a Words,
    pub(in crate::web) id: &'static str,
    pub(in crate::web) label: &'a str,
    shape: FieldKind,
    pub(in crate::web) kind: &'static str,
    pub(in crate::web) value: String,
    pub(in crate::web) autocomplete: &'static str,
    pub(in crate::web) is_required: bool,
    pub(in crate::web) max: Option<usize>,
    pub(in crate::web) min: Option<usize>,
    pub(in crate::web) hint: Option<String>,
    /// The values to choose from; empty for a field to type in.
    pub(in crate::web) options: Vec<FieldOption<'a>>,
    /// Why the value was refused.
    pub(in crate::web) reason: Option<String>,
    pub(in crate::web) has_focus: bool,
}

impl<'a> FieldView<'a> {
    pub(in crate::web) fn new(
        words: &'a Words,
        shape: FieldKind,
        id: &'static str,
        label: &'a str,
    ) -> Self {
        let (kind, autocomplete) = match shape {
            FieldKind::Text | FieldKind::Name | FieldKind::Lines => ("text", "off"),
            FieldKind::Email => ("email", "email"),
            FieldKind::Phone => ("tel", "tel"),
            FieldKind::Password => ("password", "current-password"),
            FieldKind::Code => ("text", "one-time-code"),
        };
        Self {
            words,
            id,
            label,
            shape,
            kind,
            value: String::new(),
            autocomplete,
            is_required: true,
            max: None,
            min: None,
            hint: None,
            options: Vec::new(),
            reason: None,
            has_focus: false,
        }
    }

    #[must_use]
    pub(in crate::web) fn holding(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    #[must_use]
    pub(in crate::web) fn completed_as(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    #[must_use]
    pub(in crate::web) fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    #[must_use]
    pub(in crate::web) fn at_most(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    #[must_use]
    pub(in crate::web) fn at_least(mut self, min: usize) -> Self {
        self.min = Some(min);
        self
    }

    #[must_use]
    pub(in crate::web) fn hinting(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(in crate::web) fn offering(mut self, options: Vec<FieldOption<'a>>) -> Self {
        self.options = options;
        self
    }

    #[must_use]
    pub(in crate::web) fn refused(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// The page begins at this field, unless another one was refused.
    #[must_use]
    pub(in crate::web) fn focused(mut self) -> Self {
        self.has_focus = true;
        self
    }

    pub(in crate::web) fn is_password(&self) -> bool {
        self.shape == FieldKind::Password
    }

    pub(in crate::web) fn is_code(&self) -> bool {
        self.shape == FieldKind::Code
    }

    pub(in crate::web) fn is_long(&self) -> bool {
        self.shape == FieldKind::Lines
    }

    /// Whether nothing is capitalised or corrected.
    pub(in crate::web) fn is_plain(&self) -> bool {
        !matches!(self.shape, FieldKind::Text)
    }

    pub(in crate::web) fn is_described(&self) -> bool {
        self.reason.is_some() || self.hint.is_some()
    }
}

/// Moves the focus to the first field that was refused.
pub(in crate::web) fn focus_first<'f, 'w: 'f>(fields: impl Iterator<Item = &'f mut FieldView<'w>>) {
    let mut is_first = true;
    let mut fields: Vec<_> = fields.collect();
    if fields.iter().all(|field| field.reason.is_none()) {
        return;
    }
    for field in &mut fields {
        field.has_focus = is_first && field.reason.is_some();
        is_first &= !field.has_focus;
    }
}

/// The part of a form for a proof of identity, where one is due.
pub(in crate::web) struct ProofView<'a> {
    pub(in crate::web) words: &'a Words,
    pub(in crate::web) text: &'a str,
    pub(in crate::web) field: Option<FieldView<'a>>,
    /// A key of the account will do too.
    pub(in crate::web) takes_key: bool,
    /// Why the form was refused, where there is no field to say it at.
    pub(in crate::web) reason: Option<String>,
    /// The page to log in again, for an account without password and second factor.
    pub(in crate::web) sign_in: Option<(String, &'a str)>,
}

impl ProofView<'_> {
    pub(in crate::web) fn is_due(&self) -> bool {
        self.field.is_some() || self.takes_key
    }

    /// The page to log in again, where the form has no place for a proof.
    pub(in crate::web) fn only_sign_in(&self) -> Option<&(String, &str)> {
        self.sign_in.as_ref().filter(|_| !self.is_due())
    }
}
