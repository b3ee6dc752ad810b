//! Email addresses and usernames that are malformed in less obvious ways.

use super::*;

const ADDRESSES: [&str; 36] = [
    "a@b",
    "@example.com",
    "a@",
    "a b@example.com",
    "a@exam ple.com",
    "a@@example.com",
    "a@b@example.com",
    "\"a b\"@example.com",
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "<a@example.com>",
    "A <a@example.com>",
    "a@example.com,b@example.com",
    "a@example.com;b@example.com",
    "a(x)@example.com",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "a@-example.com",
    "a@example-.com",
    "a@.com",
    "a@example..com",
    "a@example.com.",
    "ａ@example.com",
    "а@example.com",
    "a＠example.com",
    "a@exam\u{200b}ple.com",
    "a\u{202e}@example.com",
    "a@example.com\u{202e}",
    "a@exa%6dple.com",
    "a@example.com%0d%0abcc:b@example.com",
    "mailto:a@example.com",
    "a@example.com ",
    " a@example.com",
    "a\u{300}@example.com",
    "a\u{fe0f}@example.com",
];

const USERNAMES: [&str; 14] = [
    "ada@example.com",
    "а\u{434}\u{430}ada",
    "ada\u{200d}lovelace",
    "ａｄａ",
    "ada lovelace",
    "ada\u{202e}x",
    ".ada",
    "ada.",
    "ada/..",
    "ada%00",
    "<b>ada",
    "ada'--",
    "İstanbul",
    "ada\u{301}",
];

#[tokio::test]
async fn an_address_or_a_name_with_tricks_in_it_is_refused() {
    let ground = Ground::new().await;
    let before = ground.state();
    let app = &ground.app;
    for email in ADDRESSES {
        let mut body = json!({ "email": email, "password": PASSWORD });
        let answer = app.post("/v1/auth/register", &body).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "VALIDATION_ERROR"),
            "{email:?} {}",
            answer.text
        );
        assert_eq!(answer.body["error"]["details"][0]["code"], "INVALID_EMAIL_FORMAT", "{email:?}");
        body = json!({ "email": email });
        assert_eq!(
            app.post("/v1/auth/resend-verification", &body).send().await.status,
            400,
            "{email:?}"
        );
    }
    for username in USERNAMES {
        let body =
            json!({ "email": "new@example.com", "username": username, "password": PASSWORD });
        let answer = app.post("/v1/auth/register", &body).send().await;
        assert_eq!(
            answer.body["error"]["details"][0]["code"], "INVALID_USERNAME_FORMAT",
            "{username:?}"
        );
    }
    assert_eq!(ground.state(), before);
}
