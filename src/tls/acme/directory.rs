//! Carries the requests of the ACME client to the authority, within the limits of `outbound`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Bytes;
use hyper::http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error as AcmeError};
use serde::de::DeserializeOwned;

use crate::model::{HttpUrl, Secret};
use crate::outbound::{HttpClient, HttpRequest, OutboundError, RequestLimits};

const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_secs(15),
    total: Duration::from_secs(30),
    max_body: 256 * 1024,
};

/// An HTTP client for the authority.
#[derive(Clone)]
pub(super) struct DirectoryClient(Arc<HttpClient>);

impl DirectoryClient {
    pub(super) fn new(client: HttpClient) -> Self {
        Self(Arc::new(client))
    }

    /// The JSON at a URL, and how soon the server wants to be asked again.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        url: &str,
    ) -> Result<(T, Option<Duration>), String> {
        let url = HttpUrl::parse(url).ok_or("the URL is invalid")?;
        let request = HttpRequest { method: "GET", url: &url, headers: &[], body: &[] };
        let answer = self.0.send(&request, LIMITS).await.map_err(|error| error.to_string())?;
        let wait = answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        if answer.status != 200 {
            return Err(format!("it answers with {}", answer.status));
        }
        let body = answer.body.map_err(|error| error.to_string())?;
        let value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok((value, wait.map(Duration::from_secs)))
    }

    async fn send(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, AcmeError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let url = HttpUrl::parse(&parts.uri.to_string())
            .ok_or_else(|| other(OutboundError::InvalidRequest))?;
        let headers: Vec<(String, Secret)> = (parts.headers.iter())
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), Secret::new(value.to_str().ok()?)))
            })
            .collect();
        let method = parts.method.as_str();
        let request = HttpRequest { method, url: &url, headers: &headers, body: &body };
        let answer = self.0.send(&request, LIMITS).await.map_err(other)?;
        let mut response = Response::builder().status(answer.status);
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let body = answer.body.map_err(other)?;
        Ok(BytesResponse::from(response.body(Full::new(Bytes::from(body)))?))
    }
}

impl instant_acme::HttpClient for DirectoryClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, AcmeError>> + Send>> {
        Box::pin(self.clone().send(request))
    }
}

fn other(error: OutboundError) -> AcmeError {
    AcmeError::Other(Box::new(error))
}
