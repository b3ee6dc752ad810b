//! Statistics over time: what is counted as it happens, and what becomes of the counts.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use authd::identity::system::statistics::{self, ChartStep};
use authd::identity::system::{cleanup, upkeep};
use authd::model::series::Series;
use serde_json::{Value, json};

use crate::process::{CHEAP, Folder, credentials};
use crate::support::{App, PASSWORD, UNLIMITED, app_with};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The counts of a series in the last two periods.
async fn counts(app: &App, step: ChartStep, series: Series) -> Vec<i64> {
    upkeep::each_minute(&app.core).await.unwrap();
    statistics::read(&app.core, step, 2).await.unwrap().of(series).to_vec()
}

async fn refresh(app: &App, token: &str) -> String {
    let body = json!({ "refreshToken": token });
    app.post("/v1/auth/refresh", &body).ok(200).await.tokens().refresh
}

#[tokio::test]
async fn what_happens_is_counted_in_its_hour_and_day() {
    let app = app_with("standard", &UNLIMITED).await;
    app.enter("ada").await;
    app.login("ada", "a wrong passphrase").await;
    app.mails().await;
    app.turn_clock(HOUR);
    app.login("ada", PASSWORD).await.ok(200);
    for (series, hours) in [
        (Series::SignUps, [1, 0]),
        (Series::Logins, [1, 1]),
        (Series::LoginsRefused, [1, 0]),
        (Series::MailFailed, [0, 0]),
    ] {
        assert_eq!(counts(&app, ChartStep::Hour, series).await, hours, "{series:?}");
        let day = hours.iter().sum::<i64>();
        assert_eq!(counts(&app, ChartStep::Day, series).await, [0, day], "{series:?}");
        assert_eq!(counts(&app, ChartStep::Year, series).await, [0, day], "{series:?}");
    }
    let mail = counts(&app, ChartStep::Day, Series::MailDelivered).await;
    let delivered = "select count(*) from outbox where state = 'delivered' and channel = 'mail'";
    assert_eq!(mail, [0, app.database().number(delivered)]);
    assert!(mail[1] > 0);
    let requests = counts(&app, ChartStep::Month, Series::Requests).await;
    assert!(requests[1] >= 4 && requests[0] == 0, "{requests:?}");
}

#[tokio::test]
async fn an_account_is_active_once_in_each_period_however_often_it_comes() {
    let app = app_with("standard", &UNLIMITED).await;
    let mut token = app.enter("ada").await.refresh;
    app.enter("bob").await;
    app.login("ada", PASSWORD).await.ok(200);
    assert_eq!(counts(&app, ChartStep::Hour, Series::ActiveHour).await, [0, 2]);
    app.turn_clock(HOUR);
    token = refresh(&app, &token).await;
    token = refresh(&app, &token).await;
    assert_eq!(counts(&app, ChartStep::Hour, Series::ActiveHour).await, [2, 1]);
    assert_eq!(counts(&app, ChartStep::Day, Series::ActiveDay).await, [0, 2]);
    app.turn_clock(DAY);
    refresh(&app, &token).await;
    assert_eq!(counts(&app, ChartStep::Day, Series::ActiveDay).await, [2, 1]);
    assert_eq!(counts(&app, ChartStep::Month, Series::ActiveMonth).await, [0, 2]);
    assert_eq!(counts(&app, ChartStep::Year, Series::ActiveYear).await, [0, 2]);
}

#[tokio::test]
async fn counts_outlive_a_restart_and_are_removed_when_they_are_old() {
    let app = app_with("standard", &UNLIMITED).await;
    app.enter("ada").await;
    upkeep::at_end(&app.core).await;
    let app = app.restart("standard", &UNLIMITED).await;
    app.login("ada", PASSWORD).await.ok(200);
    assert_eq!(counts(&app, ChartStep::Day, Series::Logins).await, [0, 2]);
    let rows = |table: &str| app.database().number(&format!("select count(*) from {table}"));
    assert_eq!(rows("account_activity"), 1);
    app.turn_clock(34 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert!(rows("activity_counts where unit = 'hour'") > 0);
    app.turn_clock(2 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(rows("activity_counts where unit = 'hour'"), 0);
    let logins = statistics::read(&app.core, ChartStep::Day, 40).await.unwrap();
    assert_eq!(logins.of(Series::Logins).iter().sum::<i64>(), 2, "days are kept for longer");
    app.turn_clock(400 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(rows("account_activity"), 0);
    app.turn_clock(3300 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(rows("activity_counts"), 0);
}

#[tokio::test]
async fn counts_that_could_not_be_written_are_not_lost() {
    let app = app_with("standard", &UNLIMITED).await;
    app.enter("ada").await;
    let counts = app.core.metrics.take_counts(&[], app.core.env.now());
    assert!(counts.iter().any(|count| count.series == Series::Logins && count.count == 1));
    app.core.metrics.give_back(counts);
    assert_eq!(self::counts(&app, ChartStep::Day, Series::Logins).await, [0, 1]);
}

#[test]
fn the_command_line_shows_charts_beside_the_server_and_counts_what_it_does_itself() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let sign_up = credentials("ada@example.com", PASSWORD);
    assert_eq!(server.post("/v1/auth/register", &sign_up).unwrap().status, 201);
    assert_eq!(server.end(), Some(0));
    let create = ["user", "create", "--email", "bob@example.com", "--password-stdin"];
    let mut child = folder.command(&create).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let ran = folder.run(&["stats"]);
    let line = ran.out.lines().find(|line| line.starts_with("sign-ups")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[1..4], ["2", "2", "2"], "{}", ran.out);
    assert!(words[4].chars().count() == 30 && words[4].ends_with('█'), "{}", ran.out);
    let ran = folder.run(&["stats", "--by", "hour", "--last", "3", "--json"]);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["by"], "hour");
    for counts in found["series"].as_object().unwrap().values().chain([&found["periods"]]) {
        assert_eq!(counts.as_array().unwrap().len(), 3, "{found}");
    }
    let requests = found["series"]["requests"].as_array().unwrap();
    assert!(requests.iter().map(|count| count.as_i64().unwrap()).sum::<i64>() > 0, "{found}");
    assert!(found["series"]["active_accounts"].is_array(), "{found}");
    let ran = folder.run(&["stats", "--by", "year", "--last", "11"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
}
