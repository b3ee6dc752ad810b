//! The linking rule: which account the answer of a provider opens. One table, without the database.
//!
//! | the account at the provider | proof of the address | the account here with the address | decision |
//! |---|---|---|---|
//! | is connected | any | any | log in to the account that it is connected to |
//! | is new | none | any | ask for an address, and mail a code to it; where accounts need none, create one without |
//! | is new | by provider or mailbox | none | create an account |
//! | is new | by provider or mailbox | never proved | take it over: all that was on it is void |
//! | is new | by provider | proved | ask for its login, or for a code that is mailed to it |
//! | is new | by mailbox | proved | connect |
//! | is new | by provider or mailbox | has a second factor, or more rights than everyone | ask for its login |
//! | is new | by provider or mailbox | suspended, deleted | refuse |
//! | is new | by provider or mailbox | gave the address up, and can take it back | ask for another address |
//!
//! The rule stands for users in `docs/social-login.md`.

use crate::error::Kind;
use crate::model::account::AddressPolicy;

/// What proves that an address belongs to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressEvidence {
    None,
    /// The provider's word.
    Provider,
    /// A code that was mailed to the address.
    Mailbox,
}

/// The account here that has the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressHolder {
    Nobody,
    /// An account with the address that has not proved it.
    Unproved,
    Proved,
    /// One with a second factor, or with more rights than everyone has.
    Guarded,
    Suspended,
    Deleted,
    /// Another account gave the address up recently, and can take it back.
    Reserved,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkDecision {
    LogIn,
    Create,
    CreateWithoutAddress,
    /// The account becomes the person's, without anything that was on it.
    TakeOver,
    Connect,
    AskAddress,
    AskProof,
    AskLogin,
    Refuse(Kind),
}

/// Applies the rule.
#[must_use]
pub fn decide(
    is_connected: bool,
    evidence: AddressEvidence,
    holder: AddressHolder,
    policy: AddressPolicy,
) -> LinkDecision {
    match (is_connected, evidence, holder) {
        (true, ..) => LinkDecision::LogIn,
        (false, AddressEvidence::None, _) if policy == AddressPolicy::Optional => {
            LinkDecision::CreateWithoutAddress
        }
        (false, AddressEvidence::None, _) | (false, _, AddressHolder::Reserved) => {
            LinkDecision::AskAddress
        }
        (false, _, AddressHolder::Nobody) => LinkDecision::Create,
        (false, _, AddressHolder::Suspended) => LinkDecision::Refuse(Kind::AccountSuspended),
        (false, _, AddressHolder::Deleted) => LinkDecision::Refuse(Kind::AccountDeleted),
        (false, _, AddressHolder::Guarded) => LinkDecision::AskLogin,
        (false, _, AddressHolder::Unproved) => LinkDecision::TakeOver,
        (false, AddressEvidence::Provider, AddressHolder::Proved) => LinkDecision::AskProof,
        (false, AddressEvidence::Mailbox, AddressHolder::Proved) => LinkDecision::Connect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIDENCE: [AddressEvidence; 3] =
        [AddressEvidence::None, AddressEvidence::Provider, AddressEvidence::Mailbox];
    const POLICIES: [AddressPolicy; 2] = [AddressPolicy::Required, AddressPolicy::Optional];
    const HOLDERS: [AddressHolder; 7] = [
        AddressHolder::Nobody,
        AddressHolder::Unproved,
        AddressHolder::Proved,
        AddressHolder::Guarded,
        AddressHolder::Suspended,
        AddressHolder::Deleted,
        AddressHolder::Reserved,
    ];

    #[test]
    fn a_connected_account_is_opened_with_any_address() {
        for evidence in EVIDENCE {
            for holder in HOLDERS {
                for policy in POLICIES {
                    assert_eq!(decide(true, evidence, holder, policy), LinkDecision::LogIn);
                }
            }
        }
    }

    #[test]
    fn without_a_proof_of_the_address_nothing_about_it_decides() {
        for holder in HOLDERS {
            let (none, required) = (AddressEvidence::None, AddressPolicy::Required);
            assert_eq!(decide(false, none, holder, required), LinkDecision::AskAddress);
            let decision = decide(false, none, holder, AddressPolicy::Optional);
            assert_eq!(decision, LinkDecision::CreateWithoutAddress, "{holder:?}");
        }
    }

    #[test]
    fn a_proved_account_is_connected_by_its_own_proof_alone() {
        use LinkDecision::{AskLogin, AskProof, Connect, Create, TakeOver};
        let (provider, mailbox) = (AddressEvidence::Provider, AddressEvidence::Mailbox);
        for (evidence, holder, expected) in [
            (provider, AddressHolder::Nobody, Create),
            (mailbox, AddressHolder::Nobody, Create),
            (provider, AddressHolder::Unproved, TakeOver),
            (mailbox, AddressHolder::Unproved, TakeOver),
            (provider, AddressHolder::Proved, AskProof),
            (mailbox, AddressHolder::Proved, Connect),
            (provider, AddressHolder::Guarded, AskLogin),
            (mailbox, AddressHolder::Guarded, AskLogin),
            (provider, AddressHolder::Suspended, LinkDecision::Refuse(Kind::AccountSuspended)),
            (mailbox, AddressHolder::Deleted, LinkDecision::Refuse(Kind::AccountDeleted)),
            (provider, AddressHolder::Reserved, LinkDecision::AskAddress),
        ] {
            for policy in POLICIES {
                let decision = decide(false, evidence, holder, policy);
                assert_eq!(decision, expected, "{evidence:?} {holder:?} {policy:?}");
            }
        }
    }
}
