//! `GET /admin/stats/activity`: what happened over time.

use authd::identity::system::statistics;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, keys, person};

const ACTIVITY: Operation = Operation("GET", "/admin/stats/activity");

#[tokio::test]
async fn logins_are_counted_in_the_current_period() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.login("root", PASSWORD).await.ok(200);
    app.login("root", "a wrong passphrase").await;
    statistics::write(&app.core).await.unwrap();
    for (query, periods) in
        [("", 30), ("by=hour", 24), ("by=month&limit=2", 2), ("by=year&limit=100", 10)]
    {
        let found = ACTIVITY.query(&app, query).bearer(&root).ok(200).await;
        let data = &found.body["data"];
        assert_eq!(keys(data), "periods series");
        assert_eq!(data["periods"].as_array().unwrap().len(), periods, "{query}");
        let of = |name: &str| {
            let series = data["series"].as_array().unwrap().iter();
            let counts = series.clone().find(|one| one["name"] == name).unwrap()["counts"].clone();
            counts.as_array().unwrap().last().unwrap().as_i64().unwrap()
        };
        assert_eq!((of("logins"), of("logins_refused")), (2, 1), "{query}");
    }
    for bad in ["by=week", "limit=0", "limit=101"] {
        ACTIVITY.query(&app, bad).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    }
}
