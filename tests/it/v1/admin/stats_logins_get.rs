//! `GET /admin/stats/logins`: logins of the last 30 days and 12 months.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{
    DAY, Operation, WRONG, keys, mfa_token, person, person_with_authenticator,
};

const LOGINS: Operation = Operation("GET", "/admin/stats/logins");

#[tokio::test]
async fn only_completed_logins_are_counted() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person_with_authenticator(&app, "ada").await;
    mfa_token(&app, "ada").await;
    app.login("root", WRONG).await.refused(401, "INVALID_CREDENTIALS");
    let figures = LOGINS.on(&app).bearer(&root).ok(200).await;
    assert_eq!(keys(&figures.body["data"]), "dailyLogins monthlyLogins");
    assert_eq!(
        figures.body["data"]["dailyLogins"][29],
        json!({ "date": "2027-01-15", "count": 2 })
    );
    assert_eq!(
        figures.body["data"]["monthlyLogins"][11],
        json!({ "month": "2027-01", "count": 2 })
    );
}

#[tokio::test]
async fn a_day_is_dropped_after_thirty() {
    let app = app().await;
    person(&app, "root", &["admin"]).await;
    for (days, index) in [(1, 28), (28, 0)] {
        app.turn_clock(days * DAY);
        let access = app.login("root", PASSWORD).await.tokens().access;
        let figures = LOGINS.on(&app).bearer(&access).ok(200).await;
        assert_eq!(
            figures.body["data"]["dailyLogins"][index],
            json!({ "date": "2027-01-15", "count": 1 })
        );
    }
    app.turn_clock(DAY);
    let access = app.login("root", PASSWORD).await.tokens().access;
    let figures = LOGINS.on(&app).bearer(&access).ok(200).await;
    assert_eq!(figures.body["data"]["dailyLogins"][0]["date"], "2027-01-16");
}
