//! What handlers take from a request: bodies, fields, tokens, cookies, client IPs, permissions.

/// Implements `ApiExtractor` for a type that is no parameter: its role in the document, the items
/// that describe it there, and how it is read from a request.
macro_rules! extractor {
    (
        $type:ty as $role:ident $([$($generics:tt)*])? { $($item:item)* }
        |$request:ident, $body:ident| $read:expr
    ) => {
        impl<'a, $($($generics)*)?> poem_openapi::ApiExtractor<'a> for $type {
            const TYPES: &'static [poem_openapi::ApiExtractorType] =
                &[poem_openapi::ApiExtractorType::$role];

            type ParamType = ();
            type ParamRawType = ();

            $($item)*

            async fn from_request(
                $request: &'a poem::Request,
                $body: &mut poem::RequestBody,
                _options: poem_openapi::ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                Ok($read.map_err(crate::http::server::reject::Reject)?)
            }
        }
    };
}

pub mod accept;
pub mod allowed;
pub mod api_client;
pub mod bearer;
pub mod body;
pub mod client_ip;
pub mod cookie;
pub mod fields;
pub mod limited;
pub mod multipart;
pub mod origin;
pub mod params;
pub mod refresh_cookie;
pub mod request_context;
pub mod schema;
pub mod service;
pub mod strict_json;
pub mod upload;
mod wrapper;
