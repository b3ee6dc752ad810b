//! Authenticates a [`Caller`] from the bearer token of a call (RFC 6750, section 2.1).
//!
//! Not derived, because a derived scheme with several alternatives reports the error of the last
//! one.

use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::AUTHORIZATION;
use poem_openapi::registry::{MetaSecurityScheme, Registry};

use crate::error::{Error, Kind, Result};
use crate::http::server::carried;
use crate::identity::Caller;
use crate::identity::access::caller;
use crate::identity::access::caller::VerifiedToken;
use crate::model::Secret;

/// The name of the security scheme in the OpenAPI documents.
pub const SCHEME: &str = "bearerAuth";

/// A caller with a valid access token. The call is refused without one.
#[derive(Debug)]
pub struct Bearer(pub Caller);

/// An access token on operations that accept other credentials too. The handler decides what to do
/// with an error.
#[derive(Debug)]
pub struct MaybeBearer(pub Result<Caller>);

/// An access token, or the opaque token of an unfinished login. The opaque token has no dots; a JWT
/// has two.
#[derive(Debug)]
pub enum EitherBearer {
    /// A caller with a valid access token.
    Caller(Box<Caller>),
    /// An opaque token, for the operation to look up.
    Opaque(Secret),
}

impl EitherBearer {
    /// The opaque token.
    ///
    /// # Errors
    /// `Validation` for a valid access token: a 401 would make the client refresh it.
    pub fn token(&self) -> Result<&Secret> {
        match self {
            EitherBearer::Opaque(token) => Ok(token),
            EitherBearer::Caller(_) => Err(Error::with(
                Kind::Validation,
                "Expected the mfaToken of a login as bearer token, got an access token",
            )),
        }
    }
}

/// Implements the extractor of an access token; with a fallback, the document says that a call
/// without a token is answered too.
macro_rules! bearer_extractor {
    ($type:ty, fallback: $fallback:literal, |$request:ident| $read:expr) => {
        extractor!($type as SecurityScheme {
            fn register(registry: &mut Registry) {
                describe(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                vec![SCHEME]
            }

            fn has_security_fallback() -> bool {
                $fallback
            }
        } |$request, _body| $read);
    };
}

bearer_extractor!(Bearer, fallback: false, |request| authenticate(request).await.map(Self));
bearer_extractor!(MaybeBearer, fallback: true, |request| Ok(Self(authenticate(request).await)));
bearer_extractor!(EitherBearer, fallback: false, |request| either(request).await);

async fn either(request: &Request) -> Result<EitherBearer> {
    let token = token(request.headers())?;
    if !token.contains('.') {
        return Ok(EitherBearer::Opaque(Secret::new(token)));
    }
    authenticate(request).await.map(|caller| EitherBearer::Caller(Box::new(caller)))
}

fn describe(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "http",
        description: Some("The access token returned by login or refresh."),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme(SCHEME, scheme);
}

pub(in crate::http) async fn authenticate(request: &Request) -> Result<Caller> {
    let core = carried::core(request)?;
    match request.data::<VerifiedToken>() {
        // The boundary has already verified the token.
        Some(verified) => caller::recognise(core, verified, || token(request.headers())).await,
        None => caller::authenticate(core, token(request.headers())?).await,
    }
}

/// The token of the only `Authorization` header.
pub(in crate::http) fn token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Kind::TokenMissing)?;
    let bytes = value.as_bytes();
    // No early exit, so that the compiler can vectorize the loop.
    let strays = bytes
        .iter()
        .fold(0, |strays, byte| strays | u8::from(!byte.is_ascii()) | u8::from(*byte == b','));
    let text = std::str::from_utf8(bytes).ok().filter(|_| strays == 0 && values.next().is_none());
    let text = text.ok_or(Kind::TokenFormat)?.trim_matches([' ', '\t']);
    let (scheme, token) = text.split_once(' ').ok_or(Kind::TokenFormat)?;
    let token = token.trim_start_matches(' ');
    let is_whole = token.bytes().fold(0, |strays, byte| strays | u8::from(byte <= b' ')) == 0;
    let well_formed = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && is_whole;
    if well_formed { Ok(token) } else { Err(Kind::TokenFormat.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    fn read(lines: &[&str]) -> Result<String, Kind> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        token(&headers).map(str::to_owned).map_err(|error| error.kind())
    }

    #[test]
    fn the_scheme_of_a_bearer_token_may_be_in_any_case() {
        for line in [
            "Bearer abc.def",
            "bearer abc.def",
            "BEARER  abc.def",
            "Bearer abc.def ",
            "Bearer abc.def\t",
        ] {
            assert_eq!(read(&[line]), Ok("abc.def".to_owned()), "{line}");
        }
    }

    #[test]
    fn no_header_is_missing_and_any_other_form_is_wrong() {
        assert_eq!(read(&[]), Err(Kind::TokenMissing));
        for lines in [
            &["Bearer"][..],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a\tb"],
            &["Bearer a,b"],
            &["Bearera"],
            &["Basic YTpi"],
            &["abc.def"],
            &[""],
            &["Bearer \u{e9}"],
            &["Bearer a", "Bearer a"],
        ] {
            assert_eq!(read(lines), Err(Kind::TokenFormat), "{lines:?}");
        }
    }
}
