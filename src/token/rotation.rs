//! Key rotation: a new key is published, then signs, and the old one stays until its last token has
//! expired.
//!
//! New keys are made before the write that puts them in force, based on the stored keys. If the
//! epoch has risen since, nothing is written. For when to rotate, and who may, see `identity::system::key`.

use crate::config;
use crate::env::Env;
use crate::error::{Detail, Result};
use crate::model::Time;
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::tables::keys as rows;

use super::ring::{MARGIN, Ring, make_refresh, make_signing};

/// When the new key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// After the lead time, so that every service that caches the public keys has the new one by
    /// then.
    AfterLead,
    AtOnce,
}

/// What happens to the previous keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// They verify until their last token has expired.
    Expire,
    /// They stop verifying immediately, which invalidates every access and refresh token issued so
    /// far.
    Die,
}

/// What a rotation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// When the new key signs. With [`Old::Die`] it always signs immediately.
    pub begin: Begin,
    /// What happens to the previous keys.
    pub old: Old,
}

/// New keys, made and sealed, ready to be stored.
#[derive(Debug, Clone)]
pub struct NewKeys {
    signing: rows::SigningKey,
    refresh: rows::RefreshKey,
    old: Old,
    /// Epoch of the keys that these replace.
    after: i64,
    access: std::time::Duration,
}

impl NewKeys {
    /// The id of the new signing key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.signing.id
    }

    /// Puts the keys in force, inside a write. Returns `false` and changes nothing if the keys have
    /// changed since these were made. Refresh tokens under the old keys stay valid until
    /// `refresh_until`, or as long as their sessions if it is `None`.
    pub fn put(&self, db: &mut dyn Db, refresh_until: Option<Time>) -> Result<bool> {
        // Every change of keys updates the epoch's row, so two rotations cannot both succeed.
        if !rows::raise_epoch_from(db, self.after)? {
            return Ok(false);
        }
        rows::put_signing_key(db, &self.signing)?;
        rows::insert_refresh_key(db, &self.refresh)?;
        let (kid, from, version) =
            (&self.signing.id, self.signing.signs_from, self.refresh.version);
        if self.old == Old::Die {
            rows::revoke_signing_keys(db, kid, from)?;
            rows::revoke_refresh_keys(db, version, from)?;
            return Ok(true);
        }
        rows::cancel_signing_keys(db, kid, from)?;
        rows::supersede_signing_keys(db, kid, from + self.access + MARGIN)?;
        if let Some(until) = refresh_until {
            rows::supersede_refresh_keys(db, version, until + MARGIN)?;
        }
        Ok(true)
    }
}

/// Makes the keys that replace these.
pub(super) fn make(
    rotation: Rotation,
    ring: &Ring,
    config: &config::TokensConfig,
    master: &MasterKey,
    env: &Env,
) -> Result<NewKeys> {
    refuse_foreign(ring, config)?;
    let mut signing = make_signing(config, master, env)?;
    if rotation.begin == Begin::AfterLead && rotation.old == Old::Expire {
        signing.signs_from = signing.created_at + config.lead;
    }
    Ok(NewKeys {
        signing,
        refresh: make_refresh(ring.next_refresh, master, env)?,
        old: rotation.old,
        after: ring.epoch,
        access: config.access,
    })
}

/// Refuses to rotate a secret that the configuration holds, because only the operator can replace
/// it there. Also refuses a command whose configuration differs from the server's: it would put a
/// key in force that the server does not sign with.
fn refuse_foreign(ring: &Ring, config: &config::TokensConfig) -> Result<()> {
    if has_secret(config) {
        return Err(Detail::ConfiguredSecret.into());
    }
    if ring.newest().is_none() {
        return Err(Detail::ForeignKeys.into());
    }
    Ok(())
}

fn has_secret(config: &config::TokensConfig) -> bool {
    config.algorithm.is_shared() && config.secret.is_some()
}

/// Whether the newest key has reached the configured maximum age.
pub(super) fn is_due(ring: &Ring, config: &config::TokensConfig, now: Time) -> bool {
    let Some(every) = config.rotate_every.filter(|_| !has_secret(config)) else { return false };
    ring.newest().is_some_and(|held| now.since(held.created_at) >= every)
}

#[cfg(test)]
mod tests {
    use crate::config::Algorithm;
    use std::time::Duration;

    use super::*;
    use crate::token::fixture::{Instance, START, token};
    use crate::token::tests::part;

    const LATER: Rotation = Rotation { begin: Begin::AfterLead, old: Old::Expire };
    const NOW: Rotation = Rotation { begin: Begin::AtOnce, old: Old::Expire };
    const REVOKED: Rotation = Rotation { begin: Begin::AfterLead, old: Old::Die };

    fn prepared(instance: &mut Instance, rotation: Rotation) -> Result<NewKeys> {
        let ring = instance.ring()?;
        make(rotation, &ring, &instance.config, &instance.master, &instance.env)
    }

    fn rotated(instance: &mut Instance, rotation: Rotation) -> String {
        let keys = prepared(instance, rotation).unwrap();
        assert!(keys.put(&mut instance.db, None).unwrap());
        keys.kid().to_owned()
    }

    fn signer(instance: &mut Instance, seconds: i64) -> String {
        let ring = instance.ring().unwrap();
        ring.signer(Time::from_seconds(seconds)).unwrap().kid.to_string()
    }

    fn published(instance: &mut Instance, seconds: i64) -> usize {
        instance.ring().unwrap().jwks(Time::from_seconds(seconds))["keys"].as_array().unwrap().len()
    }

    #[test]
    fn a_new_key_signs_after_the_lead_and_the_old_one_lasts_as_long_as_its_tokens() {
        let mut instance = Instance::new(Algorithm::EdDsa);
        let old = part(&token(&instance.start()).token, 0)["kid"].as_str().unwrap().to_owned();
        let new = rotated(&mut instance, LATER);
        assert_eq!(
            (signer(&mut instance, START + 599), signer(&mut instance, START + 600)),
            (old, new)
        );
        assert_eq!(published(&mut instance, START), 2);
        assert_eq!(published(&mut instance, START + 600 + 900 + 59), 2);
        instance.set_clock(START + 600 + 900 + 60);
        assert_eq!(rows::purge(&mut instance.db, instance.env.now()).unwrap(), 1);
        assert_eq!(published(&mut instance, START), 1);
    }

    #[test]
    fn a_key_that_signs_at_once_goes_before_one_that_waits_and_that_one_never_signs() {
        let mut instance = Instance::new(Algorithm::Es256);
        instance.start();
        rotated(&mut instance, LATER);
        instance.set_clock(START + 60);
        let new = rotated(&mut instance, NOW);
        for seconds in [START + 60, START + 600, START + 5000] {
            assert_eq!(signer(&mut instance, seconds), new);
        }
    }

    #[test]
    fn of_two_rotations_in_a_row_each_key_signs_in_its_turn() {
        let mut instance = Instance::new(Algorithm::Es256);
        instance.start();
        let one = rotated(&mut instance, LATER);
        instance.set_clock(START + 60);
        let two = rotated(&mut instance, LATER);
        assert_eq!(
            (signer(&mut instance, START + 600), signer(&mut instance, START + 660)),
            (one, two)
        );
        assert_eq!(published(&mut instance, START + 659 + 900), 3);
    }

    #[test]
    fn of_keys_made_in_one_millisecond_the_last_one_signs_and_none_dies_before_its_tokens() {
        let mut instance = Instance::new(Algorithm::Es256);
        let mint = instance.start();
        for _ in 0..8 {
            let before = token(&mint).token;
            let new = rotated(&mut instance, NOW);
            assert_eq!(signer(&mut instance, START), new);
            mint.replace(instance.ring().unwrap());
            assert!(mint.verify(&before).is_ok());
        }
        rotated(&mut instance, LATER);
        instance.set_clock(START + 599);
        mint.replace(instance.ring().unwrap());
        let last = token(&mint).token;
        instance.set_clock(START + 599 + 899);
        assert!(mint.verify(&last).is_ok());
    }

    #[test]
    fn revoking_leaves_one_signing_key_and_one_refresh_key() {
        let mut instance = Instance::new(Algorithm::Es256);
        instance.start();
        rotated(&mut instance, LATER);
        let new = rotated(&mut instance, REVOKED);
        assert_eq!((signer(&mut instance, START), published(&mut instance, START)), (new, 1));
        let refresh = rows::refresh_keys(&mut instance.db).unwrap();
        let live: Vec<_> = refresh
            .iter()
            .filter(|key| key.verifies_until.is_none())
            .map(|key| key.version)
            .collect();
        assert_eq!(live, [3]);
    }

    #[test]
    fn keys_made_on_what_has_changed_since_are_not_put_in_force() {
        let mut instance = Instance::new(Algorithm::Es256);
        instance.start();
        let late = prepared(&mut instance, NOW).unwrap();
        rotated(&mut instance, NOW);
        assert!(!late.put(&mut instance.db, None).unwrap());
        assert_eq!(rows::signing_keys(&mut instance.db).unwrap().len(), 2);
    }

    #[test]
    fn what_the_configuration_holds_is_not_rotated_here() {
        let mut instance = Instance::with_secret(crate::token::tests::SHARED);
        instance.config.rotate_every = Some(Duration::from_hours(1));
        instance.start();
        let error = prepared(&mut instance, NOW).unwrap_err();
        assert_eq!(error.detail(), Some(&Detail::ConfiguredSecret));
        instance.config.secret = None;
        let error = prepared(&mut instance, NOW).unwrap_err();
        assert_eq!(error.detail(), Some(&Detail::ForeignKeys));
    }

    #[test]
    fn a_key_is_due_when_it_is_as_old_as_it_may_become() {
        let mut instance = Instance::new(Algorithm::Es256);
        instance.start();
        let due = |instance: &mut Instance, seconds| {
            let ring = instance.ring().unwrap();
            is_due(&ring, &instance.config, Time::from_seconds(seconds))
        };
        assert!(!due(&mut instance, START + 1_000_000));
        instance.config.rotate_every = Some(Duration::from_secs(1000));
        assert!(!due(&mut instance, START + 999) && due(&mut instance, START + 1000));
        instance.set_clock(START + 1000);
        rotated(&mut instance, LATER);
        assert!(!due(&mut instance, START + 1600));
    }
}
