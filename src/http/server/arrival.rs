//! Tells the doctor how its request arrived: from which peer, under which name, and with which headers
//! of proxies. Every other caller gets the response of a path that does not exist.

use std::sync::Arc;

use poem::http::HeaderMap;
use poem::http::header::{CONTENT_TYPE, HOST};
use poem::{Endpoint, Request, Response, endpoint};

use crate::error::{Error, Kind};
use crate::http::extract::client_ip::{self, is_forwarding};
use crate::http::server::reject::Reject;
use crate::identity::Core;
use crate::identity::access::shared_counts::SharedCounts;
use crate::identity::system::operator_token::{self, TokenPurpose};
use crate::model::arrival::Arrival;

/// The most bytes of a header that are reported.
const MAX_VALUE: usize = 256;
/// The most headers that are reported.
const MAX_HEADERS: usize = 32;

/// The endpoint of [`operator_token::ARRIVAL`].
pub fn told(core: Arc<Core>) -> impl Endpoint<Output = Response> {
    endpoint::make(move |request: Request| {
        let core = core.clone();
        async move {
            let answer = answer(&core, &request).await;
            Ok::<_, poem::Error>(answer.ok_or(Reject(Error::new(Kind::NotFound)))?)
        }
    })
}

async fn answer(core: &Core, request: &Request) -> Option<Response> {
    let proof = proof(core, request, TokenPurpose::Arrival).await?;
    let peer = client_ip::peer(request);
    let trusted = core.config.server.trusted_proxies.as_deref().unwrap_or_default();
    let arrival = Arrival {
        proof,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer,
        is_peer_trusted: client_ip::is_trusted_proxy(&core.config.server, peer),
        client_ip: client_ip::address(peer, request.headers(), trusted),
        host: text(request.headers(), HOST.as_str()),
        http_version: format!("{:?}", request.version()),
        forwarded: forwarded(request.headers()),
    };
    let body = arrival.to_json().to_string();
    Some(Response::builder().header(CONTENT_TYPE, "application/json").body(body))
}

/// Uses up the token of a request, among all servers that share the database. Returns what shows its sender that this is the server.
pub(super) async fn proof(core: &Core, request: &Request, purpose: TokenPurpose) -> Option<String> {
    let token = request.headers().get(operator_token::HEADER)?.to_str().ok()?;
    let proof = core.operator_tokens.take(&core.master, &core.env, purpose, token)?;
    let Some(shared) = SharedCounts::of(core) else { return Some(proof) };
    let now = core.env.now();
    let used = shared.use_once(token.as_bytes(), now + operator_token::REMEMBERED, now).await;
    used.is_ok_and(|is_first| is_first).then_some(proof)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| cut(value.as_bytes())).unwrap_or_default()
}

fn forwarded(headers: &HeaderMap) -> Vec<(String, String)> {
    let of_proxies = headers.iter().filter(|(name, _)| is_forwarding(name));
    of_proxies
        .take(MAX_HEADERS)
        .map(|(name, value)| (name.as_str().to_owned(), cut(value.as_bytes())))
        .collect()
}

fn cut(value: &[u8]) -> String {
    String::from_utf8_lossy(value.get(..MAX_VALUE).unwrap_or(value)).into_owned()
}
