//! `GET /api/admin/analytics/logins`: completed logins by day and by month.

use std::time::Duration;

use serde_json::Value;

use crate::compat::{EMAIL, WireApp, names};

use super::{NOT_ALLOWED, authbackend, enter_as, needs_permission};

const PATH: &str = "/api/admin/analytics/logins";
const DAY: Duration = Duration::from_hours(24);

/// The counts of the days and of the months, oldest first.
async fn counts(wire: &WireApp, token: &str) -> (Vec<i64>, Vec<i64>) {
    let answer = wire.get(PATH).bearer(token).send().await;
    assert_eq!(names(&answer.body["data"]), ["dailyLogins", "monthlyLogins"], "{}", answer.text);
    let of = |name: &str, unit: &str| {
        let rows = answer.body["data"][name].as_array().unwrap();
        assert!(rows.iter().all(|row| names(row) == [unit, "count"]), "{rows:?}");
        assert!(rows.is_sorted_by_key(|row: &Value| row[unit].as_str().unwrap().to_owned()));
        rows.iter().map(|row| row["count"].as_i64().unwrap()).collect()
    };
    (of("dailyLogins", "date"), of("monthlyLogins", "month"))
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_read_statistics() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| wire.get(PATH), "admin.stats").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    assert_eq!(wire.refusal(&wire.get(PATH).bearer(&moderator.access).send().await), NOT_ALLOWED);
}

#[tokio::test]
async fn each_login_is_in_its_day_and_days_without_one_are_zero() {
    let wire = authbackend().await;
    wire.join_and_enter(EMAIL).await;
    wire.app.turn_clock(2 * DAY);
    for _ in 0..2 {
        wire.enter(EMAIL).await;
    }
    let (days, months) = counts(&wire, wire.root().await).await;
    assert_eq!((days.len(), &days[27..]), (30, &[1, 0, 3][..]), "with the administrator's own");
    assert_eq!((months.len(), months[11]), (12, 4));
}

#[tokio::test]
async fn a_wrong_password_or_code_is_no_login() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    assert_eq!(wire.login(EMAIL, "WrongPass123!").send().await.status, 401);
    assert_eq!(wire.login(EMAIL, crate::compat::PASSWORD).send().await.status, 200);
    let (days, _) = counts(&wire, wire.root().await).await;
    assert_eq!(days[29], 1, "the administrator's own");
}
