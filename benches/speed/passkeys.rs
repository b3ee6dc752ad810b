//! Logins with passkeys: each asks for options, signs the challenge in software, and sends the answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::load::{Wire, post, post_as};

/// The origin that the server under test accepts.
pub const ORIGIN: &str = "http://localhost:3000";

async fn call(wire: &mut Wire, request: &[u8]) -> Value {
    let (status, body) = wire.call(request).await;
    assert!(status < 300, "{}", String::from_utf8_lossy(body));
    serde_json::from_slice(body).unwrap()
}

/// Adds a passkey to the account of this access token.
pub async fn add(address: SocketAddr, access: &str) -> Device {
    let mut wire = Wire::open(address).await;
    let mut device = Device { origin: ORIGIN.to_owned(), ..Device::new() };
    let path = "/v1/users/me/passkeys";
    let asked = json!({ "type": "passkey" }).to_string();
    let options = call(&mut wire, &post_as(&format!("{path}/options"), &asked, access)).await;
    let credential = device.create(&options["data"]).unwrap();
    let body = json!({ "credential": credential }).to_string();
    call(&mut wire, &post_as(path, &body, access)).await;
    device
}

/// Complete logins a second, one connection for each device.
pub async fn logins_per_second(address: SocketAddr, devices: Vec<Device>, span: Duration) -> f64 {
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for mut device in devices {
        tasks.spawn(async move {
            let mut wire = Wire::open(address).await;
            let mut logins = 0;
            while began.elapsed() < span {
                let options = call(&mut wire, &post("/v1/auth/passkey/options", "{}")).await;
                let credential = device.get(&options["data"]).unwrap();
                let body = json!({ "credential": credential }).to_string();
                call(&mut wire, &post("/v1/auth/passkey", &body)).await;
                logins += 1;
            }
            logins
        });
    }
    let logins: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(logins) / began.elapsed().as_secs_f64()
}
