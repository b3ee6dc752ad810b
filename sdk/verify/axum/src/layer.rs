//! A tower layer that lets requests with a good token through.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse as _, Response};
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::claims::Auth;
use crate::refusal::Refusal;
use crate::verifier::{ConfigError, Verifier};

#[derive(Debug)]
enum Need {
    Account,
    /// One of these roles.
    Role(Vec<String>),
    /// All of these permissions.
    Permission(Vec<String>),
}

impl Need {
    fn is_met(&self, auth: &Auth) -> bool {
        match self {
            Self::Account => true,
            Self::Role(roles) => roles.iter().any(|role| auth.roles.contains(role)),
            Self::Permission(all) => all.iter().all(|one| auth.permissions.contains(one)),
        }
    }
}

/// The layer. A request that passes has its [`Auth`] as an extension.
#[derive(Debug, Clone)]
pub struct Require {
    verifier: Verifier,
    need: Arc<Need>,
}

impl Verifier {
    /// A layer for every account.
    #[must_use]
    pub fn require_auth(&self) -> Require {
        Require { verifier: self.clone(), need: Arc::new(Need::Account) }
    }

    /// A layer for accounts with this role.
    #[must_use]
    pub fn require_role(&self, role: impl Into<String>) -> Require {
        self.require_any_role([role])
    }

    /// A layer for accounts with one of these roles.
    #[must_use]
    pub fn require_any_role<R: Into<String>>(&self, roles: impl IntoIterator<Item = R>) -> Require {
        let need = Need::Role(roles.into_iter().map(Into::into).collect());
        Require { verifier: self.clone(), need: Arc::new(need) }
    }

    /// A layer for accounts with this permission. Permissions are not in the token, so the verifier
    /// must be live.
    pub fn require_permission(
        &self,
        permission: impl Into<String>,
    ) -> Result<Require, ConfigError> {
        if !self.is_live() {
            return Err(ConfigError::new("permissions are not in the token: they need `live()`"));
        }
        let need = Need::Permission(vec![permission.into()]);
        Ok(Require { verifier: self.clone(), need: Arc::new(need) })
    }
}

impl<S> Layer<S> for Require {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, require: self.clone() }
    }
}

/// A service behind [`Require`].
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    require: Require,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that is ready goes along; a clone of it may not be.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let Require { verifier, need } = self.require.clone();
        Box::pin(async move {
            // In two steps, so that the body is not borrowed over an await.
            let judged = verifier.authenticate(&request.headers().clone()).await;
            match judged
                .and_then(|auth| need.is_met(&auth).then_some(auth).ok_or(Refusal::Forbidden))
            {
                Ok(auth) => {
                    request.extensions_mut().insert(auth);
                    inner.call(request).await
                }
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}
