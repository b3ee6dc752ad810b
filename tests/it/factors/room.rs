//! The maximum number of factors per account, and which steps need a fresh authentication, when
//! several setups start at once.

use super::*;

#[tokio::test]
async fn an_account_has_ten_factors_however_many_are_begun_at_once() {
    let app = app_with("standard", &UNLIMITED).await;
    let tokens = app.enter("ada").await;
    for _ in 0..9 {
        let phone = set_up(&app, &tokens.access).await;
        assert_eq!(verify(&app, &tokens.access, &phone.code(&app, 0)).await.status, 200);
    }
    app.mails().await;
    let phone = set_up(&app, &tokens.access).await;
    let by_mail = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "email" }))
        .bearer(&tokens.access)
        .send()
        .await;
    let by_mail_id = by_mail.body["data"]["deviceId"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", by_mail.text))
        .to_owned();
    let tenth = json!({ "code": code_in(&app.mails().await), "deviceId": by_mail_id });
    let tenth = app.post("/v1/auth/mfa/verify", &tenth).bearer(&tokens.access).send().await;
    assert_eq!(tenth.status, 200, "{}", tenth.text);
    let eleventh = verify(&app, &tokens.access, &phone.code(&app, 0)).await;
    assert_eq!(eleventh.status, 409, "{}", eleventh.text);
    let list = call(&app, Method::GET, "/v1/users/me/mfa", &tokens.access).await.body;
    let guards = list["data"]["devices"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|device| device["confirmed"] == true);
    assert_eq!(guards.count(), 10, "{list}");
}

#[tokio::test]
async fn of_parallel_set_ups_by_mail_one_guards() {
    let app = app_with("standard", &UNLIMITED).await;
    let tokens = app.enter("ada").await;
    app.mails().await;
    let set_up = || {
        app.post("/v1/auth/mfa/setup", &json!({ "type": "email" })).bearer(&tokens.access).send()
    };
    let begun = join_all((0..10).map(|_| set_up())).await;
    assert!(
        begun.iter().all(|answer| [200, 429].contains(&answer.status.as_u16())),
        "{}",
        begun[0].text
    );
    let code = code_in(&app.mails().await);
    let (confirmed, begun) =
        tokio::join!(verify(&app, &tokens.access, &code), join_all((0..10).map(|_| set_up())));
    assert!(confirmed.status == 200 || confirmed.status == 400, "{}", confirmed.text);
    drop(begun);
    let list = call(&app, Method::GET, "/v1/users/me/mfa", &tokens.access).await.body;
    assert!(list["data"]["devices"].as_array().unwrap().len() <= 1, "{list}");
}

#[tokio::test]
async fn a_factor_begun_before_another_guarded_takes_a_fresh_proof_to_confirm() {
    let app = app_with("perfect21", &[("tokens.access", "1h")]).await;
    let stolen = app.enter("ada").await.access;
    app.turn_clock(Duration::from_mins(20));
    let phone = set_up(&app, &stolen).await;
    app.mails().await;
    let owner = app.login("ada", PASSWORD).await.tokens().access;
    let by_mail =
        app.post("/v1/auth/mfa/setup", &json!({ "type": "email" })).bearer(&owner).send().await;
    assert_eq!(by_mail.status, 200, "{}", by_mail.text);
    assert_eq!(verify(&app, &owner, &code_in(&app.mails().await)).await.status, 200);
    let thief = verify(&app, &stolen, &phone.code(&app, 0)).await;
    assert_eq!(refused(&thief), (403, "REAUTHENTICATION_REQUIRED"), "{}", thief.text);
    let list = call(&app, Method::GET, "/v1/users/me/mfa", &owner).await.body;
    assert_eq!(list["data"]["devices"].as_array().unwrap().len(), 2, "{list}");
}
