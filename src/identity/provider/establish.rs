//! From an account at a provider to a session here: applies the linking rule in the write that acts
//! on it, and then issues a session at the gate.

use super::flow::{self, HolderMark, WaitingIdentity};
use super::rule::{self, AddressEvidence, AddressHolder, LinkDecision};
use crate::error::{Error, Extra, Kind, Result};
use crate::identity::Core;
use crate::identity::account::not_me::NotMeLink;
use crate::identity::account::proved_address;
use crate::identity::account::proved_address::Brought;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::{Issued, NewSession, Proof};
use crate::identity::login::remember::Remember;
use crate::identity::provider::link;
use crate::identity::provider::proof::{ProviderProof, ProviderTrust};
use crate::identity::provider::tokens;
use crate::identity::provider::tokens::TokenKeeping;
use crate::model::account::{AddressPolicy, Status};
use crate::model::event::What;
use crate::model::identity::{Identity, ProviderStep};
use crate::model::{Account, AccountId, Email, Event, Provider, Source, Time, role, secret};
use crate::oidc::{ProvedAccount, ProviderAccount};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::{Constraint, Db};
use crate::store::tables::accounts::NewRow;

/// An account at a provider whose owner is here.
#[derive(Debug, Clone)]
pub(super) struct ShownIdentity {
    pub(super) provider: String,
    pub(super) label: String,
    pub(super) account: ProviderAccount,
    trust: ProviderTrust,
    pub(super) keeping: TokenKeeping,
    /// The address that was proved by a mailed code, with the account that the code was for.
    pub(super) mailbox: Option<(Email, HolderMark)>,
}

impl ShownIdentity {
    /// The account of a login at the provider, with the tokens that it brings.
    pub(super) fn logged_in(provider: &Provider, proved: ProvedAccount) -> Self {
        let keeping = TokenKeeping::of(provider, proved.tokens);
        Self { keeping, ..Self::of(provider, proved.account) }
    }

    pub(super) fn of(provider: &Provider, account: ProviderAccount) -> Self {
        let acr = account.acr.as_ref();
        Self {
            provider: provider.name.clone(),
            label: provider.label.clone(),
            trust: if acr.is_some_and(|acr| provider.trusted_acr.contains(acr)) {
                ProviderTrust::BothFactors
            } else {
                ProviderTrust::OneFactor
            },
            keeping: TokenKeeping::of(provider, None),
            account,
            mailbox: None,
        }
    }

    fn evidence(&self) -> (AddressEvidence, Option<&Email>) {
        match (&self.mailbox, &self.account.email) {
            (Some((email, _)), _) => (AddressEvidence::Mailbox, Some(email)),
            (None, Some(email)) if self.account.is_proved => {
                (AddressEvidence::Provider, Some(email))
            }
            (None, stated) => (AddressEvidence::None, stated.as_ref()),
        }
    }

    /// The row that connects it with an account since this time.
    pub(super) fn row(&self, core: &Core, account: &AccountId, since: Time) -> Result<Identity> {
        Ok(Identity {
            id: core.env.new_id()?,
            account: account.clone(),
            provider: self.provider.clone(),
            issuer: self.account.issuer.clone(),
            subject: self.account.subject.clone(),
            email: self.account.email.as_ref().map(|email| email.as_str().to_owned()),
            name: self.account.name.clone().or_else(|| self.account.username.clone()),
            created_at: since,
            last_used_at: None,
        })
    }
}

/// What the database says of an identity and of the account with its address.
#[derive(Debug, Clone)]
struct LinkSituation {
    connected: Option<Identity>,
    holder: AddressHolder,
    /// The account that it is connected to, or that has the address.
    account: Option<Account>,
}

impl LinkSituation {
    fn read(db: &mut dyn Db, shown: &ShownIdentity, now: Time) -> Result<Self> {
        let key = &shown.account;
        if let Some(connected) = store::tables::identities::find(db, &key.issuer, &key.subject)? {
            let account = store::tables::accounts::find(db, &connected.account)?;
            return Ok(Self { connected: Some(connected), holder: AddressHolder::Nobody, account });
        }
        let (evidence, Some(email)) = shown.evidence() else {
            return Ok(Self { connected: None, holder: AddressHolder::Nobody, account: None });
        };
        if evidence == AddressEvidence::None {
            return Ok(Self { connected: None, holder: AddressHolder::Nobody, account: None });
        }
        let account = store::tables::accounts::find_by_email(db, email.key())?;
        let holder = if let Some(account) = &account {
            holder_of(db, account)?
        } else {
            // No account has this id: the address is reserved for any that gave it up.
            let any = AccountId::new("");
            let is_kept = store::tables::links::is_address_kept(db, email.key(), &any, now)?;
            if is_kept { AddressHolder::Reserved } else { AddressHolder::Nobody }
        };
        Ok(Self { connected: None, holder, account })
    }

    fn decide(&self, shown: &ShownIdentity, policy: AddressPolicy) -> LinkDecision {
        rule::decide(self.connected.is_some(), shown.evidence().0, self.holder, policy)
    }

    /// Whether the code that was shown is still good: a change of the account with the address, of its
    /// credentials or state voids it, as it does a mailed link.
    fn allows_code_of(&self, shown: &ShownIdentity) -> bool {
        self.connected.is_some()
            || shown.mailbox.as_ref().is_none_or(|(_, mark)| mark.is_of(self.account.as_ref()))
    }

    /// Whether another reading found the same.
    fn is_as(&self, other: &Self) -> bool {
        let account = |one: &Self| {
            let account = one.account.as_ref()?;
            Some((account.id.clone(), account.credential_version))
        };
        let connected = |one: &Self| one.connected.as_ref().map(|row| row.id.clone());
        self.holder == other.holder
            && account(self) == account(other)
            && connected(self) == connected(other)
    }
}

fn holder_of(db: &mut dyn Db, account: &Account) -> Result<AddressHolder> {
    if account.deleted_at.is_some() {
        return Ok(AddressHolder::Deleted);
    }
    if account.suspended_at.is_some() {
        return Ok(AddressHolder::Suspended);
    }
    let roles = store::tables::roles::of(db, &account.id)?;
    let has_more_rights = roles.iter().any(|name| name != role::DEFAULT);
    if has_more_rights || store::tables::factors::has_second_factor(db, &account.id)? {
        return Ok(AddressHolder::Guarded);
    }
    let is_proved = account.email_verified_at.is_some();
    Ok(if is_proved { AddressHolder::Proved } else { AddressHolder::Unproved })
}

/// How often a decision is made again because the accounts changed meanwhile.
const ROUNDS: usize = 3;

/// Lets the owner in, or says what they have to do.
///
/// # Errors
/// As [`complete`](super::complete).
pub(super) async fn enter(
    core: &Core,
    shown: &ShownIdentity,
    remember: Remember,
    source: &Source,
) -> Result<Issued> {
    // What the login adds and the session that it opens have one beginning, so that a report about the
    // session takes back both.
    let began_at = core.env.now();
    for _ in 0..ROUNDS {
        let (asked, now) = (shown.clone(), core.env.now());
        let found = core.store.read(move |db| LinkSituation::read(db, &asked, now)).await?;
        let decision = found.decide(shown, core.address_policy());
        let step = match decision {
            LinkDecision::LogIn => {
                return log_in(core, shown, found, began_at, remember, source).await;
            }
            LinkDecision::Refuse(kind) => {
                return Err(refuse(core, shown, found.account.as_ref(), kind, source).await?);
            }
            LinkDecision::AskAddress => ProviderStep::Address(
                // A reserved address is not suggested again.
                shown.account.email.clone().filter(|_| found.holder != AddressHolder::Reserved),
            ),
            decision @ (LinkDecision::AskProof | LinkDecision::AskLogin) => {
                let email = shown.evidence().1.cloned().ok_or(Kind::Conflict)?;
                if decision == LinkDecision::AskProof {
                    ProviderStep::ExistingAccount(email)
                } else {
                    ProviderStep::LogIn(email)
                }
            }
            LinkDecision::CreateWithoutAddress
            | LinkDecision::Create
            | LinkDecision::TakeOver
            | LinkDecision::Connect => {
                act(core, shown, found, began_at, source).await?;
                continue;
            }
        };
        return Err(ask(core, shown, step, remember)?);
    }
    Err(Kind::Conflict.into())
}

/// What a login would do now, without doing it, and the account that it is about.
pub(super) async fn preview(
    core: &Core,
    provider: &Provider,
    account: ProviderAccount,
) -> Result<(LinkDecision, Option<Account>)> {
    let shown = ShownIdentity::of(provider, account);
    let (asked, now) = (shown.clone(), core.env.now());
    let found = core.store.read(move |db| LinkSituation::read(db, &asked, now)).await?;
    Ok((found.decide(&shown, core.address_policy()), found.account))
}

/// The error that says what the person has to do, with what the browser keeps until then.
fn ask(
    core: &Core,
    shown: &ShownIdentity,
    step: ProviderStep,
    remember: Remember,
) -> Result<Error> {
    let account = shown.account.clone();
    let now = core.env.now().millis();
    let waiting = WaitingIdentity {
        id: secret::encode(&core.env.random::<16>()?),
        provider: shown.provider.clone(),
        issuer: account.issuer,
        subject: account.subject,
        stated: account.email.map(|email| email.as_str().to_owned()),
        is_proved: account.is_proved,
        names: [account.name, account.given_name, account.family_name, account.username],
        acr: account.acr,
        is_long: remember == Remember::Long,
        step: step.as_str().to_owned(),
        about: step.email().map(|email| email.as_str().to_owned()),
        mailed: None,
        answered_at: now,
        made_at: now,
    };
    let token = flow::seal(core, &waiting)?;
    let extra = Extra::ProviderStep { token, step, expires_in: flow::STEP_LIFE };
    Ok(Error::new(Kind::ProviderStepRequired).carrying(extra))
}

/// A change that the rule decided on, ready to be made.
#[derive(Clone)]
struct PlannedLink {
    shown: ShownIdentity,
    found: LinkSituation,
    /// The account to create.
    new: NewRow,
    identity: Identity,
    /// The mail to the owner of an account that exists, and its link.
    notice: Option<(Option<OutgoingMessage>, NotMeLink)>,
    policy: AddressPolicy,
    log: AuditLog,
}

/// Makes the change that the rule decided on, unless something has changed since it was read: then
/// the rule is applied again.
async fn act(
    core: &Core,
    shown: &ShownIdentity,
    found: LinkSituation,
    began_at: Time,
    source: &Source,
) -> Result<()> {
    // An address that is not proved is no account's.
    let (evidence, email) = shown.evidence();
    let email = email.filter(|_| evidence != AddressEvidence::None).cloned();
    let new = new_account(core, shown, email, source)?;
    let id = found.account.as_ref().map_or(&new.account.id, |account| &account.id);
    let identity = shown.row(core, id, began_at)?;
    let notice =
        found.account.as_ref().map(|account| link::connection_letter(core, account, shown));
    let plan = PlannedLink {
        shown: shown.clone(),
        found,
        new,
        identity,
        notice: notice.transpose()?,
        policy: core.address_policy(),
        log: AuditLog::new(core, source),
    };
    let made = core.store.write(move |db| plan.store(db)).await;
    match made {
        // Another request was faster: the rule is applied again.
        Err(error) if error.kind() == Kind::Conflict => Ok(()),
        other => other,
    }
}

fn new_account(
    core: &Core,
    shown: &ShownIdentity,
    email: Option<Email>,
    source: &Source,
) -> Result<NewRow> {
    let account = &shown.account;
    let new = Account {
        first_name: account.given_name.clone(),
        last_name: account.family_name.clone(),
        name: account.name.clone().filter(|_| account.given_name.is_none()),
        locale: source.language,
        ..Account::new(AccountId::new(core.env.new_id()?), email, core.env.now())
    };
    Ok(NewRow::new(new, core.env.random()?))
}

impl PlannedLink {
    fn store(&self, db: &mut dyn Db) -> Result<()> {
        let (log, conflict) = (&self.log, || Error::from(Kind::Conflict));
        let now = LinkSituation::read(db, &self.shown, log.at())?;
        if !now.allows_code_of(&self.shown) {
            return Err(Kind::CodeInvalid.into());
        }
        if !now.is_as(&self.found) {
            return Err(conflict());
        }
        match now.decide(&self.shown, self.policy) {
            LinkDecision::Create | LinkDecision::CreateWithoutAddress => self.create(db)?,
            LinkDecision::TakeOver => {
                let account = now.account.as_ref().ok_or_else(conflict)?;
                let (id, key) = (&account.id, account.email_key().ok_or_else(conflict)?);
                proved_address::prove(db, id, key, Brought::Mailbox, id.as_str(), log)?;
            }
            LinkDecision::Connect => {
                let account = now.account.as_ref().ok_or_else(conflict)?;
                let version = account.credential_version;
                if !store::tables::accounts::raise_credential_version(db, &account.id, version)? {
                    return Err(conflict());
                }
            }
            _ => return Err(conflict()),
        }
        link::insert(db, &self.identity, log)?;
        let Some((letter, not_me)) = &self.notice else { return Ok(()) };
        not_me.store_at_login(db, self.identity.created_at)?;
        outbox::enqueue_all(db, letter)
    }

    fn create(&self, db: &mut dyn Db) -> Result<()> {
        let (log, account) = (&self.log, &self.new.account);
        let inserted = match store::tables::accounts::insert(db, &self.new) {
            Err(error) if Constraint::of(&error).is_some() => false,
            other => other?,
        };
        if !inserted {
            return Err(Kind::Conflict.into());
        }
        store::tables::roles::give(db, &account.id, role::DEFAULT)?;
        let event = Event::done(What::SignUp).about(&account.id);
        log.record(db, &event.because(format!("provider {}", self.shown.provider)))?;
        if let Some(key) = account.email_key() {
            let id = &account.id;
            proved_address::prove(db, id, key, Brought::Mailbox, id.as_str(), log)?;
        }
        Ok(())
    }
}

/// Issues a session for the account that the identity is connected to.
async fn log_in(
    core: &Core,
    shown: &ShownIdentity,
    found: LinkSituation,
    began_at: Time,
    remember: Remember,
    source: &Source,
) -> Result<Issued> {
    let (Some(connected), Some(account)) = (found.connected, found.account) else {
        return Err(Kind::Conflict.into());
    };
    let account = prove_own(core, shown, &connected, account, source).await?;
    let kind = match account.status(core.verification()) {
        Status::Active => None,
        Status::Pending => Some(Kind::EmailUnverified),
        Status::Suspended => Some(Kind::AccountSuspended),
        Status::Deleted => Some(Kind::AccountDeleted),
    };
    if let Some(kind) = kind {
        return Err(refuse(core, shown, Some(&account), kind, source).await?);
    }
    let proof = Proof::Provider(ProviderProof::of(&shown.provider, shown.trust, began_at));
    let new_session = NewSession::prepare(core, account, proof, remember, source).await?;
    let used = Identity {
        email: shown.account.email.as_ref().map(|email| email.as_str().to_owned()),
        name: shown.account.name.clone().or_else(|| shown.account.username.clone()),
        ..connected
    };
    let (inside, now) = (new_session.clone(), core.env.now());
    let (whole, brought) = (core.clone(), shown.clone());
    let opened = core
        .store
        .write(move |db| {
            let key = store::tables::identities::find(db, &used.issuer, &used.subject)?;
            let key = key.filter(|row| row.account == used.account).ok_or(Kind::Conflict)?;
            // A proof of the address may have given it another ID.
            let used = Identity { id: key.id, ..used.clone() };
            store::tables::identities::note_use(db, &used, now)?;
            tokens::keep(&whole, db, &brought, &used)?;
            inside.open(db)
        })
        .await
        .map_err(|error| {
            if error.kind() == Kind::InvalidCredentials { Kind::Conflict.into() } else { error }
        })?;
    new_session.outcome(core, opened).await?.into_issued()
}

/// Verifies the address of the account that the identity is connected to, if the provider proves it
/// now. What else was on the account is void, as with every proof.
async fn prove_own(
    core: &Core,
    shown: &ShownIdentity,
    connected: &Identity,
    account: Account,
    source: &Source,
) -> Result<Account> {
    let (evidence, email) = shown.evidence();
    let own = email.filter(|email| account.has_address(email.key())).cloned();
    let Some(own) = own.filter(|_| evidence != AddressEvidence::None && account.is_unproved())
    else {
        return Ok(account);
    };
    let again = Identity { id: core.env.new_id()?, ..connected.clone() };
    let (log, id) = (AuditLog::new(core, source), account.id.clone());
    core.store
        .write(move |db| {
            proved_address::prove(db, &id, own.key(), Brought::Mailbox, id.as_str(), &log)?;
            if store::tables::identities::find(db, &again.issuer, &again.subject)?.is_none() {
                link::insert(db, &again, &log)?;
            }
            store::tables::accounts::find(db, &id)?.ok_or_else(|| Kind::Conflict.into())
        })
        .await
}

async fn refuse(
    core: &Core,
    shown: &ShownIdentity,
    account: Option<&Account>,
    kind: Kind,
    source: &Source,
) -> Result<Error> {
    let why = match kind {
        Kind::AccountSuspended => "suspended",
        Kind::AccountDeleted => "deleted",
        _ => "unverified",
    };
    let log = AuditLog::new(core, source);
    let event = Event::refused(What::Login).because(format!("provider {}: {why}", shown.provider));
    let event = Event { account: account.map(|account| account.id.clone()), ..event };
    core.store.write(move |db| log.record(db, &event)).await?;
    Ok(kind.into())
}
