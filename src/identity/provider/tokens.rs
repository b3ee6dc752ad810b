//! Tokens of providers, where the operator keeps them (`keep_tokens`): sealed at each login, refreshed
//! when an app asks for one, and given only to the owner's session.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::establish::ShownIdentity;
use super::removal::described;
use crate::error::{Detail, Error, Kind, ProviderFault, Result};
use crate::identity::access::fresh::Fresh;
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::identity::Identity;
use crate::model::{
    AccountId, ApiClient, Event, Provider, ProviderTokens, Secret, Source, Time, secret,
};
use crate::oidc::is_issuer_of;
use crate::store;
use crate::store::db::Db;
use crate::store::tables::identity_tokens::{self, KeptTokens};

/// How long before its end a token is refreshed.
const MARGIN: Duration = Duration::from_mins(1);
/// How long a refresh is reserved for the process that began it.
const RESERVED: Duration = Duration::from_secs(30);
/// How long a provider is left alone after a failed refresh.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often storing refreshed tokens is attempted: the provider takes the old ones no more.
const STORE_ATTEMPTS: u32 = 5;

/// What a login brings of tokens.
#[derive(Debug, Clone)]
pub(super) enum TokenKeeping {
    /// The provider keeps none.
    Off,
    /// It brings none, so those that are kept stay.
    Unchanged,
    New {
        client: TokenClient,
        tokens: ProviderTokens,
    },
}

impl TokenKeeping {
    pub(super) fn of(provider: &Provider, tokens: Option<ProviderTokens>) -> Self {
        match tokens {
            _ if !provider.keeps_tokens() => Self::Off,
            Some(tokens) => Self::New { client: TokenClient::of(provider), tokens },
            None => Self::Unchanged,
        }
    }
}

/// The client that tokens were issued to. What one client got is of no use to another, and is sent
/// nowhere with the secret of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenClient {
    id: String,
    /// A digest of the issuer and the ID.
    digest: [u8; 32],
}

impl TokenClient {
    fn of(provider: &Provider) -> Self {
        let named = format!("{}\n{}", provider.issuer, provider.client_id);
        Self { id: provider.client_id.clone(), digest: secret::digest(named.as_bytes()) }
    }
}

/// When tokens are refreshed at the earliest: not in the first half of their life, so that a provider
/// whose tokens end soon is not asked at each call.
fn refresh_after(tokens: &ProviderTokens, now: Time) -> Option<Time> {
    tokens.expires_at.map(|end| now + end.since(now) / 2)
}

/// Tokens, as they are sealed.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct SealedTokens {
    /// The client that they were issued to: no other can refresh them.
    client_id: String,
    access: String,
    refresh: Option<String>,
    expires_at: Option<i64>,
    scope: Option<String>,
}

/// What sealed tokens are bound to: moved to another row, they do not open.
fn place(identity: &Identity) -> String {
    format!("identity_tokens.sealed.{}.{}", identity.account, identity.id)
}

fn seal(
    core: &Core,
    identity: &Identity,
    client_id: &str,
    tokens: &ProviderTokens,
) -> Result<Vec<u8>> {
    let sealed = SealedTokens {
        client_id: client_id.to_owned(),
        access: tokens.access.reveal().to_owned(),
        refresh: tokens.refresh.as_ref().map(|token| token.reveal().to_owned()),
        expires_at: tokens.expires_at.map(Time::millis),
        scope: tokens.scope.clone(),
    };
    let plain = serde_json::to_vec(&sealed)
        .map_err(|error| Error::internal("tokens cannot be written").caused_by(error))?;
    core.master.seal(&core.env, &place(identity), &Zeroizing::new(plain))
}

/// Opens tokens, and names the client that they were issued to.
fn open(core: &Core, identity: &Identity, sealed: &[u8]) -> Result<(String, ProviderTokens)> {
    let plain = Zeroizing::new(core.master.open(&place(identity), sealed)?);
    let read: SealedTokens = serde_json::from_slice(&plain)
        .map_err(|_| Error::internal("the tokens of an identity are malformed"))?;
    let tokens = ProviderTokens {
        access: Secret::new(read.access.as_str()),
        refresh: read.refresh.as_deref().map(Secret::new),
        expires_at: read.expires_at.map(Time::from_millis),
        scope: read.scope.clone(),
    };
    Ok((read.client_id.clone(), tokens))
}

/// Keeps what a login brings, in the write that found or made its identity.
pub(super) fn keep(
    core: &Core,
    db: &mut dyn Db,
    shown: &ShownIdentity,
    identity: &Identity,
) -> Result<()> {
    let (client, tokens) = match &shown.keeping {
        TokenKeeping::Off => return identity_tokens::remove_of_identity(db, &identity.id),
        TokenKeeping::Unchanged => return Ok(()),
        TokenKeeping::New { client, tokens } => (client, tokens),
    };
    let mut tokens = tokens.clone();
    if tokens.refresh.is_none() {
        tokens.refresh = earlier_refresh(core, db, identity, client)?;
    }
    let sealed = seal(core, identity, &client.id, &tokens)?;
    let new =
        KeptTokens { provider: shown.provider.clone(), client: client.digest.to_vec(), sealed };
    identity_tokens::keep(db, &identity.id, &new, refresh_after(&tokens, core.env.now()))
}

/// The refresh token of an earlier login: some providers issue one at the first login alone.
fn earlier_refresh(
    core: &Core,
    db: &mut dyn Db,
    identity: &Identity,
    client: &TokenClient,
) -> Result<Option<Secret>> {
    let kept = identity_tokens::find(db, &identity.id)?;
    let kept = kept.filter(|kept| kept.client == client.digest);
    let opened = kept.and_then(|kept| open(core, identity, &kept.sealed).ok());
    Ok(opened.filter(|(id, _)| *id == client.id).and_then(|(_, tokens)| tokens.refresh))
}

/// Who may read the tokens of an account: its owner who has just proved their identity, or a service
/// of the operator on behalf of the owner, whose session it shows. A service alone may not.
#[derive(Debug, Clone)]
pub struct TokenReader {
    caller: Caller,
    service: Option<ApiClient>,
}

impl TokenReader {
    /// Checks that this caller may, with the service that made the call, if one did.
    ///
    /// # Errors
    /// `ReauthenticationRequired`, `Unavailable`.
    pub async fn check(core: &Core, caller: &Caller, service: Option<&ApiClient>) -> Result<Self> {
        if service.is_none() {
            Fresh::check(core, caller).await?;
        }
        Ok(Self { caller: caller.clone(), service: service.cloned() })
    }

    /// Reads again, in the write that records the answer, what gave the right to it: the provider may
    /// have taken its time.
    ///
    /// # Errors
    /// `SessionEnded`; `Forbidden` if the service has another key by now; `NotFound` if the identity was
    /// removed.
    fn confirm(&self, db: &mut dyn Db, identity: &Identity, now: Time) -> Result<()> {
        self.caller.confirm(db, now)?;
        if let Some(service) = &self.service {
            let found = store::tables::apps::find(db, &service.id)?;
            let has_its_key = found.is_some_and(|app| app.rotated_at == service.rotated_at);
            if !has_its_key {
                return Err(Detail::NoService.into());
            }
        }
        let all = store::tables::identities::of(db, &identity.account)?;
        let is_there = all.iter().any(|row| row.id == identity.id);
        if is_there { Ok(()) } else { Err(ProviderFault::UnknownIdentity.into()) }
    }
}

/// A token for an app that calls the provider's API.
#[derive(Debug, Clone)]
pub struct GivenToken {
    pub access: Secret,
    pub expires_at: Option<Time>,
    pub scope: Option<String>,
}

/// The current access token of one of the caller's identities, refreshed if it ends soon.
///
/// # Errors
/// `NotFound`; `Conflict` if the provider keeps no tokens; `ProviderLoginRequired` if none is kept
/// that the provider accepts; `Unavailable` if the provider cannot be reached.
pub async fn current_token(
    core: &Core,
    reader: &TokenReader,
    id: &str,
    source: &Source,
) -> Result<GivenToken> {
    let caller = &reader.caller;
    let found = OpenedTokens::read(core, &caller.account.id, id).await?;
    let identity = found.identity.clone();
    let is_current = is_current(&found.tokens, core.env.now());
    let tokens = if is_current { found.tokens } else { refreshed(core, found).await? };
    let by = reader.service.as_ref().map(|app| format!(", app {}", app.id));
    let detail = format!("{}{}", described(&identity), by.unwrap_or_default());
    let event = Event::done(What::ProviderTokenGiven).about(&caller.account.id);
    let event = event.in_session(caller.session()).by(caller.account.id.as_str()).because(detail);
    let (log, reader) = (AuditLog::new(core, source), reader.clone());
    core.store
        .write(move |db| {
            reader.confirm(db, &identity, log.at())?;
            log.record(db, &event)
        })
        .await?;
    let ProviderTokens { access, expires_at, scope, .. } = tokens;
    Ok(GivenToken { access, expires_at, scope })
}

fn is_current(tokens: &ProviderTokens, now: Time) -> bool {
    tokens.expires_at.is_none_or(|end| end > now + MARGIN)
}

/// The tokens of an identity, and the provider that issued them.
#[derive(Clone)]
struct OpenedTokens {
    identity: Identity,
    provider: Arc<Provider>,
    sealed: Vec<u8>,
    tokens: ProviderTokens,
}

impl OpenedTokens {
    async fn read(core: &Core, account: &AccountId, id: &str) -> Result<Self> {
        let (account, id) = (account.clone(), id.to_owned());
        let found = core.store.read(move |db| {
            let all = store::tables::identities::of(db, &account)?;
            let identity = all.into_iter().find(|row| row.id == id);
            let identity = identity.ok_or(ProviderFault::UnknownIdentity)?;
            let kept = identity_tokens::find(db, &identity.id)?;
            Ok((identity, kept))
        });
        let (identity, kept) = found.await?;
        let name = kept.as_ref().map_or(&identity.provider, |kept| &kept.provider);
        let provider = match super::find(core, name).await {
            Ok(provider) if provider.keeps_tokens() => provider,
            Err(error) if error.kind() != Kind::NotFound => return Err(error),
            _ => return Err(ProviderFault::KeepsNoTokens.into()),
        };
        let kept = kept.ok_or(ProviderFault::NoTokens)?;
        let (client_id, tokens) = open(core, &identity, &kept.sealed).map_err(|error| {
            tracing::warn!(
                identity = identity.id,
                error = error.chain(),
                "kept tokens do not open"
            );
            Error::from(ProviderFault::NoTokens)
        })?;
        // The settings may name another client or issuer by now.
        let client = TokenClient::of(&provider);
        let is_same = kept.client == client.digest && client_id == client.id;
        if !is_same || !is_issuer_of(&provider, &identity.issuer) {
            return Err(ProviderFault::NoTokens.into());
        }
        Ok(Self { identity, provider, sealed: kept.sealed, tokens })
    }

    /// Puts refreshed tokens in the place of these. Returns false if a login has brought others
    /// meanwhile. Those stay; if the login brought no refresh token, they have the one that this refresh
    /// has used up, and get the new one.
    fn replace(
        &self,
        core: &Core,
        db: &mut dyn Db,
        new: &ProviderTokens,
        sealed: &[u8],
    ) -> Result<bool> {
        let (id, now) = (self.identity.id.as_str(), core.env.now());
        if identity_tokens::replace(db, id, &self.sealed, sealed, refresh_after(new, now))? {
            return Ok(true);
        }
        let client = TokenClient::of(&self.provider);
        let kept = identity_tokens::find(db, id)?.filter(|kept| kept.client == client.digest);
        let Some(kept) = kept else { return Ok(false) };
        let Ok((_, login)) = open(core, &self.identity, &kept.sealed) else { return Ok(false) };
        if login.refresh == self.tokens.refresh {
            let mended = ProviderTokens { refresh: new.refresh.clone(), ..login };
            let sealed = seal(core, &self.identity, &client.id, &mended)?;
            let after = refresh_after(&mended, now);
            identity_tokens::replace(db, id, &kept.sealed, &sealed, after)?;
        }
        Ok(false)
    }

    async fn read_again(&self, core: &Core) -> Result<Self> {
        Self::read(core, &self.identity.account, &self.identity.id).await
    }

    /// The token as it is, if it has not ended.
    fn unless_ended(self, now: Time) -> Result<ProviderTokens> {
        match self.tokens.expires_at {
            Some(end) if end <= now => {
                let why = format!("{}: its token is not refreshed now", self.provider.name);
                Err(Error::unavailable(why).retry_after(AFTER_FAILURE))
            }
            _ => Ok(self.tokens),
        }
    }
}

/// Refreshes tokens, one refresh at a time for an identity. It ends even if the request does not wait
/// for it: the provider may have replaced the refresh token already.
async fn refreshed(core: &Core, found: OpenedTokens) -> Result<ProviderTokens> {
    let core = core.clone();
    let refresh = tokio::spawn(async move {
        let queued = core.token_refreshes.queue(&found.identity.id);
        let queued = queued.ok_or_else(|| Error::unavailable("too many wait for one token"))?;
        let _alone = queued.lock_owned().await;
        refresh(&core, found).await
    });
    refresh.await.map_err(|error| Error::internal("a refresh ended early").caused_by(error))?
}

async fn refresh(core: &Core, seen: OpenedTokens) -> Result<ProviderTokens> {
    let (found, now) = (seen.read_again(core).await?, core.env.now());
    if is_current(&found.tokens, now) {
        return Ok(found.tokens);
    }
    let Some(token) = found.tokens.refresh.clone() else {
        let is_over = found.tokens.expires_at.is_some_and(|end| end <= now);
        return if is_over { Err(ProviderFault::NoTokens.into()) } else { Ok(found.tokens) };
    };
    let (id, sealed) = (found.identity.id.clone(), found.sealed.clone());
    let reserve =
        core.store.write(move |db| identity_tokens::reserve(db, &id, &sealed, now, now + RESERVED));
    if !reserve.await? {
        return found.unless_ended(now);
    }
    match core.oidc.refresh(&found.provider, &found.tokens, &token).await {
        Ok(tokens) => store_refreshed(core, found, tokens).await,
        Err(failure) => {
            let name = found.provider.name.as_str();
            tracing::warn!(provider = name, "a token was not refreshed: {failure}");
            if failure.is_grant_refused() {
                give_up(core, found).await
            } else {
                postpone(core, found).await
            }
        }
    }
}

/// Stores refreshed tokens. If a login has brought others meanwhile, those are the answer.
async fn store_refreshed(
    core: &Core,
    found: OpenedTokens,
    tokens: ProviderTokens,
) -> Result<ProviderTokens> {
    let new = seal(core, &found.identity, &found.provider.client_id, &tokens)?;
    let mut attempt = 1;
    let is_stored = loop {
        let (whole, found) = (core.clone(), found.clone());
        let (tokens, new) = (tokens.clone(), new.clone());
        let stored = core.store.write(move |db| found.replace(&whole, db, &tokens, &new));
        match stored.await {
            Err(error) if error.kind() == Kind::Unavailable && attempt < STORE_ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(200) * attempt).await;
                attempt += 1;
            }
            other => break other?,
        }
    };
    if is_stored { Ok(tokens) } else { Ok(found.read_again(core).await?.tokens) }
}

/// Forgets tokens that the provider takes no more, unless a login has brought newer ones meanwhile.
async fn give_up(core: &Core, found: OpenedTokens) -> Result<ProviderTokens> {
    let (id, sealed) = (found.identity.id.clone(), found.sealed.clone());
    let removed = core.store.write(move |db| identity_tokens::remove(db, &id, &sealed)).await?;
    if removed {
        return Err(ProviderFault::NoTokens.into());
    }
    Ok(found.read_again(core).await?.tokens)
}

async fn postpone(core: &Core, found: OpenedTokens) -> Result<ProviderTokens> {
    let (id, sealed) = (found.identity.id.clone(), found.sealed.clone());
    let now = core.env.now();
    let postpone = core
        .store
        .write(move |db| identity_tokens::postpone(db, &id, &sealed, now + AFTER_FAILURE));
    postpone.await?;
    found.unless_ended(now)
}

/// Rows that one write removes.
const PIECE: i64 = 500;

/// Deletes tokens a few at a time, so that no request waits for it.
async fn remove_in_pieces(
    core: &Core,
    piece: impl Fn(&mut dyn Db) -> Result<u64> + Clone + Send + 'static,
) -> Result<u64> {
    let mut removed = 0;
    loop {
        let gone = core.store.write_step(piece.clone()).await?;
        removed += gone;
        if gone < PIECE.unsigned_abs() {
            return Ok(removed);
        }
    }
}

/// Deletes the tokens of a provider.
///
/// # Errors
/// `Unavailable`.
pub(in crate::identity) async fn forget_tokens(core: &Core, provider: &str) -> Result<u64> {
    let name = provider.to_owned();
    remove_in_pieces(core, move |db| identity_tokens::remove_of_provider(db, &name, PIECE)).await
}

/// Deletes the tokens of providers that keep none any more, and those that were issued to a client
/// which a provider has no more.
///
/// # Errors
/// `Unavailable`.
pub(in crate::identity) async fn forget_unkept_tokens(core: &Core) -> Result<u64> {
    let mut removed = 0;
    for (name, client) in core.store.scan(identity_tokens::clients).await? {
        let is_kept = match keeper(core, &name).await? {
            TokenKeeper::None => false,
            TokenKeeper::Client(own) => own.digest == *client,
            TokenKeeper::Unusable => true,
        };
        if !is_kept {
            let piece =
                move |db: &mut dyn Db| identity_tokens::remove_of_client(db, &name, &client, PIECE);
            removed += remove_in_pieces(core, piece).await?;
        }
    }
    Ok(removed)
}

/// Whose tokens a provider keeps.
enum TokenKeeper {
    None,
    Client(TokenClient),
    /// The provider cannot be used at the moment, and may be mended.
    Unusable,
}

async fn keeper(core: &Core, name: &str) -> Result<TokenKeeper> {
    let of = |provider: &Provider| {
        if provider.keeps_tokens() {
            TokenKeeper::Client(TokenClient::of(provider))
        } else {
            TokenKeeper::None
        }
    };
    if let Some(provider) = core.config.providers.find(name) {
        return Ok(of(provider));
    }
    let stored = super::usable::stored(core).await?;
    let Some(one) = stored.iter().find(|one| one.row.name == name) else {
        return Ok(TokenKeeper::None);
    };
    Ok(match &one.provider {
        Ok(provider) => of(provider),
        Err(_) if super::stored::settings_of(&one.row).is_ok_and(|one| !one.keep_tokens) => {
            TokenKeeper::None
        }
        Err(_) => TokenKeeper::Unusable,
    })
}
