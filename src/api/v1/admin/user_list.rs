//! What the list of accounts is filtered and sorted by.

use poem_openapi::Enum;

use super::super::types::AccountStatus;
use crate::error::{Error, Result, Rule};
use crate::http::extract::params::{self, NameQuery, Paging, SearchQuery, TimeQuery};
use crate::identity::admin::search::{AccountPage, AccountPageQuery};
use crate::model::listing::{
    FactorFilter, ListCount, ListPlace, ListStart, LoginFilter, TimeRange,
};
use crate::model::{ListFilter, ListOrder, SearchText, Status};

use super::types::Pagination;

/// What an account logs in with besides a password.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
pub enum FactorWord {
    /// No second factor.
    None,
    /// An authenticator app.
    Totp,
    /// Mailed codes.
    Email,
    /// Text messages.
    Sms,
    /// A security key.
    SecurityKey,
    /// A passkey.
    Passkey,
}

impl From<FactorWord> for FactorFilter {
    fn from(word: FactorWord) -> Self {
        match word {
            FactorWord::None => Self::Without,
            FactorWord::Totp => Self::Totp,
            FactorWord::Email => Self::Email,
            FactorWord::Sms => Self::Sms,
            FactorWord::SecurityKey => Self::SecurityKey,
            FactorWord::Passkey => Self::Passkey,
        }
    }
}

/// The order of a list of accounts.
#[derive(Debug, Clone, Copy, Enum)]
pub enum SortWord {
    /// The oldest first.
    #[oai(rename = "created")]
    Created,
    /// The newest first.
    #[oai(rename = "-created")]
    CreatedLast,
    /// Those that never logged in first, then the longest ago.
    #[oai(rename = "lastLogin")]
    LastLogin,
    /// The last login first.
    #[oai(rename = "-lastLogin")]
    LastLoginLast,
    /// By email address. Accounts without one are left out.
    #[oai(rename = "email")]
    Email,
    /// By email address, backwards.
    #[oai(rename = "-email")]
    EmailLast,
}

impl SortWord {
    fn order(self) -> ListOrder {
        let name = match self {
            Self::Created => "created",
            Self::CreatedLast => "-created",
            Self::LastLogin => "last_login",
            Self::LastLoginLast => "-last_login",
            Self::Email => "email",
            Self::EmailLast => "-email",
        };
        ListOrder::parse(name).unwrap_or_default()
    }
}

/// The parameters of the list.
pub struct ListParameters {
    pub paging: Paging,
    pub status: Option<AccountStatus>,
    pub search: Option<SearchQuery>,
    pub text: Option<SearchQuery>,
    pub role: Option<NameQuery>,
    pub factor: Option<FactorWord>,
    pub provider: Option<NameQuery>,
    pub created_since: Option<TimeQuery>,
    pub created_until: Option<TimeQuery>,
    pub last_login_since: Option<TimeQuery>,
    pub last_login_until: Option<TimeQuery>,
    pub never_logged_in: Option<bool>,
    pub sort: Option<SortWord>,
    pub after: Option<NameQuery>,
}

impl ListParameters {
    /// Whether the answer says where the next page begins. Clients that know four parameters alone also
    /// know four fields alone.
    pub fn asks_for_next(&self) -> bool {
        self.after.is_some()
            || self.sort.is_some()
            || self.text.is_some()
            || self.role.is_some()
            || self.factor.is_some()
            || self.provider.is_some()
            || self.created_since.is_some()
            || self.created_until.is_some()
            || self.last_login_since.is_some()
            || self.last_login_until.is_some()
            || self.never_logged_in.is_some()
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// `Validation`.
    pub fn read(self) -> Result<AccountPageQuery> {
        let last_login = if self.never_logged_in == Some(true) {
            LoginFilter::Never
        } else {
            LoginFilter::Within(TimeRange {
                from: params::time("lastLoginSince", self.last_login_since)?,
                until: params::time("lastLoginUntil", self.last_login_until)?,
            })
        };
        let parsed = |text: Option<String>| text.as_deref().and_then(SearchText::parse);
        let search = parsed(params::search("search", self.search)?).map(SearchText::without_names);
        let search = search.or(parsed(params::search("text", self.text)?));
        let filter = ListFilter {
            status: self.status.map(Status::from),
            search,
            role: params::name("role", self.role)?,
            factor: self.factor.map(FactorFilter::from),
            provider: params::name("provider", self.provider)?,
            created: TimeRange {
                from: params::time("createdSince", self.created_since)?,
                until: params::time("createdUntil", self.created_until)?,
            },
            last_login,
        };
        let place = params::name("after", self.after)?.map(|text| {
            let place = ListPlace::parse(&text);
            place.ok_or_else(|| Error::invalid_field("after", Rule::Parameter))
        });
        let start = place.transpose()?.map_or(ListStart::First, ListStart::After);
        Ok(AccountPageQuery {
            filter,
            order: self.sort.map(SortWord::order).unwrap_or_default(),
            start,
            skip: (self.paging.page - 1).saturating_mul(self.paging.limit),
            limit: self.paging.limit,
        })
    }
}

/// The position of a page.
pub fn pagination(paging: Paging, found: &AccountPage) -> Pagination {
    let next = match found.next {
        Some(ListStart::After(place)) => Some(place.to_string()),
        _ => None,
    };
    let (total, more) = match found.count {
        ListCount::Exactly(total) => (total, false),
        ListCount::AtLeast(total) => (total, true),
        ListCount::Unknown => {
            (i64::try_from(found.entries.len()).unwrap_or(i64::MAX), next.is_some())
        }
    };
    let Paging { page, limit } = paging;
    Pagination { page, limit, total, pages: paging.pages(total), more: more.then_some(true), next }
}
