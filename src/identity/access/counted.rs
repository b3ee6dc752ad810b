//! Calls that were counted against a rate limit, as values.
//!
//! An operation that a client could repeat to guess a secret, to send mail or to create accounts
//! takes the [`Counted`] call of its limit, and only counting makes one: a handler that forgets the
//! limit does not compile.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::env::Later;
use crate::error::limit::NamedLimit;
use crate::error::{Error, Kind, Limit, Result};

/// Counts one call of a client. Implemented by the rate limits of the HTTP server.
pub trait CallCounter: Send + Sync {
    /// Counts the call.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up, `Unavailable` if the call cannot be counted.
    fn count(&self, limit: Limit) -> Later<'_, Result<()>>;

    /// Checks the limit without counting the call.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    fn peek(&self, limit: Limit) -> Later<'_, Result<()>>;

    /// Uncounts the call.
    fn give_back(&self, limit: Limit) -> Later<'_, ()>;
}

/// Counts calls with two counters: with both or with neither.
pub struct BothCounters {
    pub first: Arc<dyn CallCounter>,
    pub second: Arc<dyn CallCounter>,
}

impl CallCounter for BothCounters {
    fn count(&self, limit: Limit) -> Later<'_, Result<()>> {
        Box::pin(async move {
            self.first.count(limit).await?;
            let counted = self.second.count(limit).await;
            if counted.is_err() {
                self.first.give_back(limit).await;
            }
            counted
        })
    }

    fn peek(&self, limit: Limit) -> Later<'_, Result<()>> {
        Box::pin(async move {
            self.first.peek(limit).await?;
            self.second.peek(limit).await
        })
    }

    fn give_back(&self, limit: Limit) -> Later<'_, ()> {
        Box::pin(async move {
            self.first.give_back(limit).await;
            self.second.give_back(limit).await;
        })
    }
}

/// A call that was counted against the limit `L`.
///
/// ```
/// # use authd::error::limit;
/// # use authd::identity::access::counted::Counted;
/// # fn log_in(_: &Counted<limit::SignIn>) {}
/// log_in(&Counted::exempt("an example"));
/// ```
///
/// A call that was counted against another limit does not compile:
///
/// ```compile_fail
/// # use authd::error::limit;
/// # use authd::identity::access::counted::Counted;
/// # fn log_in(_: &Counted<limit::SignIn>) {}
/// log_in(&Counted::<limit::SignUp>::exempt("an example"));
/// ```
pub struct Counted<L> {
    counter: Option<Arc<dyn CallCounter>>,
    counts: CountsWhat,
    limit: PhantomData<L>,
}

/// What stays counted of the calls of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountsWhat {
    EveryCall,
    WrongPasswords,
}

impl<L: NamedLimit> Counted<L> {
    /// Counts the call.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn by(counter: Arc<dyn CallCounter>) -> Result<Self> {
        counter.count(L::LIMIT).await?;
        Ok(Self { counter: Some(counter), counts: CountsWhat::EveryCall, limit: PhantomData })
    }

    /// A call that is deliberately not counted, for the reason given.
    #[must_use]
    pub fn exempt(_reason: &'static str) -> Self {
        Self { counter: None, counts: CountsWhat::EveryCall, limit: PhantomData }
    }

    /// Counts the call before its password is checked. Only a wrong password stays counted, and a
    /// call that is not [settled](Self::settle), because its client has gone.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn until_settled(counter: Arc<dyn CallCounter>) -> Result<Self> {
        Ok(Self { counts: CountsWhat::WrongPasswords, ..Self::by(counter).await? })
    }

    /// Uncounts the call if only wrong passwords count and it had none. Returns the result.
    ///
    /// # Errors
    /// The result's.
    pub async fn settle<T>(&self, result: Result<T>) -> Result<T> {
        let is_wrong =
            result.as_ref().is_err_and(|error| error.kind() == Kind::WrongCurrentPassword);
        if self.counts == CountsWhat::WrongPasswords
            && !is_wrong
            && let Some(counter) = &self.counter
        {
            counter.give_back(L::LIMIT).await;
        }
        result
    }

    /// Uncounts the call if it failed only because a value broke a rule, so that the holder of a
    /// link or code can choose another password. Returns the failure.
    pub async fn failed(&self, failure: Error) -> Error {
        if self.counts == CountsWhat::WrongPasswords {
            return failure;
        }
        if let Some(counter) = self.counter.as_ref().filter(|_| !failure.fields().is_empty()) {
            counter.give_back(L::LIMIT).await;
        }
        failure
    }
}

/// A call under the limit `L`, which counts only failures and is not used up.
pub struct Checked<L> {
    counter: Arc<dyn CallCounter>,
    limit: PhantomData<L>,
}

impl<L: NamedLimit> Checked<L> {
    /// Checks the limit without counting the call.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn by(counter: Arc<dyn CallCounter>) -> Result<Self> {
        counter.peek(L::LIMIT).await?;
        Ok(Self { counter, limit: PhantomData })
    }

    /// Counts a failure. Returns the error to answer with: the failure itself, or `TooMany` if the
    /// limit is used up.
    pub async fn failed(&self, failure: Error) -> Error {
        self.counter.count(L::LIMIT).await.err().unwrap_or(failure)
    }
}
