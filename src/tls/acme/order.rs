//! One order: account, challenge, certificate (RFC 8555, section 7.4).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error as AcmeError,
    ExternalAccountKey, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use zeroize::Zeroizing;

use super::challenges::{ChallengeAnswers, GivenAnswer};
use super::directory::DirectoryClient;
use super::kept::{AcmeEntries, KeptAccount, KeptCertificate};
use super::self_check::ChallengeRoad;
use crate::error::{Error, Result};

/// How long an authority may take to ask, and then to issue.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// What an order needs.
pub(super) struct OrderParts<'a> {
    pub host: &'a str,
    pub contact: &'a str,
    pub directory: &'a str,
    pub client: DirectoryClient,
    pub entries: &'a AcmeEntries,
    pub answers: &'a ChallengeAnswers,
    /// The customer account that a new account belongs to.
    pub binding: Option<&'a AccountBinding>,
    /// The certificate that is replaced, as the authority names it.
    pub replaces: Option<&'a str>,
}

/// A customer account with an authority (RFC 8555, section 7.3.4).
pub(super) struct AccountBinding {
    pub kid: String,
    pub key: Zeroizing<Vec<u8>>,
}

impl OrderParts<'_> {
    /// Orders a certificate, with the account that is kept or a new one.
    pub(super) async fn place(&self, road: ChallengeRoad) -> Result<KeptCertificate> {
        let account = self.account().await?;
        let mut order = self.begin(&account).await?;
        let prepared = self.answer(&mut order, road).await?;
        let ready = order.poll_ready(&PATIENCE).await;
        for answer in prepared {
            answer.withdraw().await;
        }
        match ready {
            Ok(OrderStatus::Ready) => {}
            Ok(_) | Err(AcmeError::Api(_)) => return Err(reason(&mut order).await),
            Err(error) => return Err(refused(error)),
        }
        let key = order.finalize().await.map_err(refused)?;
        let chain = order.poll_certificate(&PATIENCE).await.map_err(refused)?;
        Ok(KeptCertificate { directory: Some(self.directory.to_owned()), chain, key })
    }

    async fn begin(&self, account: &Account) -> Result<Order> {
        let names = [Identifier::Dns(self.host.to_owned())];
        if let Some((authority, serial)) = self.replaces.and_then(|id| id.split_once('.')) {
            let replaced = CertificateIdentifier {
                authority_key_identifier: authority.into(),
                serial: serial.into(),
            };
            match account.new_order(&NewOrder::new(&names).replaces(replaced)).await {
                Ok(order) => return Ok(order),
                // It may have been replaced already. An order like any other is still possible.
                Err(error) => tracing::info!(%error, "the order names no certificate to replace"),
            }
        }
        account.new_order(&NewOrder::new(&names)).await.map_err(refused)
    }

    /// Prepares the answers to all challenges, and tells the authority to ask. They are given until
    /// the result is dropped.
    async fn answer(&self, order: &mut Order, road: ChallengeRoad) -> Result<Vec<GivenAnswer>> {
        let mut given = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(refused)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let kind = match road {
                ChallengeRoad::Handshake => ChallengeType::TlsAlpn01,
                ChallengeRoad::Http => ChallengeType::Http01,
            };
            let Some(mut challenge) = authorization.challenge(kind) else {
                return Err(Error::refused(format!("the authority does not offer {road:?}")));
            };
            let expected = challenge.key_authorization();
            given.push(match road {
                ChallengeRoad::Handshake => {
                    let digest: [u8; 32] = (expected.digest().as_ref().try_into())
                        .map_err(|_| Error::internal("a digest of SHA-256 has another length"))?;
                    self.answers.give_handshake(self.host, &digest).await?.0
                }
                ChallengeRoad::Http => {
                    self.answers.give_text(&challenge.token, expected.as_str()).await?
                }
            });
            challenge.set_ready().await.map_err(refused)?;
        }
        Ok(given)
    }

    /// The account that is kept, if it is with this authority; otherwise a new one.
    async fn account(&self) -> Result<Account> {
        let contact = format!("mailto:{}", self.contact);
        let kept = self.entries.account().await?;
        let kept = kept.filter(|account| account.directory == self.directory);
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        let (account, credentials) = if let Some(kept) = kept {
            let credentials = serde_json::from_value(kept.credentials.clone())
                .map_err(|e| Error::internal("the kept account is invalid").caused_by(e))?;
            let account = builder.from_credentials(credentials).await.map_err(refused)?;
            if kept.contact == self.contact {
                return Ok(account);
            }
            account.update_contacts(&[&contact]).await.map_err(refused)?;
            (account, kept.credentials)
        } else {
            let new = NewAccount {
                contact: &[&contact],
                terms_of_service_agreed: true,
                only_return_existing: false,
            };
            let customer = self
                .binding
                .map(|binding| ExternalAccountKey::new(binding.kid.clone(), &binding.key));
            let (account, credentials) = builder
                .create(&new, self.directory.to_owned(), customer.as_ref())
                .await
                .map_err(refused)?;
            let credentials = serde_json::to_value(&credentials)
                .map_err(|e| Error::internal("writing JSON failed").caused_by(e))?;
            (account, credentials)
        };
        let (directory, contact) = (self.directory.to_owned(), self.contact.to_owned());
        self.entries.keep_account(&KeptAccount { directory, contact, credentials }).await?;
        Ok(account)
    }
}

/// Why the authority refused the order: what it says about the challenges.
async fn reason(order: &mut Order) -> Error {
    let mut found = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        found.extend(problems.map(ToString::to_string));
    }
    Error::refused(format!("the authority refused the order: {}", found.join("; ")))
}

fn refused(error: AcmeError) -> Error {
    Error::refused("the authority did not issue a certificate".to_owned()).caused_by(error)
}
