//! A fresh proof of identity, asked for on the page that needs it: the form has a field for it
//! whenever the last proof is too old, and what the form asks for is done after it was checked.

use crate::error::{Error, Kind, Result};
use crate::identity::access::fresh::{self, Fresh};
use crate::identity::factor;
use crate::identity::login::reauthenticate;
use crate::identity::login::reauthenticate::ReauthenticationProof;
use crate::model::{FactorKind, Password, Secret};
use crate::web::stop::{Stop, problem};
use crate::web::target::with_target;
use crate::web::view::{FieldKind, FieldView, ProofView};
use crate::web::visit::Owner;
use crate::words::Words;

const PASSWORD: &str = "proof_password";
const CODE: &str = "proof_code";

/// How an owner can prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofWay {
    /// No proof is due.
    Fresh,
    Password,
    Code,
    /// Only by logging in again.
    SignIn,
}

/// Why a proof was not accepted.
#[derive(Debug)]
pub(super) enum ProofFailure {
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
pub(super) enum GivenProof {
    Fresh(Box<Fresh>),
    Refused(ProofFailure),
}

impl Owner {
    /// How the owner can prove who they are, if that is due.
    pub(super) async fn proof_way(&self) -> Result<ProofWay, Stop> {
        let core = self.core();
        if Fresh::check(core, &self.caller).await.is_ok() {
            return Ok(ProofWay::Fresh);
        }
        let way = self.factor_way().await?;
        if way != ProofWay::Fresh {
            return Ok(way);
        }
        if self.caller.account.password_hash.is_some() {
            return Ok(ProofWay::Password);
        }
        let factors = factor::list(core, &self.caller).await?.factors;
        let has_factor = factors.iter().any(|factor| factor.confirmed_at.is_some());
        Ok(if has_factor { ProofWay::Code } else { ProofWay::SignIn })
    }

    /// How the owner can show the second factor, if one guards the account that this session has not
    /// shown. Codes that the server would have to send come with a login alone.
    pub(super) async fn factor_way(&self) -> Result<ProofWay, Stop> {
        let core = self.core();
        if fresh::has_shown_second_factor(core, &self.caller).await? {
            return Ok(ProofWay::Fresh);
        }
        let factors = factor::list(core, &self.caller).await?.factors;
        let has_app = factors
            .iter()
            .any(|factor| factor.kind == FactorKind::Totp && factor.confirmed_at.is_some());
        Ok(if has_app { ProofWay::Code } else { ProofWay::SignIn })
    }

    /// The owner with a fresh proof: the last one, or the one in the form.
    pub(super) async fn fresh(&self) -> Result<GivenProof, Stop> {
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
        let renewed = match self.context.limited().count() {
            Ok(counted) => {
                reauthenticate::renew(core, &self.caller, proof, &counted, self.source()).await
            }
            Err(error) => Err(error),
        };
        match renewed {
            Ok(()) => {
                let fresh = Fresh::check(core, &self.read_again().await?).await?;
                Ok(GivenProof::Fresh(Box::new(fresh)))
            }
            Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
            Err(error) => Ok(GivenProof::Refused(ProofFailure::Failed(error))),
        }
    }
}

/// The field for a proof. `path` is the page to come back to after a login.
pub(super) fn view<'a>(
    words: &'a Words,
    way: ProofWay,
    path: &str,
    failure: Option<&ProofFailure>,
) -> ProofView<'a> {
    let text = &words.proof;
    let reason = failure.map(|failure| sentence(words, failure));
    let field = match way {
        ProofWay::Password => Some(
            FieldView::new(words, FieldKind::Password, PASSWORD, &text.password).refused(reason),
        ),
        ProofWay::Code => Some(
            FieldView::new(words, FieldKind::Code, CODE, &text.code).at_most(64).refused(reason),
        ),
        ProofWay::Fresh | ProofWay::SignIn => None,
    };
    if way == ProofWay::SignIn {
        let place = with_target("/sign-in?again", Some(path));
        let sign_in = Some((place, text.sign_in.as_str()));
        return ProofView { text: &text.sign_in_text, field, sign_in };
    }
    ProofView { text: &text.text, field, sign_in: None }
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
