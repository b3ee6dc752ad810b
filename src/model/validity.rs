//! Reads the time for which an X.509 certificate is valid (RFC 5280, section 4.1.2.5). The TLS
//! library checks the certificates of others, but does not say when its own expires.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::Time;
use super::der::element;

const SEQUENCE: u8 = 0x30;
/// The version, which is in an explicit tag.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last moment at which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub begins: Time,
    pub expires: Time,
}

impl Validity {
    /// Reads it from a certificate in DER; `None` if it is not one.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (tag, certificate, _) = element(certificate)?;
        let (inner_tag, mut fields, _) = element(certificate)?;
        if (tag, inner_tag) != (SEQUENCE, SEQUENCE) {
            return None;
        }
        if fields.first() == Some(&VERSION) {
            (_, _, fields) = element(fields)?;
        }
        // Serial number, signature algorithm and issuer.
        for _ in 0..3 {
            (_, _, fields) = element(fields)?;
        }
        let (SEQUENCE, validity, _) = element(fields)? else { return None };
        let (begins_tag, begins, rest) = element(validity)?;
        let (expires_tag, expires, _) = element(rest)?;
        Some(Self { begins: time(begins_tag, begins)?, expires: time(expires_tag, expires)? })
    }

    /// Whether less than a sixth of its life is left. It should have been renewed when a third was.
    #[must_use]
    pub fn ends_soon(self, now: Time) -> bool {
        self.expires.since(now) < self.expires.since(self.begins) / 6
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<Time> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year: i16 = digits[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let date = civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
    // The last moment that a certificate can name, which means never, is beyond the last timestamp.
    let stamp = date.ok()?.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |at| at.timestamp());
    Some(Time::from_seconds(stamp.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match u8::try_from(content.len()) {
            Ok(length @ 0..=0x7f) => bytes.push(length),
            Ok(length) => bytes.extend([0x81, length]),
            Err(_) => {
                bytes.push(0x82);
                bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            }
        }
        bytes.extend(content);
        bytes
    }

    fn certificate(begins: Vec<u8>, expires: &[u8], version: &[u8]) -> Vec<u8> {
        let validity = tagged(SEQUENCE, &[begins, expires.to_vec()].concat());
        let serial = tagged(2, &[7; 200]);
        let name = tagged(SEQUENCE, &[5; 300]);
        let fields = [version, &serial, &name, &name, &validity, &name].concat();
        tagged(SEQUENCE, &tagged(SEQUENCE, &fields))
    }

    #[test]
    fn both_forms_of_times_are_read_with_and_without_a_version() {
        let (begins, expires) = (b"991231235959Z", b"20500102030405Z");
        for version in [tagged(VERSION, &[2, 1, 2]), Vec::new()] {
            let der =
                certificate(tagged(UTC_TIME, begins), &tagged(GENERALIZED_TIME, expires), &version);
            let validity = Validity::of(&der).unwrap();
            assert_eq!(validity.begins, Time::from_seconds(946_684_799));
            assert_eq!(validity.expires, Time::from_seconds(2_524_705_445));
        }
    }

    #[test]
    fn a_certificate_that_never_expires_is_valid_until_the_last_time() {
        let (begins, never) = (tagged(UTC_TIME, b"200101000000Z"), b"99991231235959Z");
        let der = certificate(begins, &tagged(GENERALIZED_TIME, never), &[]);
        let validity = Validity::of(&der).unwrap();
        assert!(validity.expires > Time::from_seconds(253_000_000_000), "{validity:?}");
        assert!(!validity.ends_soon(Time::from_seconds(1_800_000_000)));
    }

    #[test]
    fn a_sixth_of_a_life_is_the_time_in_which_it_ends_soon() {
        let validity = Validity { begins: Time::from_seconds(0), expires: Time::from_seconds(600) };
        let ends_soon = |seconds| validity.ends_soon(Time::from_seconds(seconds));
        assert_eq!([0, 500, 501, 700].map(ends_soon), [false, false, true, true]);
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        let whole = certificate(
            tagged(UTC_TIME, b"200101000000Z"),
            &tagged(UTC_TIME, b"300101000000Z"),
            &[],
        );
        assert!(Validity::of(&whole).is_some());
        let tbs_end = whole.len() - 304;
        for cut in 0..tbs_end {
            assert_eq!(Validity::of(&whole[..cut]), None, "{cut}");
        }
        for bad in [&b"200101000000"[..], b"201301000000Z", b"2001010000Z", b"2001010000x0Z"] {
            let der = certificate(tagged(UTC_TIME, bad), &tagged(UTC_TIME, bad), &[]);
            assert_eq!(Validity::of(&der), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
