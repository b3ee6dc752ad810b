//! A slow provider does not keep people from logging in with another, and everyone who waits is answered.

use futures_util::future::join_all;
use serde_json::json;

use super::Site;
use crate::fake_provider::{FakeProvider, PAGE};
use crate::support::{Answer, UNLIMITED};

/// How many requests to one provider run at the same time.
const SHARE: usize = 12;

async fn begin(site: &Site, name: &str) -> Answer {
    let path = format!("/v1/auth/providers/{name}/begin");
    site.app.post(&path, &json!({ "redirectUri": PAGE })).send().await
}

#[tokio::test]
async fn a_slow_provider_has_its_share_of_requests_and_no_more() {
    let other = FakeProvider::start().await;
    let own = other.settings("quick");
    let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let site = Site::open(&[&UNLIMITED[..], &own].concat()).await;
    let mut hold = site.provider.hold("/.well-known/openid-configuration");
    let waiting = join_all((0..SHARE).map(|_| begin(&site, "acme")));
    let meanwhile = async {
        hold.has(SHARE).await;
        let refused = begin(&site, "acme").await;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "SERVICE_UNAVAILABLE"));
        assert_eq!(refused.header("retry-after"), "1");
        let page = site.app.get("/sign-in/provider/acme").send().await;
        assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "1"), "{}", page.text);
        assert!(page.text.contains("href=\"/sign-in\""), "{}", page.text);
        assert_eq!(begin(&site, "quick").await.status, 200, "another provider works");
        assert_eq!(hold.count(), SHARE, "the refused one was not asked");
        hold.release();
    };
    let (waited, ()) = tokio::join!(waiting, meanwhile);
    assert!(waited.iter().all(|answer| answer.status == 200), "{}", waited[0].text);
    assert_eq!(begin(&site, "acme").await.status, 200);
}
