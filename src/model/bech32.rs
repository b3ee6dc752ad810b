//! Bech32 (BIP 173), the text form of age keys, without its limit of 90 characters.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The length of the checksum in characters.
const CHECKSUM: usize = 6;
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// The bytes of a text with this prefix, which must be written in the prefix's case throughout.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let (found, data) = text.rsplit_once('1')?;
    let is_upper = prefix.bytes().any(|byte| byte.is_ascii_uppercase());
    let other_case = |byte: u8| {
        if is_upper { byte.is_ascii_lowercase() } else { byte.is_ascii_uppercase() }
    };
    if found != prefix || data.len() < CHECKSUM || data.bytes().any(other_case) {
        return None;
    }
    let value = |byte: u8| {
        let at = ALPHABET.iter().position(|one| *one == byte.to_ascii_lowercase())?;
        u8::try_from(at).ok()
    };
    let values: Vec<u8> = data.bytes().map(value).collect::<Option<_>>()?;
    if checksum(prefix, &values) != 1 {
        return None;
    }
    to_bytes(&values[..values.len() - CHECKSUM])
}

/// The checksum of the prefix, its halves apart, and the values: 1 if it is right.
fn checksum(prefix: &str, values: &[u8]) -> u32 {
    let lower = prefix.to_ascii_lowercase();
    let high = lower.bytes().map(|byte| byte >> 5);
    let low = lower.bytes().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    all.fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(next, |sum, bit| sum ^ GENERATOR[bit])
    })
}

/// Joins values of five bits to bytes. What is left over must be less than a value, and zero.
fn to_bytes(values: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(values.len() * 5 / 8), 0_u32, 0);
    for value in values {
        held = held << 5 | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (bits < 5 && held == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The valid strings of BIP 173 whose data is whole bytes, or none.
    #[test]
    fn the_strings_of_the_specification_are_read() {
        assert_eq!(decode("A", "A12UEL5L"), Some(vec![]));
        assert_eq!(decode("a", "a12uel5l"), Some(vec![]));
        let split = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w";
        assert_eq!(decode("split", split).unwrap()[..3], [0xc5, 0xf3, 0x8b]);
    }

    #[test]
    fn one_wrong_character_is_noticed_wherever_it_is() {
        let right = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
        assert_eq!(decode("age", right).unwrap().len(), 32);
        for at in 4..right.len() {
            let mut wrong = right.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            assert_eq!(decode("age", std::str::from_utf8(&wrong).unwrap()), None, "{at}");
        }
        assert_eq!(decode("age", &right[..right.len() - 1]), None);
        assert_eq!(decode("age", &right.to_uppercase()), None);
        assert_eq!(decode("age", &right.replacen('t', "T", 1)), None);
        for bad in ["", "1", "age1", "age", "1age", "age1éééééé"] {
            assert_eq!(decode("age", bad), None, "{bad}");
        }
    }
}
