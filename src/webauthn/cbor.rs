//! Reads CBOR (RFC 8949) as authenticators write it: the CTAP2 canonical encoding. Lengths are
//! definite and numbers as short as they can be, the keys of a map are sorted and unique, nothing is
//! nested deeper than four levels, and nothing follows the item.

use super::CeremonyError;

/// How deep items may be nested.
const DEEPEST: usize = 4;

/// An item that borrows its strings from the input.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item<'a> {
    Unsigned(u64),
    /// The number −1 − n.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    Bool(bool),
    Null,
}

impl<'a> Item<'a> {
    /// The value of a key that is a number.
    pub(super) fn at(&self, key: i64) -> Option<&Item<'a>> {
        self.find(|item| item.as_int() == Some(key))
    }

    /// The value of a key that is a text.
    pub(super) fn of(&self, key: &str) -> Option<&Item<'a>> {
        self.find(|item| *item == Item::Text(key))
    }

    fn find(&self, is_key: impl Fn(&Item<'a>) -> bool) -> Option<&Item<'a>> {
        let Item::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| is_key(key)).map(|(_, value)| value)
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Item::Unsigned(n) => i64::try_from(*n).ok(),
            Item::Negative(n) => i64::try_from(*n).ok().map(|n| -1 - n),
            _ => None,
        }
    }

    pub(super) fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Reads the only item of the input.
pub(super) fn parse(bytes: &[u8]) -> Result<Item<'_>, CeremonyError> {
    let (item, rest) = parse_first(bytes)?;
    if rest.is_empty() { Ok(item) } else { Err(CeremonyError::Malformed) }
}

/// Reads the first item of the input. Returns what follows it.
pub(super) fn parse_first(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), CeremonyError> {
    let mut reader = CborReader { rest: bytes };
    let item = reader.item(1).ok_or(CeremonyError::Malformed)?;
    Ok((item, reader.rest))
}

struct CborReader<'a> {
    rest: &'a [u8],
}

impl<'a> CborReader<'a> {
    fn item(&mut self, depth: usize) -> Option<Item<'a>> {
        let [first] = *self.take::<1>()?;
        let (major, low) = (first >> 5, first & 0x1f);
        if major == 7 {
            return match low {
                20 => Some(Item::Bool(false)),
                21 => Some(Item::Bool(true)),
                22 => Some(Item::Null),
                _ => None,
            };
        }
        let number = self.number(low)?;
        match major {
            0 => Some(Item::Unsigned(number)),
            1 => Some(Item::Negative(number)),
            2 => Some(Item::Bytes(self.slice(number)?)),
            3 => Some(Item::Text(std::str::from_utf8(self.slice(number)?).ok()?)),
            4 => self.array(number, depth),
            5 => self.map(number, depth),
            _ => None,
        }
    }

    /// The number of a head. One that fits a shorter form is refused, and so is an indefinite length.
    fn number(&mut self, low: u8) -> Option<u64> {
        let (number, least) = match low {
            0..=23 => return Some(u64::from(low)),
            24 => (u64::from(u8::from_be_bytes(*self.take()?)), 24),
            25 => (u64::from(u16::from_be_bytes(*self.take()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(*self.take()?)), 1 << 16),
            27 => (u64::from_be_bytes(*self.take()?), 1 << 32),
            _ => return None,
        };
        (number >= least).then_some(number)
    }

    /// Nothing is allocated for a count that the input only announces: every entry has a byte at
    /// least.
    fn array(&mut self, count: u64, depth: usize) -> Option<Item<'a>> {
        self.may_hold(count, depth)?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.item(depth + 1)?);
        }
        Some(Item::Array(items))
    }

    fn map(&mut self, count: u64, depth: usize) -> Option<Item<'a>> {
        self.may_hold(count, depth)?;
        let mut pairs = Vec::new();
        let mut last: Option<&'a [u8]> = None;
        for _ in 0..count {
            let before = self.rest;
            let key = self.item(depth + 1)?;
            let encoded = &before[..before.len() - self.rest.len()];
            if last.is_some_and(|last| !is_sorted(last, encoded)) {
                return None;
            }
            last = Some(encoded);
            pairs.push((key, self.item(depth + 1)?));
        }
        Some(Item::Map(pairs))
    }

    fn may_hold(&self, count: u64, depth: usize) -> Option<()> {
        let fits = usize::try_from(count).is_ok_and(|count| count <= self.rest.len());
        (fits && depth <= DEEPEST).then_some(())
    }

    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(taken)
    }

    fn slice(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

/// The order of map keys in the CTAP2 canonical encoding: by major type, then the shorter first, then
/// by bytes. Equal keys are not in order.
fn is_sorted(one: &[u8], next: &[u8]) -> bool {
    let rank = |key: &[u8]| (key.first().map(|first| first >> 5), key.len());
    (rank(one), one) < (rank(next), next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn canonical_items_are_read() {
        let bytes = hex("a401020326010b20f5");
        let bytes_of_map = hex("a3010203262001");
        let map = parse(&bytes_of_map).unwrap();
        assert_eq!(map.at(3).and_then(Item::as_int), Some(-7));
        assert_eq!(map.at(-1).and_then(Item::as_int), Some(1));
        assert_eq!(map.at(9), None);
        assert!(parse(&bytes).is_err(), "keys 1, 3, 1: twice and out of order");
        assert_eq!(parse(&hex("1818")), Ok(Item::Unsigned(24)));
        assert_eq!(parse(&[0x42, 1, 255]), Ok(Item::Bytes(&[1, 255])));
        assert_eq!(parse(&hex("82f4f6")), Ok(Item::Array(vec![Item::Bool(false), Item::Null])));
        assert_eq!(parse(b"\x61a"), Ok(Item::Text("a")));
        assert_eq!(parse(&hex("3bffffffffffffffff")), Ok(Item::Negative(u64::MAX)));
    }

    #[test]
    fn everything_else_is_refused() {
        for (bad, why) in [
            ("", "nothing"),
            ("0000", "trailing bytes"),
            ("1817", "23 in two bytes"),
            ("190018", "24 in three bytes"),
            ("1a0000ffff", "65535 in five bytes"),
            ("1b00000000ffffffff", "a 32-bit number in nine bytes"),
            ("5f4100ff", "an indefinite byte string"),
            ("9f00ff", "an indefinite array"),
            ("bf0000ff", "an indefinite map"),
            ("42ff", "a string that is cut"),
            ("61ff", "text that is not UTF-8"),
            ("c000", "a tag"),
            ("f90000", "a float"),
            ("f7", "undefined"),
            ("f815", "a simple value in two bytes"),
            ("a201000100", "a key twice"),
            ("a202000100", "keys out of order"),
            ("a22000010 0", "a negative key before a positive one"),
            ("a26162006161 00", "text keys out of order"),
            ("9bffffffffffffffff", "more entries than bytes"),
            ("bbffffffffffffffff", "more pairs than bytes"),
            ("818181818100", "five levels"),
        ] {
            assert!(parse(&hex(&bad.replace(' ', ""))).is_err(), "{why}");
        }
        assert!(parse(&hex("8181818100")).is_ok(), "four levels");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((_, rest)) = parse_first(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
