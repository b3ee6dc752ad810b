//! Which scheme is computed for a name without a password, so that the response time does not
//! reveal whether the name exists.
//!
//! Imported hashes can cost many times as much as new ones. A name without a password therefore
//! always gets the same scheme, drawn with a secret key. All such names together get the schemes in
//! the proportions in which the accounts have them.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac;

use super::scheme::Scheme;

/// The schemes of the accounts, and the draw among them.
pub(super) struct DummyScheme {
    key: RwLock<hmac::Key>,
    /// Each scheme with the cumulative number of accounts.
    shares: RwLock<Vec<(Scheme, u64)>>,
    today: Scheme,
}

impl DummyScheme {
    /// Every name gets today's scheme until [`DummyScheme::learn`] is called.
    pub(super) fn new(today: Scheme, key: &[u8; 32]) -> Self {
        Self { key: RwLock::new(keyed(key)), shares: RwLock::default(), today }
    }

    /// Replaces the key.
    pub(super) fn rekey(&self, key: &[u8; 32]) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = keyed(key);
    }

    /// Sets the schemes and how many accounts have each. Schemes that cannot be parsed or are no
    /// longer accepted are left out.
    pub(super) fn learn(&self, schemes: Vec<(String, u64)>) {
        let mut known: Vec<(Scheme, u64)> = schemes
            .into_iter()
            .filter_map(|(text, accounts)| text.parse().ok().map(|scheme| (scheme, accounts)))
            .filter(|(_, accounts)| *accounts > 0)
            .collect();
        // Today's scheme comes first, the rest in a fixed order. Accounts move to today's scheme
        // one by one. As its share grows, names without an account move to it too, and no name
        // changes from one old scheme to another.
        known.sort_by_key(|(scheme, _)| (*scheme != self.today, *scheme));
        let mut sum = 0_u64;
        for (_, accounts) in &mut known {
            sum = sum.saturating_add(*accounts);
            *accounts = sum;
        }
        *self.shares.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// The scheme for this name.
    pub(super) fn scheme(&self, name: &str) -> Scheme {
        let shares = self.shares.read().unwrap_or_else(PoisonError::into_inner);
        let Some((_, all)) = shares.last() else { return self.today };
        let tag =
            hmac::sign(&self.key.read().unwrap_or_else(PoisonError::into_inner), name.as_bytes());
        let drawn =
            tag.as_ref().iter().take(8).fold(0_u64, |point, &byte| point << 8 | u64::from(byte));
        // A point between 0 and 1, scaled to the total: when the total grows, no name moves further
        // than the proportions did.
        let place = u64::try_from((u128::from(drawn) * u128::from(*all)) >> 64).unwrap_or(0);
        shares.iter().find(|(_, upto)| place < *upto).map_or(self.today, |(scheme, _)| *scheme)
    }
}

fn keyed(key: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw() -> DummyScheme {
        DummyScheme::new("argon2id:64:1:1".parse().unwrap(), &[7; 32])
    }

    fn share(draw: &DummyScheme, scheme: &str) -> usize {
        (0..1000)
            .filter(|i| draw.scheme(&format!("user{i}@example.com")).to_string() == scheme)
            .count()
    }

    #[test]
    fn until_something_is_learnt_everybody_draws_todays() {
        assert_eq!(share(&draw(), "argon2id:64:1:1"), 1000);
    }

    #[test]
    fn names_draw_in_the_proportions_of_the_accounts() {
        let draw = draw();
        let learnt = [
            ("bcrypt:12", 30),
            ("argon2id:64:1:1", 70),
            ("md5", 1_000_000),
            ("bcrypt:31", 900),
            ("bcrypt:4", 0),
        ];
        draw.learn(learnt.map(|(scheme, accounts)| (scheme.to_owned(), accounts)).to_vec());
        let old = share(&draw, "bcrypt:12");
        assert!((250..350).contains(&old), "{old}");
        assert_eq!(share(&draw, "argon2id:64:1:1"), 1000 - old);
    }

    #[test]
    fn a_name_always_draws_the_same_and_another_key_draws_otherwise() {
        let schemes = vec![("bcrypt:12".to_owned(), 1), ("argon2id:64:1:1".to_owned(), 1)];
        let all =
            |draw: &DummyScheme| (0..64).map(|i| draw.scheme(&i.to_string())).collect::<Vec<_>>();
        let (one, two) = (draw(), draw());
        one.learn(schemes.clone());
        two.learn(schemes);
        assert_eq!(all(&one), all(&two));
        two.rekey(&[8; 32]);
        assert_ne!(all(&one), all(&two));
    }

    #[test]
    fn when_accounts_are_upgraded_no_name_goes_back_to_an_old_scheme() {
        let draw = draw();
        let learn = |old, new| {
            draw.learn(vec![("bcrypt:12".to_owned(), old), ("argon2id:64:1:1".to_owned(), new)]);
        };
        let names = (0..200).map(|i| format!("n{i}"));
        learn(50, 50);
        let before: Vec<String> = names.filter(|name| draw.scheme(name) == draw.today).collect();
        learn(20, 80);
        assert!(before.iter().all(|name| draw.scheme(name) == draw.today));
    }
}
