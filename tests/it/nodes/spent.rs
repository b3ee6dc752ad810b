//! What is good for one use is spent at every server, also when several get it at the same moment.

use super::*;

const NEW: &str = "another correct horse battery";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn verify(client: &Client, token: &str, code: &str) -> u16 {
    let body = json!({ "code": code });
    client.ask("POST", "/v1/auth/mfa/verify", &bearer(token), Some(&body)).unwrap().status
}

#[test]
fn a_link_that_several_servers_get_at_once_is_spent_once() {
    let set = ["limits.forgot=off", "limits.reset=off", "limits.mail_client=off"];
    let Some(nodes) = Nodes::start("links of several servers", 3, &set) else { return };
    nodes.enter(0, "ada");
    let newest = || {
        let letters = "select max(id) from outbox where kind = 'reset_password'";
        nodes.database.texts(letters)[0][0].clone()
    };
    for round in 0..3 {
        let (before, body) = (newest(), json!({ "email": "ada@example.com" }));
        assert!(nodes.post(round, "/v1/auth/forgot-password", &body).status < 300);
        until("the letter is there", || newest() != before);
        let ran = nodes.run(round, &["mail", "show", &newest().unwrap(), "--json"]);
        let (_, rest) =
            ran.out.split_once("reset-password?token=").unwrap_or_else(|| panic!("{}", ran.err));
        let token: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let body = json!({ "token": token, "newPassword": format!("{NEW} {round}") });
        let statuses = at_once(&nodes, 6, |client, _| {
            client.post("/v1/auth/reset-password", &body).unwrap().status
        });
        assert_eq!(count_of(&statuses, 200), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
    }
}

#[test]
fn a_code_that_several_servers_get_at_once_is_spent_once() {
    let set = ["limits.factor=off", "limits.factor_account=off", "throttle.enabled=false"];
    let Some(nodes) = Nodes::start("codes of several servers", 3, &set) else { return };
    let tokens = nodes.enter(0, "ada");
    // Only who has a verified address may add a second factor.
    nodes.database.execute("update accounts set email_verified_at = created_at");
    let body = json!({ "type": "totp", "deviceName": "Phone" });
    let setup = nodes
        .client(0)
        .ask("POST", "/v1/auth/mfa/setup", &bearer(&tokens.access), Some(&body))
        .unwrap();
    assert_eq!(setup.status, 200, "{}", setup.text);
    let data = &setup.body["data"];
    let secret = totp_rs::Secret::try_from_base32(data["secret"].as_str().unwrap()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(Env::real().wall().seconds()).unwrap();
    let code = totp.generate(now).to_string();
    assert_eq!(verify(&nodes.client(1), &tokens.access, &code), 200);

    let waiting = |at: usize| {
        let body = credentials("ada@example.com", PASSWORD);
        let login = nodes.post(at, "/v1/auth/login", &body);
        assert_eq!(login.code(), "MFA_REQUIRED", "{}", login.text);
        login.body["error"]["mfaToken"].as_str().unwrap().to_owned()
    };
    // The code that confirmed the authenticator at one server is good for no login at another.
    assert_eq!(verify(&nodes.client(2), &waiting(0), &code), 400);
    for backup_code in data["backupCodes"].as_array().unwrap().iter().take(3) {
        let logins: Vec<String> = (0..6).map(waiting).collect();
        let statuses = at_once(&nodes, 6, |client, number| {
            verify(client, &logins[number], backup_code.as_str().unwrap())
        });
        assert_eq!(count_of(&statuses, 200), 1, "{statuses:?}");
        assert_eq!(count_of(&statuses, 400), 5, "{statuses:?}");
    }
}
