//! The query plans of statements whose cost must not grow with the whole database.

use authd::model::account::Verification;
use authd::model::{AccountId, SearchText, Time};
use authd::store::db::{Row, Sql};
use authd::store::tables::roles::Removable;
use authd::store::tables::{audit, erasure, export, factors, health, roles, search_index};

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
        let found = plans(|db| search_index::candidates(db, 7, &text(search)).map(drop));
        assert!(found.contains("(segment=? AND trigram") && !found.contains("SCAN"), "{found}");
    }
    let found = plans(|db| {
        search_index::segment_after(db, 7, 9)?;
        search_index::at(db, 7)?;
        search_index::after(db, 7, 10)?;
        search_index::indexed_below(db).map(drop)
    });
    assert!(found.contains("(segment>? AND segment<?)") && found.contains("(number=?)"), "{found}");
    assert!(found.contains("(number>?)") && !found.contains("TEMP B-TREE"), "{found}");
}

#[test]
fn what_is_asked_now_and_then_walks_no_table() {
    let found = plans(|db| factors::purge_unconfirmed(db, Time::from_millis(0), 500).map(drop));
    assert!(found.contains("factors_unconfirmed (created_at<?)"), "{found}");
    let found = plans(|db| health::is_mail_stuck(db).map(drop));
    assert!(found.contains("outbox_tried") && !found.contains("outbox_due"), "{found}");
}
