//! Checks access tokens of authd in axum. In this folder:
//!
//!     AUTHD_URL=http://localhost:3000 cargo run

use std::env::var;

use authd_verify::{Auth, Verifier};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The public URL of authd is the issuer of its tokens. With AUTHD_LIVE=1 a token ends with its session.
    let authd = Verifier::of(var("AUTHD_URL").unwrap_or("http://localhost:3000".to_owned()));
    let authd = if var("AUTHD_LIVE").is_ok_and(|live| live == "1") { authd.live() } else { authd };
    let verifier = authd.build()?;

    let app = Router::new()
        .route("/admin", get(admin).layer(verifier.require_role("admin")))
        .route("/me", get(me))
        .with_state(verifier);
    let port = var("PORT").unwrap_or("8000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/me", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn me(auth: Auth) -> Json<Value> {
    Json(json!({ "id": auth.sub, "roles": auth.roles }))
}

async fn admin() -> Json<Value> {
    Json(json!({ "welcome": true }))
}
