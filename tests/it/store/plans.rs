//! The query plans of statements whose cost must not grow with the whole database.

use authd::model::account::Verification;
use authd::model::listing::{
    FactorFilter, ListDirection, ListOrder, ListPlace, ListSort, ListStart, LoginFilter, TimeRange,
};
use authd::model::{AccountId, SearchText, Time};
use authd::model::{ListFilter, Status};
use authd::store::db::{Row, Sql};
use authd::store::tables::listing::{self, AccountListQuery};
use authd::store::tables::roles::Removable;
use authd::store::tables::{
    audit, erasure, export, factors, health, listing_sql, roles, search_candidates, search_index,
};

use super::*;

/// Runs nothing; records the query plan of each statement.
struct Planner {
    file: rusqlite::Connection,
    plans: Vec<String>,
}

impl Planner {
    fn explain(&mut self, sql: Sql, values: &[Value]) {
        let mut explained =
            self.file.prepare(&format!("explain query plan {}", sql.text())).unwrap();
        assert_eq!(explained.parameter_count(), values.len());
        let steps = explained
            .query_map(rusqlite::params_from_iter(values.iter().map(|_| 0)), |row| row.get(3))
            .unwrap();
        self.plans.push(steps.map(Result::unwrap).collect::<Vec<String>>().join("; "));
    }
}

impl Db for Planner {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        self.explain(sql, values);
        Ok(Vec::new())
    }

    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64> {
        self.explain(sql, values);
        Ok(0)
    }
}

fn plans(work: impl FnOnce(&mut dyn Db) -> Result<()>) -> String {
    let Opened { path, .. } = &opened();
    let mut planner =
        Planner { file: rusqlite::Connection::open(path).unwrap(), plans: Vec::new() };
    work(&mut planner).unwrap();
    planner.plans.join("\n")
}

#[test]
fn what_is_asked_about_one_account_is_found_by_an_index_that_leads_to_it() {
    let ada = AccountId::new("ada");
    let found = plans(|db| audit::last_failed_login(db, &ada).map(drop));
    assert!(found.contains("audit_account (account_id=?)"), "{found}");
    let found = plans(|db| export::mails(db, &ada).map(drop));
    assert!(found.contains("outbox_account (account_id=?)"), "{found}");
    let found = plans(|db| {
        let removable = Removable::check(db, &ada, Verification::Required)?.unwrap();
        erasure::remove_unproved(db, &removable).map(drop)
    });
    assert!(found.contains("username_reservations_holder (holder=?)"), "{found}");
    let found = plans(|db| roles::of_many(db, &[&ada, &ada]).map(drop));
    assert!(found.contains("(account_id=?)") && !found.contains("SCAN"), "{found}");
}

#[test]
fn a_search_finds_segments_candidates_and_accounts_by_an_index() {
    let text = |text: &str| SearchText::parse(text).unwrap();
    for search in ["a", "ab", "abcd"] {
        let found = plans(|db| search_candidates::candidates(db, 7..9, &text(search)).map(drop));
        assert!(found.contains("(segment=? AND trigram") && !found.contains("SCAN"), "{found}");
    }
    let found = plans(|db| {
        search_candidates::segment_after(db, 7, 9)?;
        search_index::after(db, 7, 10)?;
        search_index::indexed_below(db).map(drop)
    });
    assert!(found.contains("(segment>? AND segment<?)"), "{found}");
    assert!(found.contains("(number>?)") && !found.contains("TEMP B-TREE"), "{found}");
}

#[test]
fn what_is_asked_now_and_then_walks_no_table() {
    let found = plans(|db| factors::purge_unconfirmed(db, Time::from_millis(0), 500).map(drop));
    assert!(found.contains("factors_unconfirmed (created_at<?)"), "{found}");
    let found = plans(|db| health::is_mail_stuck(db).map(drop));
    assert!(found.contains("outbox_tried") && !found.contains("outbox_due"), "{found}");
}

/// A list of accounts reads its rows in order from an index, or through the index of a filter,
/// whatever is filtered and however it is sorted.
#[test]
#[allow(clippy::too_many_lines, reason = "it is a list of filters")]
fn no_list_of_accounts_walks_a_table_or_sorts_more_than_a_page() {
    let Opened { path, .. } = &opened();
    let file = rusqlite::Connection::open(path).unwrap();
    let mut planner = Listing(Planner { file, plans: Vec::new() });
    let at = Some(Time::from_millis(5));
    let times = TimeRange { from: at, until: None };
    let mut filters = vec![
        ListFilter::default(),
        ListFilter { role: Some("user".to_owned()), ..ListFilter::default() },
        ListFilter { provider: Some("google".to_owned()), ..ListFilter::default() },
        ListFilter { created: times, ..ListFilter::default() },
        ListFilter { last_login: LoginFilter::Within(times), ..ListFilter::default() },
        ListFilter { last_login: LoginFilter::Never, ..ListFilter::default() },
        ListFilter { search: SearchText::parse("abcd"), ..ListFilter::default() },
    ];
    filters.extend(
        FactorFilter::ALL
            .map(|factor| ListFilter { factor: Some(factor), ..ListFilter::default() }),
    );
    let states = [Status::Active, Status::Pending, Status::Suspended, Status::Deleted];
    filters
        .extend(states.map(|status| ListFilter { status: Some(status), ..ListFilter::default() }));
    for filter in filters {
        for sort in ListSort::ALL {
            for direction in [ListDirection::Ascending, ListDirection::Descending] {
                for verification in [Verification::Required, Verification::Optional] {
                    let query = AccountListQuery {
                        verification,
                        order: ListOrder { sort, direction },
                        ..AccountListQuery::of(filter.clone())
                    };
                    let _ = listing::page(&mut planner, &query);
                    let found = std::mem::take(&mut planner.0.plans).join("\n");
                    assert!(!found.is_empty());
                    let walks = |step: &str| {
                        step.starts_with("SCAN")
                            // They have the accounts in one state alone.
                            && !["unproved", "suspended", "gone"].iter().any(|state| {
                                step.ends_with(&format!("INDEX accounts_{state}"))
                            })
                            && step != "SCAN few"
                            && !step.starts_with("SCAN CONSTANT")
                    };
                    let bad = found
                        .split([';', '\n'])
                        .map(str::trim)
                        .filter(|step| walks(step) || step.contains("TEMP B-TREE"));
                    let bad: Vec<_> = bad.collect();
                    // What an account has is looked up by the account.
                    let has = found.split([';', '\n']).map(str::trim);
                    let has: Vec<_> = has.filter(|step| step.starts_with("SEARCH f ")).collect();
                    assert!(has.iter().all(|step| step.contains("account_id=?")), "{has:?}");
                    // Nothing is pending where no address has to be verified.
                    let is_void = filter.status == Some(Status::Pending)
                        && verification == Verification::Optional;
                    assert!(bad.is_empty() || is_void, "{query:?}: {bad:?}\n{found}");
                }
            }
        }
    }
    let place = ListPlace { time: 5, number: 6 };
    let start = ListStart::Before(place);
    let query = AccountListQuery { start, ..AccountListQuery::of(ListFilter::default()) };
    let found = plans(|db| listing::page(db, &query).map(drop));
    assert!(found.contains("accounts_created ((created_at,number)<(?,?))"), "{found}");
    for status in states {
        let found = plans(|db| {
            listing_sql::count(db, Some(status), Verification::Required, 10)?;
            listing_sql::at_offset(db, Some(status), Verification::Required, 0, 10).map(drop)
        });
        assert!(found.contains("INDEX accounts_") && !found.contains("TEMP"), "{found}");
    }
}

/// As [`Planner`], for filters that too many accounts meet to be read through their index.
struct Listing(Planner);

impl Db for Listing {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        self.0.explain(sql, values);
        let is_count = sql.text().starts_with("select count(*)");
        Ok(is_count.then(|| Row::new(vec![Value::Int(1_000_000)])).into_iter().collect())
    }

    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64> {
        self.0.run(sql, values)
    }
}
