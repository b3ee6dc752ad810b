//! What the address of the list of accounts asks for: filters, order and place. Lists, files, saved
//! searches and actions on all that match read it from here.

use crate::error::Result;
use crate::identity::admin::search::AccountPageQuery;
use crate::identity::{admin, provider};
use crate::model::listing::{
    FactorFilter, ListDirection, ListOrder, ListPlace, ListSort, ListStart, LoginFilter, TimeRange,
};
use crate::model::{ListFilter, SearchText, Status, Time, percent};
use crate::web::console::visit::ConsoleVisit;

/// The most characters of a search.
const LONGEST_SEARCH: usize = 255;
/// The longest name of a role or a provider.
const LONGEST_NAME: usize = 64;

/// The states to choose from.
const STATES: [Status; 4] = [Status::Active, Status::Pending, Status::Suspended, Status::Deleted];

/// The parameters of the filter, in the order in which they are written.
const NAMES: [&str; 11] = [
    "q",
    "state",
    "role",
    "factor",
    "provider",
    "created_from",
    "created_until",
    "login_from",
    "login_until",
    "login",
    "sort",
];

/// The order if the address says nothing: the newest first.
const USUAL: ListOrder =
    ListOrder { sort: ListSort::Created, direction: ListDirection::Descending };

/// What an address asks for.
#[derive(Default)]
pub(super) struct ListQuery {
    /// The parameters that were understood.
    given: Vec<(&'static str, String)>,
    pub(super) filter: ListFilter,
    pub(super) order: ListOrder,
    start: ListStart,
    /// What was not understood, in words.
    pub(super) problems: Vec<String>,
}

impl ListQuery {
    /// Reads the query of the visit.
    pub(super) fn of(visit: &ConsoleVisit) -> Self {
        let place = |name| visit.parameter(name).as_deref().and_then(ListPlace::parse);
        let mut asked = Self::read(|name| visit.parameter(name));
        asked.start = match (place("after"), place("before")) {
            (Some(place), _) => ListStart::After(place),
            (None, Some(place)) => ListStart::Before(place),
            (None, None) => ListStart::First,
        };
        asked
    }

    /// Reads the fields of the form of the visit.
    pub(super) fn posted(visit: &ConsoleVisit) -> Self {
        Self::read(|name| visit.field(name))
    }

    fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let mut asked = Self { order: USUAL, ..Self::default() };
        for name in NAMES {
            let text: String =
                value(name).unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect();
            if text.is_empty() {
                continue;
            }
            if asked.take(name, &text) {
                asked.given.push((name, text));
            } else {
                let problem =
                    format!("“{text}” is not a value of {}, and was left out.", label(name));
                asked.problems.push(problem);
            }
        }
        asked.check_ranges();
        asked
    }

    /// Takes a parameter. Returns false if it makes no sense.
    fn take(&mut self, name: &str, text: &str) -> bool {
        let is_name =
            text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic());
        let text_of = || Some(text.to_owned());
        let filter = &mut self.filter;
        match name {
            "q" => {
                filter.search = SearchText::parse(text);
                filter.search.is_some()
            }
            "state" => {
                filter.status = STATES.into_iter().find(|state| state.as_str() == text);
                filter.status.is_some()
            }
            "role" => {
                filter.role = text_of().filter(|_| is_name);
                is_name
            }
            "factor" => {
                filter.factor = FactorFilter::parse(text);
                filter.factor.is_some()
            }
            "provider" => {
                filter.provider = text_of().filter(|_| is_name);
                is_name
            }
            "created_from" => set(&mut filter.created.from, day(text)),
            "created_until" => set(&mut filter.created.until, day_after(text)),
            "login_from" | "login_until" => self.take_login(name, text),
            "login" => {
                let is_never = text == "never";
                if is_never {
                    self.filter.last_login = LoginFilter::Never;
                }
                is_never
            }
            _ => {
                let order = ListOrder::parse(text);
                self.order = order.unwrap_or(USUAL);
                order.is_some()
            }
        }
    }

    fn take_login(&mut self, name: &str, text: &str) -> bool {
        let LoginFilter::Within(mut range) = self.filter.last_login else { return false };
        let is_good = if name == "login_from" {
            set(&mut range.from, day(text))
        } else {
            set(&mut range.until, day_after(text))
        };
        self.filter.last_login = LoginFilter::Within(range);
        is_good
    }

    fn check_ranges(&mut self) {
        let is_empty = |range: &TimeRange| {
            range.from.is_some_and(|from| range.until.is_some_and(|until| until <= from))
        };
        let logins = match self.filter.last_login {
            LoginFilter::Within(range) => range,
            LoginFilter::Never => TimeRange::default(),
        };
        for (range, name) in [(self.filter.created, "Created"), (logins, "Last login")] {
            if is_empty(&range) {
                self.problems.push(format!("{name}: the last day is before the first one."));
            }
        }
    }

    /// A page of the list.
    pub(super) fn page(&self, limit: i64) -> AccountPageQuery {
        AccountPageQuery {
            filter: self.filter.clone(),
            order: self.order,
            start: self.start,
            skip: 0,
            limit,
        }
    }

    /// The first page of the list.
    pub(super) fn first_page(&self, limit: i64) -> AccountPageQuery {
        AccountPageQuery { start: ListStart::First, ..self.page(limit) }
    }

    /// The page of the list after a place.
    pub(super) fn page_after(&self, place: Option<ListPlace>, limit: i64) -> AccountPageQuery {
        let start = place.map_or(ListStart::First, ListStart::After);
        AccountPageQuery { start, ..self.page(limit) }
    }

    /// Whether the page is one before a place.
    pub(super) fn goes_back(&self) -> bool {
        matches!(self.start, ListStart::Before(_))
    }

    /// The direction of a column that the list is sorted by.
    pub(super) fn direction_of(&self, sort: ListSort) -> Option<&'static str> {
        (self.order.sort == sort).then_some(match self.order.direction {
            ListDirection::Ascending => "ascending",
            ListDirection::Descending => "descending",
        })
    }

    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> &str {
        self.given.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| value)
    }

    /// Whether there is a filter.
    pub(super) fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// Whether a filter is set that is not seen at once.
    pub(super) fn has_more_filters(&self) -> bool {
        let seen = ["q", "state", "sort"];
        self.given.iter().any(|(name, _)| !seen.contains(name))
    }

    /// The parameters as hidden fields of a form.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        self.given.clone()
    }

    /// The query, without a place in the list.
    pub(super) fn text(&self) -> String {
        pairs(&self.given)
    }

    /// The path of a page with the same filter and order.
    pub(super) fn path(&self, path: &str, start: Option<ListStart>) -> String {
        let mut given = self.given.clone();
        match start {
            Some(ListStart::After(place)) => given.push(("after", place.to_string())),
            Some(ListStart::Before(place)) => given.push(("before", place.to_string())),
            _ => {}
        }
        joined(path, &pairs(&given))
    }

    /// The path of the list in the order of a column: turned round if it is in this order already.
    pub(super) fn sorted(&self, path: &str, sort: ListSort) -> String {
        let usual = match sort {
            ListSort::Address => ListDirection::Ascending,
            ListSort::Created | ListSort::LastLogin => ListDirection::Descending,
        };
        let direction = match (self.order.sort == sort, self.order.direction) {
            (true, ListDirection::Ascending) => ListDirection::Descending,
            (true, ListDirection::Descending) => ListDirection::Ascending,
            (false, _) => usual,
        };
        let order = ListOrder { sort, direction };
        let mut given = self.given.clone();
        given.retain(|(name, _)| *name != "sort");
        if order != USUAL {
            given.push(("sort", order.name()));
        }
        joined(path, &pairs(&given))
    }
}

fn pairs(given: &[(&'static str, String)]) -> String {
    let pairs = given.iter().map(|(name, value)| format!("{name}={}", percent::encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn joined(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn set(field: &mut Option<Time>, value: Option<Time>) -> bool {
    *field = value;
    value.is_some()
}

/// The beginning of a day in UTC.
pub(super) fn day(text: &str) -> Option<Time> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Time::from_millis(start.timestamp().as_millisecond()))
}

/// The end of a day in UTC.
pub(super) fn day_after(text: &str) -> Option<Time> {
    Some(day(text)? + std::time::Duration::from_hours(24))
}

fn label(name: &str) -> &'static str {
    match name {
        "q" => "the search",
        "state" => "the state",
        "role" => "the role",
        "factor" => "the second factor",
        "provider" => "the provider",
        "sort" => "the order",
        "created_from" | "created_until" => "the day of creation",
        _ => "the day of the last login",
    }
}

/// A value to choose, its words, and whether it is the chosen one.
pub(super) type FilterOption = (String, String, bool);

/// The choices of the filters.
pub(super) struct FilterChoices {
    pub(super) states: Vec<FilterOption>,
    pub(super) roles: Vec<FilterOption>,
    pub(super) factors: Vec<FilterOption>,
    pub(super) providers: Vec<FilterOption>,
    pub(super) orders: Vec<FilterOption>,
}

/// Reads what can be chosen.
pub(super) async fn choices(visit: &ConsoleVisit, asked: &ListQuery) -> Result<FilterChoices> {
    let core = visit.core();
    let roles = admin::roles::names(core).await?;
    let providers = provider::offered(core).await?;
    let options = |name: &str, all: Vec<(String, String)>| {
        let chosen = asked.value(name);
        let is_unknown = !chosen.is_empty() && all.iter().all(|(value, _)| value != chosen);
        let unknown = is_unknown.then(|| (chosen.to_owned(), chosen.to_owned()));
        let all = all.into_iter().chain(unknown);
        all.map(|(value, words)| (value.clone(), words, value == chosen)).collect()
    };
    let same = |name: String| (name.clone(), name);
    let pair = |(value, words): (&str, &str)| (value.to_owned(), words.to_owned());
    Ok(FilterChoices {
        states: options("state", STATES.map(|state| same(state.as_str().to_owned())).to_vec()),
        roles: options("role", roles.into_iter().map(same).collect()),
        factors: options("factor", FACTORS.map(pair).to_vec()),
        providers: options(
            "provider",
            providers.into_iter().map(|one| (one.name, one.label)).collect(),
        ),
        orders: options("sort", ORDERS.map(pair).to_vec()),
    })
}

const FACTORS: [(&str, &str); 6] = [
    ("none", "No second factor"),
    ("totp", "Authenticator app"),
    ("email", "Mailed codes"),
    ("sms", "Text messages"),
    ("security_key", "Security key"),
    ("passkey", "Passkey"),
];

const ORDERS: [(&str, &str); 5] = [
    ("created", "Oldest first"),
    ("-last_login", "Last login first"),
    ("last_login", "Longest without a login first"),
    ("email", "Address, A to Z"),
    ("-email", "Address, Z to A"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> ListQuery {
        ListQuery::read(|name| crate::web::form::field(query, name))
    }

    #[test]
    fn what_is_understood_is_written_again_in_one_order() {
        let asked = read("sort=-email&state=pending&q=%3Cb%3E%26&role=admin&after=1.2&x=y");
        assert_eq!(asked.text(), "q=%3Cb%3E%26&state=pending&role=admin&sort=-email");
        assert!(asked.problems.is_empty() && asked.is_filtered() && asked.has_more_filters());
        assert!(asked.text().bytes().all(|byte| byte.is_ascii_graphic()));
        let next = ListStart::After(ListPlace { time: 5, number: 6 });
        assert!(asked.path("/x", Some(next)).ends_with("&after=5.6"));
        assert_eq!(read("").path("/x", None), "/x");
        assert!(!read("sort=email").is_filtered());
    }

    #[test]
    fn what_makes_no_sense_is_said_and_left_out() {
        for absurd in [
            "state=asleep",
            "factor=%00",
            "sort=password",
            "created_from=yesterday",
            "login_until=2026-02-30",
            "login=often",
            "role=a%20b",
        ] {
            let asked = read(absurd);
            assert_eq!((asked.text().as_str(), asked.problems.len()), ("", 1), "{absurd}");
        }
        let empty = read("created_from=2026-02-02&created_until=2026-02-01");
        assert_eq!(empty.problems, ["Created: the last day is before the first one."]);
        let one_day = read("created_from=2026-02-02&created_until=2026-02-02");
        assert!(one_day.problems.is_empty());
    }

    #[test]
    fn a_column_is_sorted_and_turned_round() {
        let asked = read("q=a");
        assert_eq!(asked.sorted("/x", ListSort::Created), "/x?q=a&sort=created");
        assert_eq!(asked.sorted("/x", ListSort::Address), "/x?q=a&sort=email");
        assert_eq!(read("sort=email").sorted("/x", ListSort::Address), "/x?sort=-email");
        assert_eq!(read("sort=created").sorted("/x", ListSort::Created), "/x");
    }
}
