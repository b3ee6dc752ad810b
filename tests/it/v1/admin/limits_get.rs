//! `GET /admin/limits`: the limits with what they refused.

use std::time::Duration;

use authd::identity::system::statistics;
use serde_json::{Value, json};

use crate::support::{app_with, unlimited_but};
use crate::v1::fixture::{DAY, HOUR, Operation, person};

const LIMITS: Operation = Operation("GET", "/admin/limits");

#[tokio::test]
async fn refusals_are_counted_as_they_happen_by_limit_and_hour() {
    let set = unlimited_but(&[("limits.sign_in.count", "2"), ("throttle.enabled", "false")]);
    let app = app_with("standard", &set).await;
    let root = person(&app, "root", &["admin"]).await;
    for _ in 0..5 {
        app.login("nobody", "a wrong passphrase").await;
    }
    statistics::write(&app.core).await.unwrap();
    let of = async |name: &str| -> Value {
        let found = LIMITS.on(&app).bearer(&root).ok(200).await;
        let all = found.body["data"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == name).unwrap()
    };
    let sign_in = of("sign_in").await;
    let refused = sign_in["refused"]["hour"].as_i64().unwrap();
    assert!(refused >= 3, "{sign_in}");
    assert_eq!(
        sign_in,
        json!({
            "name": "sign_in", "key": "limits.sign_in", "allows": "2 in 1m",
            "refused": { "hour": refused, "day": refused, "month": refused },
        })
    );
    assert_eq!(of("general").await["allows"], "off");
    assert_eq!(of("throttle").await["allows"], "off");
    assert_eq!(
        of("code_tries").await["allows"],
        "5 in 10m from known clients, 5 in 60m from others"
    );
    let found = LIMITS.on(&app).bearer(&root).ok(200).await;
    assert_eq!(found.body["data"][0]["name"], "sign_in", "what refused most comes first");
    for (later, hour, day, month) in
        [(HOUR, 0, refused, refused), (DAY, 0, 0, refused), (30 * DAY, 0, 0, 0)]
    {
        app.turn_clock(later);
        let root = app.login("root", crate::support::PASSWORD).await.tokens().access;
        let found = LIMITS.on(&app).bearer(&root).ok(200).await;
        let all = found.body["data"].as_array().unwrap().clone();
        let counts = all.into_iter().find(|one| one["name"] == "sign_in").unwrap();
        let expected = json!({ "hour": hour, "day": day, "month": month });
        assert_eq!(counts["refused"], expected, "after {later:?}");
        app.turn_clock(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn charts_do_not_count_a_refusal_twice() {
    let set = unlimited_but(&[("limits.sign_in.count", "2")]);
    let app = app_with("standard", &set).await;
    for _ in 0..4 {
        app.login("nobody", "a wrong passphrase").await;
    }
    statistics::write(&app.core).await.unwrap();
    let chart = statistics::read(&app.core, statistics::ChartStep::Day, 1).await.unwrap();
    let hits = chart.of(authd::model::series::Series::LimitsHit);
    assert_eq!(hits, [2]);
    assert!(chart.series.iter().all(|(series, _)| !series.as_str().starts_with("limit.")));
}
