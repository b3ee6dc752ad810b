//! Lists of accounts as administrators filter and sort them, with bounded work however many accounts
//! there are.
//!
//! A list is made in one of two ways. If a filter is met by few accounts, these are read through its
//! index, and sorted in memory: the list is exact. Otherwise the accounts are read in the order of the
//! list, from the index of that order, until the page is full or `MOST_READ` accounts were looked at:
//! the page then says how far it got, and the next page continues there.

use crate::error::{Error, Field, Result, Rule};
use crate::model::account::{AddressState, Verification};
use crate::model::listing::{
    ListCount, ListDirection, ListOrder, ListPlace, ListSort, ListStart, LoginFilter, TimeRange,
};
use crate::model::{Account, Email, ListFilter, SearchText, Status, Time};
use crate::sql;
use crate::store::db::{Db, Row, Sql, Value};
use crate::store::tables::directory::find_by_number;
use crate::store::tables::listing_sql::{indexes, select, statements};
use crate::store::tables::search_candidates::{self, SEGMENTS};
use crate::store::tables::search_index::{self, SEGMENT, SearchRow, columns};

/// The most matches of a search. The bound limits the work for a text that many accounts contain.
const MATCHES: usize = 10_000;
/// The most accounts that one page looks at in the order of their creation, in which they are stored,
/// and in another order, in which each is read from another place.
const MOST_READ: usize = 4_000;
const MOST_SCATTERED: usize = 1_000;
/// How many accounts a search with filters looks at besides.
const FEW_MORE: usize = 2_000;
/// As few accounts are read through the index of a filter.
const FEW: i64 = 3_000;
/// The accounts in the first piece that is read for a page, and in the largest.
const FIRST_PIECE: usize = 64;
const LARGEST_PIECE: usize = 1_024;
/// How many accounts that are not in the search index one statement reads.
const PIECE: i64 = 1_000;
/// How many account numbers one statement reads.
const TOGETHER: usize = 100;

/// Which accounts to list, in which order, and which page of them.
#[derive(Debug, Clone)]
pub struct AccountListQuery {
    pub filter: ListFilter,
    /// Whether an unverified address makes an account pending.
    pub verification: Verification,
    pub order: ListOrder,
    pub start: ListStart,
    /// The number of matching accounts to skip after the start.
    pub skip: usize,
    pub limit: usize,
}

impl AccountListQuery {
    /// The first accounts that meet a filter, in the order of their creation.
    #[must_use]
    pub fn of(filter: ListFilter) -> Self {
        Self {
            filter,
            verification: Verification::Required,
            order: ListOrder::default(),
            start: ListStart::First,
            skip: 0,
            limit: 100,
        }
    }

    /// The number of matching accounts from the start to the end of the page.
    fn end(&self) -> usize {
        self.skip.saturating_add(self.limit)
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct AccountListPage {
    pub accounts: Vec<Account>,
    pub count: ListCount,
    /// Where the next page and the one before this begin, if there may be one.
    pub next: Option<ListStart>,
    pub previous: Option<ListStart>,
    /// How many accounts were looked at, if that ended the page before it was full.
    pub looked_at: Option<usize>,
}

/// An account with its place, as long as it is only a number.
struct Listed {
    number: i64,
    place: ListPlace,
    key: Option<String>,
}

/// Returns a page of the matching accounts.
///
/// # Errors
/// `Validation` if the account of the place no longer has an address, in a list by address.
pub fn page(db: &mut dyn Db, query: &AccountListQuery) -> Result<AccountListPage> {
    let key = match query.start {
        ListStart::After(place) | ListStart::Before(place)
            if query.order.sort == ListSort::Address =>
        {
            let account = find_by_number(db, place.number)?;
            let key = account.and_then(|account| account.email_key().map(str::to_owned));
            Some(key.ok_or_else(|| Error::invalid_field(Field::After, Rule::Parameter))?)
        }
        _ => None,
    };
    match few(db, query)? {
        Some(few) => from_few(db, query, few, key.as_deref()),
        None => walk(db, query, key),
    }
}

/// Accounts that a filter's index or a search found, and whether there are more.
struct Few {
    rows: Vec<SearchRow>,
    has_more: bool,
}

/// The matching accounts, if a filter that only few accounts meet, or a search, finds them all.
fn few(db: &mut dyn Db, query: &AccountListQuery) -> Result<Option<Few>> {
    let filter = &query.filter;
    if filter.is_only_status() && query.order.sort == ListSort::Created {
        return Ok(None);
    }
    for index in indexes(query) {
        let probe = [index.values.as_slice(), &[(FEW + 1).into()]].concat();
        let many: i64 = db.first(index.count, &probe)?.map_or(Ok(0), |mut row| row.take())?;
        if many <= FEW {
            let values = [index.values.as_slice(), &[FEW.into()]].concat();
            let rows = flagged(db, filter, index.few, &values)?;
            let rows = rows.into_iter().filter(|row| fits(row, query));
            let rows = rows.map(|row| row.account).collect();
            return Ok(Some(Few { rows, has_more: false }));
        }
    }
    match &filter.search {
        Some(text) => matches(db, query, text).map(Some),
        None => Ok(None),
    }
}

/// An account, and whether it has the role, factor and provider of the filter.
struct FlaggedRow {
    has_all: bool,
    account: SearchRow,
}

fn flagged(
    db: &mut dyn Db,
    filter: &ListFilter,
    sql: Sql,
    values: &[Value],
) -> Result<Vec<FlaggedRow>> {
    let mut all: Vec<Value> = vec![
        filter.role.as_deref().unwrap_or_default().into(),
        filter.factor.map_or("", crate::model::listing::FactorFilter::as_str).into(),
        filter.provider.as_deref().unwrap_or_default().into(),
    ];
    all.extend_from_slice(values);
    let read = |mut row: Row| {
        let has_all = row.take::<i64>()? == 1;
        Ok(FlaggedRow { has_all, account: search_index::read(row)? })
    };
    db.all(sql, &all)?.into_iter().map(read).collect()
}

/// Whether an account meets the whole filter.
fn fits(row: &FlaggedRow, query: &AccountListQuery) -> bool {
    let (account, filter) = (&row.account, &query.filter);
    row.has_all
        && filter.status.is_none_or(|wanted| wanted == status(account, query.verification))
        && filter.created.contains(account.created_at)
        && filter.last_login.contains(account.last_login_at)
        && filter.search.as_ref().is_none_or(|text| account.has(text))
}

fn status(row: &SearchRow, verification: Verification) -> Status {
    let address = AddressState::of(row.email.as_ref(), row.email_verified_at);
    Status::of(row.deleted_at, row.suspended_at, address, verification)
}

/// The accounts that a search finds, in the order of their numbers, until there are too many.
fn matches(db: &mut dyn Db, query: &AccountListQuery, text: &SearchText) -> Result<Few> {
    let (mut found, mut read) = (Vec::new(), 0);
    let end = search_index::indexed_below(db)?;
    let end_segment = end / SEGMENT;
    let mut next = search_candidates::segment_after(db, -1, end_segment)?;
    while let Some(first) = next {
        let segments = first..end_segment.min(first + SEGMENTS);
        let last = segments.end - 1;
        for numbers in search_candidates::candidates(db, segments, text)?.chunks(TOGETHER) {
            let rows = numbered(db, &query.filter, numbers)?;
            read += rows.len();
            found.extend(rows.into_iter().filter(|row| fits(row, query)));
            if found.len() > MATCHES || read > MATCHES + FEW_MORE {
                return Ok(too_many(found));
            }
        }
        next = search_candidates::segment_after(db, last, end_segment)?;
    }
    let mut last = end - 1;
    loop {
        let sql = sql!(select!("number > $4 order by number limit $5"));
        let rows = flagged(db, &query.filter, sql, &[last.into(), PIECE.into()])?;
        let Some(row) = rows.last() else {
            let rows = found.into_iter().map(|row| row.account).collect();
            return Ok(Few { rows, has_more: false });
        };
        last = row.account.number;
        found.extend(rows.into_iter().filter(|row| fits(row, query)));
        if found.len() > MATCHES {
            return Ok(too_many(found));
        }
    }
}

fn too_many(mut found: Vec<FlaggedRow>) -> Few {
    found.sort_by_key(|row| row.account.number);
    found.truncate(MATCHES);
    Few { rows: found.into_iter().map(|row| row.account).collect(), has_more: true }
}

/// The accounts with these numbers, at most [`TOGETHER`].
fn numbered(db: &mut dyn Db, filter: &ListFilter, numbers: &[i64]) -> Result<Vec<FlaggedRow>> {
    // No account has a negative number.
    let mut values: Vec<Value> = numbers.iter().map(|number| (*number).into()).collect();
    values.resize(TOGETHER, (-1).into());
    let sql = sql!(select!(
        "number in ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, \
         $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, \
         $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, \
         $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100, $101, \
         $102, $103)"
    ));
    flagged(db, filter, sql, &values)
}

/// The place of an account in a list; `None` if it is left out.
fn listed(row: &SearchRow, sort: ListSort) -> Option<Listed> {
    let number = row.number;
    let (time, key) = match sort {
        ListSort::Created => (row.created_at.millis(), None),
        ListSort::LastLogin => (row.last_login_at.map_or(0, Time::millis), None),
        ListSort::Address => {
            let key = row.email.as_ref().map(Email::key).filter(|key| !key.is_empty());
            (0, Some(key?.to_owned()))
        }
    };
    Some(Listed { number, place: ListPlace { time, number }, key })
}

fn from_few(
    db: &mut dyn Db,
    query: &AccountListQuery,
    few: Few,
    key: Option<&str>,
) -> Result<AccountListPage> {
    let sort = query.order.sort;
    let mut all: Vec<Listed> = few.rows.iter().filter_map(|row| listed(row, sort)).collect();
    drop(few.rows);
    let order = |a: (&Option<String>, ListPlace), b: (&Option<String>, ListPlace)| {
        (a.0, a.1.time, a.1.number).cmp(&(b.0, b.1.time, b.1.number))
    };
    let is_down = query.order.direction == ListDirection::Descending;
    all.sort_by(|a, b| {
        let order = order((&a.key, a.place), (&b.key, b.place));
        if is_down { order.reverse() } else { order }
    });
    let key = key.map(str::to_owned);
    let comes_before = |one: &Listed, place: ListPlace| {
        let order = order((&one.key, one.place), (&key, place));
        if is_down { order.is_gt() } else { order.is_lt() }
    };
    let at = |place: ListPlace| all.partition_point(|one| comes_before(one, place));
    let (begin, end) = match query.start {
        ListStart::First => (query.skip, query.end()),
        ListStart::After(place) => {
            let at = at(place);
            let is_it = all.get(at).is_some_and(|one| one.place == place);
            let begin = (at + usize::from(is_it)).saturating_add(query.skip);
            (begin, begin.saturating_add(query.limit))
        }
        ListStart::Before(place) => {
            let end = at(place);
            (end.saturating_sub(query.limit), end)
        }
    };
    let (begin, end) = (begin.min(all.len()), end.min(all.len()));
    let shown = all.get(begin..end).unwrap_or_default();
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    Ok(AccountListPage {
        accounts: read_all(db, shown)?,
        count: if few.has_more { ListCount::AtLeast(count) } else { ListCount::Exactly(count) },
        next: shown.last().filter(|_| end < all.len()).map(|one| ListStart::After(one.place)),
        previous: shown.first().filter(|_| begin > 0).map(|one| ListStart::Before(one.place)),
        looked_at: None,
    })
}

fn read_all(db: &mut dyn Db, shown: &[Listed]) -> Result<Vec<Account>> {
    let mut accounts = Vec::with_capacity(shown.len());
    for one in shown {
        accounts.extend(find_by_number(db, one.number)?);
    }
    Ok(accounts)
}

/// How far a walk got.
struct Walk {
    found: Vec<Listed>,
    /// How many accounts match among those that were looked at.
    matching: usize,
    read: usize,
    /// The last account that was looked at.
    last: Option<ListPlace>,
    is_complete: bool,
}

/// Reads the accounts in the order of the list.
fn walk(db: &mut dyn Db, query: &AccountListQuery, key: Option<String>) -> Result<AccountListPage> {
    let is_back = matches!(query.start, ListStart::Before(_));
    let is_down = (query.order.direction == ListDirection::Descending) != is_back;
    let counts = query.start == ListStart::First && !query.filter.is_only_status();
    let wanted = query.end().saturating_add(1);
    let mut walk = Walk { found: Vec::new(), matching: 0, read: 0, last: None, is_complete: false };
    let mut at = start(query, key, is_down);
    let mut piece = wanted.clamp(FIRST_PIECE, LARGEST_PIECE);
    let most = if query.order.sort == ListSort::Created { MOST_READ } else { MOST_SCATTERED };
    while !walk.is_complete && walk.read < most && (counts || walk.found.len() < wanted) {
        let rows = read_piece(db, query, is_down, &at, piece)?;
        walk.is_complete = rows.len() < piece;
        for row in &rows {
            let Some(one) = listed(&row.account, query.order.sort) else { continue };
            if is_past(query, one.place.time, is_down) {
                walk.is_complete = true;
                break;
            }
            walk.read += 1;
            at = WalkPlace { place: one.place, key: one.key.clone().unwrap_or_default() };
            walk.last = Some(one.place);
            if fits(row, query) {
                walk.matching += 1;
                if walk.found.len() < wanted {
                    walk.found.push(one);
                }
            }
        }
        piece = (piece * 4).min(LARGEST_PIECE);
    }
    finish(db, query, walk, is_back)
}

fn finish(
    db: &mut dyn Db,
    query: &AccountListQuery,
    walk: Walk,
    is_back: bool,
) -> Result<AccountListPage> {
    let has_more = walk.found.len() > query.end();
    let mut shown: Vec<Listed> =
        walk.found.into_iter().skip(query.skip).take(query.limit).collect();
    let ended_early = !has_more && !walk.is_complete;
    // The page goes on after its last account, or where the walk ended.
    let onwards = if has_more {
        shown.last().map(|one| one.place)
    } else {
        walk.last.filter(|_| ended_early)
    };
    if is_back {
        shown.reverse();
    }
    let backwards = match query.start {
        ListStart::First => None,
        ListStart::After(place) | ListStart::Before(place) => Some(place),
    };
    let first = shown.first().map(|one| one.place);
    let last = shown.last().map(|one| one.place);
    let (next, previous) = if is_back {
        (last.or(backwards), onwards)
    } else {
        (onwards, backwards.map(|place| first.unwrap_or(place)))
    };
    let matching = i64::try_from(walk.matching).unwrap_or(i64::MAX);
    Ok(AccountListPage {
        accounts: read_all(db, &shown)?,
        count: match (query.start, walk.is_complete) {
            (ListStart::First, true) => ListCount::Exactly(matching),
            (ListStart::First, false) => ListCount::AtLeast(matching),
            _ => ListCount::Unknown,
        },
        next: next.map(ListStart::After),
        previous: previous.map(ListStart::Before),
        looked_at: ended_early.then_some(walk.read),
    })
}

/// Where a walk is.
struct WalkPlace {
    place: ListPlace,
    key: String,
}

/// The times that the list is limited to by its filter, if they are what it is sorted by.
fn limits(query: &AccountListQuery) -> TimeRange {
    match (query.order.sort, query.filter.last_login) {
        (ListSort::Created, _) => query.filter.created,
        (ListSort::LastLogin, LoginFilter::Within(range)) => range,
        (ListSort::LastLogin, LoginFilter::Never) => {
            TimeRange { from: None, until: Some(Time::from_millis(1)) }
        }
        (ListSort::Address, _) => TimeRange::default(),
    }
}

fn start(query: &AccountListQuery, key: Option<String>, is_down: bool) -> WalkPlace {
    if let ListStart::After(place) | ListStart::Before(place) = query.start {
        return WalkPlace { place, key: key.unwrap_or_default() };
    }
    let limits = limits(query);
    let (time, number, key) = if is_down {
        // No address sorts after the last code point.
        (limits.until.map_or(i64::MAX, Time::millis), -1, char::MAX.to_string())
    } else {
        (limits.from.map_or(i64::MIN, Time::millis), -1, String::new())
    };
    WalkPlace { place: ListPlace { time, number }, key }
}

/// Whether the rest of the list is outside of what it is limited to.
fn is_past(query: &AccountListQuery, time: i64, is_down: bool) -> bool {
    let limits = limits(query);
    if is_down {
        limits.from.is_some_and(|from| time < from.millis())
    } else {
        limits.until.is_some_and(|until| time >= until.millis())
    }
}

fn read_piece(
    db: &mut dyn Db,
    query: &AccountListQuery,
    is_down: bool,
    at: &WalkPlace,
    piece: usize,
) -> Result<Vec<FlaggedRow>> {
    let limit: Value = i64::try_from(piece).unwrap_or(i64::MAX).into();
    let ListPlace { time, number } = at.place;
    let sql = match (query.order.sort, is_down) {
        (ListSort::Created, _) => {
            let statements = statements(query.filter.status, query.verification);
            if is_down { statements.down } else { statements.up }
        }
        (ListSort::LastLogin, false) => sql!(select!(
            "coalesce(last_login_at, 0) >= $4 and (coalesce(last_login_at, 0), number) > ($4, $5) order by coalesce(last_login_at, 0), number limit $6"
        )),
        (ListSort::LastLogin, true) => sql!(select!(
            "coalesce(last_login_at, 0) <= $4 and (coalesce(last_login_at, 0), number) < ($4, $5) order by coalesce(last_login_at, 0) desc, number desc limit $6"
        )),
        (ListSort::Address, false) => {
            sql!(select!("email_key > $4 order by email_key limit $5"))
        }
        (ListSort::Address, true) => {
            sql!(select!("email_key < $4 order by email_key desc limit $5"))
        }
    };
    if query.order.sort == ListSort::Address {
        return flagged(db, &query.filter, sql, &[at.key.as_str().into(), limit]);
    }
    flagged(db, &query.filter, sql, &[time.into(), number.into(), limit])
}
