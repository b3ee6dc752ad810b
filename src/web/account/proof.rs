//! A fresh proof of identity, asked for on the page that needs it: the form has a field for it
//! whenever the last proof is too old, and what the form asks for is done after it was checked. An
//! owner with a key can use that instead: the script asks the browser for it and renews the proof
//! while the page stays open.

use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::access::fresh::{self, Fresh};
use crate::identity::login::reauthenticate;
use crate::identity::login::reauthenticate::ReauthenticationProof;
use crate::identity::{factor, passkey};
use crate::model::{FactorKind, Password, Secret};
use crate::web::entry::{CODE_PAGE, posted_credential};
use crate::web::stop::{Stop, problem};
use crate::web::target::with_target;
use crate::web::view::{FieldKind, FieldView, ProofView};
use crate::web::visit::{Owner, json};
use crate::words::Words;

const PASSWORD: &str = "proof_password";
const CODE: &str = "proof_code";

/// How an owner can prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct ProofWays {
    typed: TypedProof,
    /// A key of the account will do too.
    takes_key: bool,
    /// A new login can be one with a mailed code.
    by_code: bool,
}

/// What an owner can type as a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypedProof {
    /// No proof is due.
    NotDue,
    Password,
    Code,
    /// Nothing: without a key, only a new login is a proof.
    Nothing,
}

impl ProofWays {
    /// No proof is due.
    pub(in crate::web) const NOT_DUE: Self =
        Self { typed: TypedProof::NotDue, takes_key: false, by_code: false };
}

/// Why a proof was not accepted.
#[derive(Debug)]
pub(in crate::web) enum ProofFailure {
    Missing,
    Failed(Error),
}

impl ProofFailure {
    pub(super) fn error(&self) -> Option<&Error> {
        match self {
            ProofFailure::Missing => None,
            ProofFailure::Failed(error) => Some(error),
        }
    }
}

/// Whether the owner has a fresh proof.
pub(in crate::web) enum GivenProof {
    Fresh(Box<Fresh>),
    Refused(ProofFailure),
}

impl Owner {
    /// How the owner can prove who they are, if that is due.
    pub(in crate::web) async fn proof_ways(&self) -> Result<ProofWays, Stop> {
        let core = self.core();
        if Fresh::check(core, &self.caller).await.is_ok() {
            return Ok(ProofWays::NOT_DUE);
        }
        let ways = self.factor_ways().await?;
        if ways != ProofWays::NOT_DUE {
            return Ok(ways);
        }
        if self.caller.account.password_hash.is_some() {
            return self.ways(TypedProof::Password).await;
        }
        let factors = factor::list(core, &self.caller).await?.factors;
        let has_factor = factors.iter().any(|factor| factor.confirmed_at.is_some());
        self.ways(if has_factor { TypedProof::Code } else { TypedProof::Nothing }).await
    }

    /// How the owner can show the second factor, if one guards the account that this session has not
    /// shown. Codes that the server would have to send come with a login alone.
    pub(super) async fn factor_ways(&self) -> Result<ProofWays, Stop> {
        let core = self.core();
        if fresh::has_shown_second_factor(core, &self.caller).await? {
            return Ok(ProofWays::NOT_DUE);
        }
        let factors = factor::list(core, &self.caller).await?.factors;
        let has_app = factors
            .iter()
            .any(|factor| factor.kind == FactorKind::Totp && factor.confirmed_at.is_some());
        self.ways(if has_app { TypedProof::Code } else { TypedProof::Nothing }).await
    }

    /// What can be typed, or a key, which is both factors or the second one.
    async fn ways(&self, typed: TypedProof) -> Result<ProofWays, Stop> {
        let core = self.core();
        let takes_key = !passkey::list(core, &self.caller).await?.passkeys.is_empty();
        let has_password = self.caller.account.password_hash.is_some();
        Ok(ProofWays { typed, takes_key, by_code: core.config.login.passwordless && !has_password })
    }

    /// The owner with a fresh proof: the last one, or the one in the form.
    pub(in crate::web) async fn fresh(&self) -> Result<GivenProof, Stop> {
        let core = self.core();
        if let Ok(fresh) = Fresh::check(core, &self.caller).await {
            return Ok(GivenProof::Fresh(Box::new(fresh)));
        }
        let given = |name| self.field(name).filter(|value| !value.is_empty());
        let password =
            given(PASSWORD).map(|typed| ReauthenticationProof::Password(Password::new(typed)));
        let code = || given(CODE).map(|typed| ReauthenticationProof::Code(Secret::new(typed)));
        let Some(proof) = password.or_else(code) else {
            return Ok(GivenProof::Refused(ProofFailure::Missing));
        };
        match self.renew(proof).await {
            Ok(()) => {
                let fresh = Fresh::check(core, &self.read_again().await?).await?;
                Ok(GivenProof::Fresh(Box::new(fresh)))
            }
            Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
            Err(error) => Ok(GivenProof::Refused(ProofFailure::Failed(error))),
        }
    }

    async fn renew(&self, proof: ReauthenticationProof) -> Result<()> {
        let counted = self.context.limited().count().await?;
        reauthenticate::renew(self.core(), &self.caller, proof, &counted, self.source()).await
    }
}

/// `POST /account/proof/passkey/options`
pub(super) async fn key_options(owner: &Owner) -> Result<Response, Stop> {
    let options = reauthenticate::passkey_options(owner.core(), &owner.caller).await?;
    Ok(json(&options.to_json()))
}

/// `POST /account/proof/passkey`
pub(super) async fn take_key(owner: &Owner) -> Result<Response, Stop> {
    let shown = posted_credential(owner)?;
    owner.renew(ReauthenticationProof::Passkey(Box::new(shown))).await?;
    Fresh::check(owner.core(), &owner.read_again().await?).await?;
    Ok(json(&serde_json::json!({ "fresh": true })))
}

/// The part of a form for a proof. `path` is the page to come back to after a login.
pub(in crate::web) fn view<'a>(
    words: &'a Words,
    ways: ProofWays,
    path: &str,
    failure: Option<&ProofFailure>,
) -> ProofView<'a> {
    let text = &words.proof;
    let mut reason = failure.map(|failure| sentence(words, failure));
    let field = match ways.typed {
        TypedProof::Password => {
            Some(FieldView::new(words, FieldKind::Password, PASSWORD, &text.password))
        }
        TypedProof::Code => {
            Some(FieldView::new(words, FieldKind::Code, CODE, &text.code).at_most(64))
        }
        TypedProof::NotDue | TypedProof::Nothing => None,
    };
    let must_log_in = ways.typed == TypedProof::Nothing;
    let place = if ways.by_code { CODE_PAGE } else { "/sign-in?again" };
    let sign_in = must_log_in.then(|| (with_target(place, Some(path)), text.sign_in.as_str()));
    ProofView {
        words,
        text: if must_log_in && !ways.takes_key { &text.sign_in_text } else { &text.text },
        field: field.map(|field| field.refused(reason.take())),
        takes_key: ways.takes_key,
        // No field is empty, and none is wrong.
        reason: reason.filter(|_| ways.takes_key).map(|_| text.sign_in_text.to_string()),
        sign_in,
    }
}

fn sentence(words: &Words, failure: &ProofFailure) -> String {
    match failure {
        ProofFailure::Missing => words.problems.required.to_string(),
        ProofFailure::Failed(error) => match error.kind() {
            Kind::WrongCurrentPassword => words.proof.wrong_password.to_string(),
            Kind::MfaCodeInvalid | Kind::BackupCodeUsed => words.proof.wrong_code.to_string(),
            _ => problem(words, error),
        },
    }
}
