//! CORS: allows pages of an exact list of origins to call with credentials. For the cookies they
//! may use, see `origin`.

use poem::Response;
use poem::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::http::extract::origin;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const EXPOSED: &str =
    "X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After";

/// The allowed origins.
#[derive(Debug, Clone)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// Allows exactly these origins; case and default ports are normalized.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        Self { origins: origins.iter().filter_map(|origin| origin::normal(origin)).collect() }
    }

    /// The response to a preflight request; `None` for any other request.
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if method != Method::OPTIONS
            || !headers.contains_key(ORIGIN)
            || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let answer = response.headers_mut();
        if self.admit(headers).is_some() {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
        }
        answer.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        Some(response)
    }

    /// The request's origin, if it is allowed.
    #[must_use]
    pub fn admit(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let mut sent = request.get_all(ORIGIN).iter();
        let (Some(origin), None) = (sent.next(), sent.next()) else { return None };
        let normal = origin::normal(origin.to_str().ok()?)?;
        self.origins.contains(&normal).then(|| origin.clone())
    }
}

/// Adds the headers that let a page of the admitted origin read this response.
pub fn mark(response: &mut HeaderMap, admitted: Option<HeaderValue>) {
    response.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = admitted {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers
    }

    fn cors() -> Cors {
        Cors::new(&["https://app.example.com".to_owned()])
    }

    #[test]
    fn a_listed_origin_may_read_and_send_credentials() {
        let mut response = HeaderMap::new();
        mark(&mut response, cors().admit(&from("https://app.example.com")));
        assert_eq!(response[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
        assert_eq!(response[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(response[VARY], "Origin");
    }

    #[test]
    fn a_lookalike_origin_may_not() {
        for origin in [
            "null",
            "*",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com/",
        ] {
            let mut response = HeaderMap::new();
            mark(&mut response, cors().admit(&from(origin)));
            assert!(!response.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{origin}");
            assert_eq!(response[VARY], "Origin");
        }
    }

    #[test]
    fn only_a_preflight_is_answered_here() {
        let mut asked = from("https://app.example.com");
        assert!(cors().preflight(&Method::OPTIONS, &asked).is_none());
        asked.insert(ACCESS_CONTROL_REQUEST_METHOD, "PUT".parse().unwrap());
        asked.insert(ACCESS_CONTROL_REQUEST_HEADERS, "authorization".parse().unwrap());
        assert!(cors().preflight(&Method::GET, &asked).is_none());
        let answer = cors().preflight(&Method::OPTIONS, &asked).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "authorization");
        asked.insert(ORIGIN, "https://evil.example".parse().unwrap());
        let answer = cors().preflight(&Method::OPTIONS, &asked).unwrap();
        assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    }
}
