//! What one account, one client IP and all accounts with an unverified address may take of the
//! uploads in progress and of the space.

use std::net::IpAddr;

use authd::identity::account::file::UploadPermit;

use crate::support::unlimited_but;

use super::*;

const PATH: &str = "/api/files/upload";

/// Signs up without proving the address, as the wire allows; returns the access token.
async fn sign_up(app: &App, name: &str) -> String {
    let body = json!({
        "name": name, "email": format!("{name}@example.com"), "password": "securePassword123",
        "company_name": "Acme",
    });
    let made = app.post("/api/auth/register", &body).send().await;
    // So that nobody follows the link in it.
    app.mails().await;
    made.body["accessToken"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned()
}

fn source(address: &str) -> Source {
    let address = Some(address.parse::<IpAddr>().unwrap());
    Source { address, ..Source::command_line() }
}

async fn permit(app: &App, token: &str, address: &str) -> Option<UploadPermit> {
    let caller = caller::authenticate(&app.core, token).await.unwrap();
    file::permit(&app.core, &caller, &source(address)).await.ok()
}

/// Uploads a PDF file of this size from this client IP.
async fn upload_from(app: &App, token: &str, address: &str, size: usize) -> Answer {
    let mut content = PDF.to_vec();
    content.resize(size, b'x');
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n";
    let body = [head.as_bytes(), &content, b"\r\n--x--\r\n"].concat();
    let call = app.call(Method::POST, PATH).body("multipart/form-data; boundary=x", body);
    call.bearer(token).from(address).send().await
}

async fn jobpsych(set: &[(&str, &str)]) -> App {
    app_with("jobpsych", &unlimited_but(&[set, &[("files.free_space", "0")]].concat())).await
}

#[tokio::test]
async fn throwaway_accounts_with_slow_uploads_keep_no_honest_one_out() {
    let app = jobpsych(&[]).await;
    let mut held = Vec::new();
    for name in ["mal", "mel"] {
        let token = sign_up(&app, name).await;
        for _ in 0..2 {
            held.extend(permit(&app, &token, "198.51.100.1").await);
        }
    }
    assert_eq!(held.len(), 1, "of the slots, for all unproved accounts of a client IP");
    let honest = sign_up(&app, "jo").await;
    assert_eq!(upload_from(&app, &honest, "192.0.2.7", 100).await.status, 201);
    let proved = app.enter("ada").await;
    assert_eq!(upload_from(&app, &proved, "198.51.100.1", 100).await.status, 201);
}

#[tokio::test]
async fn unproved_accounts_hold_at_most_half_of_the_slots_from_however_many_client_ips() {
    let app = jobpsych(&[]).await;
    let mut held = Vec::new();
    for n in 0..6 {
        let token = sign_up(&app, &format!("mal{n}")).await;
        held.extend(permit(&app, &token, &format!("198.51.100.{n}")).await);
    }
    assert_eq!(held.len(), 2);
    let proved = app.enter("ada").await;
    assert_eq!(upload_from(&app, &proved, "192.0.2.7", 100).await.status, 201);
}

#[tokio::test]
async fn one_client_ip_holds_at_most_half_of_the_slots() {
    let app = app_with("jobpsych", &[("files.free_space", "0")]).await;
    let mut held = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let tokens = app.enter(name).await;
        // One network of IPv6 is one client IP.
        for address in ["2001:db8::1", "2001:db8::ffff:2"] {
            held.extend(permit(&app, &tokens, address).await);
        }
    }
    assert_eq!(held.len(), 2);
    let other = app.enter("flo").await;
    let refused = upload_from(&app, &other, "[2001:db8::3]", 100).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert_eq!(upload_from(&app, &other, "[2001:db8:0:1::3]", 100).await.status, 201);
    held.clear();
    assert_eq!(upload_from(&app, &other, "[2001:db8::3]", 100).await.status, 201);
}

#[tokio::test]
async fn eleven_throwaway_accounts_do_not_fill_the_space() {
    let app = jobpsych(&[("files.size", "1000"), ("files.total", "16000")]).await;
    let mut stored = 0;
    for n in 0..11 {
        let token = sign_up(&app, &format!("mal{n}")).await;
        for _ in 0..3 {
            let answer = upload_from(&app, &token, "198.51.100.1", 900).await;
            if answer.status == 201 {
                stored += 1;
                continue;
            }
            assert_eq!(answer.status, 429, "{}", answer.text);
            assert_eq!(answer.header("retry-after"), "86400");
        }
    }
    assert_eq!(stored, 2, "an eighth of the space, in a day");
    let honest = sign_up(&app, "jo").await;
    assert_eq!(upload_from(&app, &honest, "192.0.2.7", 900).await.status, 201);
    app.turn_clock(Duration::from_hours(24));
    let next_day = sign_up(&app, "moe").await;
    assert_eq!(upload_from(&app, &next_day, "198.51.100.1", 900).await.status, 201);
}

#[tokio::test]
async fn unproved_accounts_take_at_most_half_of_the_space_together() {
    let app = jobpsych(&[("files.size", "1000"), ("files.total", "8000")]).await;
    let mut statuses = Vec::new();
    for n in 0..6 {
        let token = sign_up(&app, &format!("mal{n}")).await;
        let address = format!("198.51.100.{n}");
        statuses.push(upload_from(&app, &token, &address, 950).await.status.as_u16());
    }
    assert_eq!(statuses, [201, 201, 201, 201, 503, 503]);
    let proved = app.enter("ada").await;
    for _ in 0..4 {
        assert_eq!(upload_from(&app, &proved, "192.0.2.7", 950).await.status, 201);
    }
}

#[tokio::test]
async fn an_upload_that_stores_nothing_takes_nothing_of_the_day() {
    let app = jobpsych(&[("files.size", "1000"), ("files.total", "8000")]).await;
    let token = sign_up(&app, "jo").await;
    for _ in 0..3 {
        drop(permit(&app, &token, "192.0.2.7").await.unwrap());
        assert_eq!(upload_from(&app, &token, "192.0.2.7", 0).await.status, 400);
        assert_eq!(upload_from(&app, &token, "192.0.2.7", 1001).await.status, 413);
    }
    assert_eq!(upload_from(&app, &token, "192.0.2.7", 1000).await.status, 201);
    assert_eq!(upload_from(&app, &token, "192.0.2.7", 1000).await.status, 429);
}
