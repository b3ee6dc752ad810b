//! Sign-up, login, the current user and logout.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;

use super::Tag;
use super::types::{CreatedUser, Done, LoginAnswer, LoginRequest, SignupRequest, User};
use crate::error::Limit;
use crate::http::bearer::Bearer;
use crate::http::body::Body;
use crate::http::reject::Reject;
use crate::http::response::{Answer, answer};
use crate::http::visit::Visit;
use crate::identity::Core;
use crate::identity::gate::{self, Remember};
use crate::identity::sign_in::{self, Credentials, Name};
use crate::identity::sign_out::{self, Holder};
use crate::identity::sign_up::{self, NewAccount};

/// All operations of this wire.
pub(super) struct Auth(pub(super) Arc<Core>);

/// Response to a sign-up.
#[derive(ApiResponse)]
enum Created {
    /// The account is created.
    #[oai(status = 201)]
    User(Json<CreatedUser>),
}

#[OpenApi]
impl Auth {
    /// Sign up
    #[oai(path = "/auth/signup", method = "post", operation_id = "signup", tag = "Tag::Authentication")]
    async fn signup(&self, visit: Visit, body: Body<SignupRequest>) -> Result<Created, Reject> {
        visit.meter.count(Limit::SignUp)?;
        let new = NewAccount {
            email: body.0.email.0,
            password: body.0.password.0,
            username: None,
            first_name: None,
            last_name: None,
            name: None,
            company_name: None,
            phone: None,
        };
        let made = sign_up::register(&self.0, new, &visit.source).await?;
        Ok(Created::User(Json(CreatedUser {
            id: made.id.to_string(),
            email: made.email.to_string(),
            created_at: made.created_at.to_seconds_text(),
        })))
    }

    /// Log in with email address and password
    ///
    /// The token cannot be refreshed. When it expires, log in again.
    #[oai(path = "/auth/login", method = "post", operation_id = "login", tag = "Tag::Authentication")]
    async fn login(&self, visit: Visit, body: Body<LoginRequest>) -> Answer<LoginAnswer> {
        let name = Name::Email(body.0.email.0.to_string());
        sign_in::refuse_locked(&self.0, &name, &visit.source).await?;
        visit.meter.count(Limit::SignIn)?;
        let credentials = Credentials { name, password: body.0.password.0, remember: Remember::Long };
        let issued = sign_in::with_password(&self.0, credentials, &visit.source).await?;
        let (id, email) = (issued.account.id.as_str(), issued.account.email.as_str());
        let claims = vec![("user_id", json!(id)), ("email", json!(email))];
        Ok(answer(LoginAnswer {
            access_token: gate::access_token(&self.0, &issued, claims)?.token,
            token_type: "bearer".into(),
            user: User::of(&issued.account),
        }))
    }

    /// Get the current user
    #[oai(path = "/auth/me", method = "get", operation_id = "getCurrentUser", tag = "Tag::Authentication")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn me(&self, bearer: Bearer) -> Answer<User> {
        Ok(answer(User::of(&bearer.0.account)))
    }

    /// Log out
    ///
    /// Revokes the token permanently.
    #[oai(path = "/auth/logout", method = "post", operation_id = "logout", tag = "Tag::Authentication")]
    async fn logout(&self, visit: Visit, bearer: Bearer) -> Answer<Done> {
        sign_out::here(&self.0, &Holder::from(&bearer.0), &visit.source).await?;
        Ok(answer(Done { message: "Logged out successfully".into() }))
    }
}
