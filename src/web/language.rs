//! The language of a visit to the pages: what a link wishes for (`?lang=`) holds for the pages after
//! it, which their links and forms need not repeat. It is kept in a cookie until the browser closes,
//! or until the person chooses a language in the profile.

use poem::{Request, Response};

use crate::http::extract::request_context::RequestContext;
use crate::identity::Core;
use crate::model::LanguageTag;
use crate::web::jar::{Jar, PageCookie};
use crate::web::visit::add_cookie;

/// The context of a request for a page. The language that an earlier link wished for comes before the
/// one that the browser prefers, and after those of this link and of the account.
pub(in crate::web) async fn context_of(
    core: &Core,
    request: &Request,
) -> poem::Result<RequestContext> {
    let mut context = RequestContext::of_page(core, request).await?;
    if context.wish.is_none() {
        context.source.language = kept(core, request).or(context.source.language);
    }
    Ok(context)
}

/// The language of the cookie, if the server has it.
fn kept(core: &Core, request: &Request) -> Option<LanguageTag> {
    let jar = Jar::of(&core.config.server, request.headers())?;
    let cookie = jar.find(request.headers(), PageCookie::Language)?;
    LanguageTag::parse(core.words.lookup(cookie.reveal())?.tag)
}

/// Keeps the language that the link of a request wished for.
pub(in crate::web) fn keep(core: &Core, wish: Option<LanguageTag>, response: &mut Response) {
    if let Some(wish) = wish {
        let jar = Jar::configured(&core.config.server);
        add_cookie(response, &jar.set(PageCookie::Language, wish.as_str(), None));
    }
}
