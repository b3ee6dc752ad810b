//! Passkeys at a login: as the only proof, and as the second factor. The script asks the browser for
//! one and posts the answer as a form.

use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::login::remember::Remember;
use crate::identity::login::{passkey, passkey_step};
use crate::web::entry::enter;
use crate::web::entry::factor;
use crate::web::entry::sign_in;
use crate::web::stop::Stop;
use crate::web::visit::{Visit, json};
use crate::webauthn::AssertionResponse;

/// `POST /sign-in/passkey/options`
pub(super) async fn options(visit: &Visit) -> Result<Response, Stop> {
    let counted = visit.context.limited().count().await?;
    let options = passkey::options(visit.core(), &counted).await?;
    Ok(json(&options.to_json()))
}

/// `POST /sign-in/passkey`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    let is_long = visit.field("remember").is_some();
    let remember = if is_long { Remember::Long } else { Remember::Short };
    let (core, source) = (visit.core(), visit.source());
    let entered = match (posted_credential(visit), visit.context.limited().count().await) {
        (Ok(answer), Ok(counted)) => {
            passkey::complete(core, &answer, remember, &counted, source).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match entered {
        Ok(issued) => enter(visit, &issued, target.as_ref()).await,
        Err(error) => sign_in::show_failure(visit, target.as_ref(), error).await,
    }
}

/// `POST /sign-in/factor/passkey/options`
pub(super) async fn step_options(visit: &Visit) -> Result<Response, Stop> {
    let pending = factor::pending(visit)?;
    let counted = visit.context.limited().count().await?;
    let (core, source) = (visit.core(), visit.source());
    let options = passkey_step::options(core, pending.reveal(), &counted, source).await?;
    Ok(json(&options.to_json()))
}

/// `POST /sign-in/factor/passkey`
pub(super) async fn step(visit: &Visit) -> Result<Response, Stop> {
    let (target, pending) = (visit.target()?, factor::pending(visit)?);
    let (core, source) = (visit.core(), visit.source());
    let entered = match (posted_credential(visit), visit.context.limited().count().await) {
        (Ok(answer), Ok(counted)) => {
            passkey_step::complete(core, pending.reveal(), &answer, &counted, source).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match entered {
        Ok(issued) => enter(visit, &issued, target.as_ref()).await,
        Err(error) => factor::show(visit, target.as_ref(), Some(error)).await,
    }
}

/// What the authenticator signed.
pub(in crate::web) fn posted_credential(visit: &Visit) -> Result<AssertionResponse> {
    let text = visit.text("credential");
    AssertionResponse::from_json(&text).map_err(|_| Error::new(Kind::PasskeyInvalid))
}
