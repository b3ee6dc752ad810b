//! Answers that a provider posts. Such a request comes from the provider's site, so the browser sends
//! no cookie with it: a page of ours leads on to the callback, from the same site.

use std::sync::Arc;

use askama::Template;
use poem::http::StatusCode;
use poem::{Request, Response};

use crate::error::{Kind, Result, limit};
use crate::http::extract::body;
use crate::http::extract::request_context::RequestContext;
use crate::web::form;
use crate::web::html::Layout;
use crate::web::site::Site;

/// The parameters of an answer that lead on.
const PARAMETERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "user"];
/// The longest value.
const MAX_VALUE: usize = 4096;

/// Leads on to the callback, by itself or by a button.
#[derive(Template)]
#[template(path = "pages/posted.html")]
struct PostedView<'a> {
    layout: Layout<'a>,
    path: &'a str,
    fields: Vec<(&'static str, String)>,
}

/// `POST /sign-in/provider/:name/callback`
pub(in crate::web) async fn answer(site: &Arc<Site>, request: Request) -> poem::Result<Response> {
    let context = RequestContext::of_page(&site.core, &request).await?;
    Ok(lead_on(site, &context, request).await.map_err(crate::http::server::reject::Reject)?)
}

async fn lead_on(site: &Arc<Site>, context: &RequestContext, request: Request) -> Result<Response> {
    let core = &site.core;
    context.limited::<limit::General>().count().await?;
    body::refuse_announced(&request, &core.config)?;
    let (_, mut posted) = request.split();
    let bytes = body::bytes(&core.config, &mut posted).await?;
    let text = String::from_utf8(bytes.into()).map_err(|_| Kind::MalformedBody)?;
    let value = |name: &'static str| {
        let value = form::field(&text, name).filter(|value| value.len() <= MAX_VALUE)?;
        Some((name, value))
    };
    let words = core.words.pick([context.wish, context.source.language]);
    let view = PostedView {
        layout: Layout {
            has_script: true,
            ..Layout::new(&site.brand, words, &words.words.provider.title, "")
        },
        path: &context.path,
        fields: PARAMETERS.into_iter().filter_map(value).collect(),
    };
    site.render(StatusCode::OK, &view)
}
