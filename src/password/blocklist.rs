//! Which passwords an attacker would guess: common ones, and those composed of common pieces.
//!
//! The embedded list (`static/passwords/common.txt`) has one word a line, sorted, and is searched
//! in place. A password is rated by the cheapest way to compose it from words of the list, keyboard
//! rows, sequences, repetitions, years, and a few digits and signs: `Password123!` and
//! `1qaz2wsx3edc` are cheap, four dictionary words are expensive.

use crate::model::text::fold;

/// One word a line, lower case, sorted by bytes.
const COMMON: &str = include_str!("../../static/passwords/common.txt");

/// The longest word that is looked up, in characters.
const LONGEST_WORD: usize = 24;
/// The shortest run of adjacent or equal characters that counts as one piece.
const SHORTEST_RUN: usize = 3;
/// Repeating a unit of fewer characters than this does not make a good password.
const SHORTEST_UNIT: usize = 8;

/// The highest cost of a password that counts as guessable: two common words, or one with digits
/// and signs around it.
const AFFORDABLE: u32 = 8;
const WORD: u32 = 4;
const OWN_WORD: u32 = 2;
const RUN: u32 = 2;
const FEW_DIGITS: u32 = 2;
const SIGN: u32 = 1;
const LETTER: u32 = 3;

/// Keyboard rows, columns and diagonals, alphabets and counting. They are matched in both
/// directions.
const LINES: [&str; 28] = [
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm,.-",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn,;:!",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
    "!@#$%^&*()_+",
    "13579",
    "24680",
    "147258369",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "0p;/",
    "!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik<",
];

/// A password to be rated.
pub(super) struct Guess {
    letters: Vec<char>,
}

impl Guess {
    /// Takes a password of any length. Its case is ignored, because only the cheapest reading
    /// counts.
    pub(super) fn of(password: &str) -> Self {
        Self { letters: fold(password).chars().collect() }
    }

    /// Whether the password is on the list, or composed of common pieces.
    pub(super) fn is_common(&self) -> bool {
        is_cheap(&self.letters, &[])
    }

    /// Whether the password is composed of these words and common pieces, with at least one of
    /// these words.
    pub(super) fn is_made_of(&self, own: &[String]) -> bool {
        let own: Vec<Vec<char>> = own.iter().map(|word| word.chars().collect()).collect();
        !own.is_empty() && is_cheap(&self.letters, &own)
    }
}

fn is_cheap(letters: &[char], own: &[Vec<char>]) -> bool {
    let unit = repeated_unit(letters);
    if unit.len() < letters.len() && unit.len() < SHORTEST_UNIT && own.is_empty() {
        return true;
    }
    cost(unit, own).is_some_and(|cost| cost <= AFFORDABLE)
}

/// The shortest prefix that gives the whole text when repeated, or the whole text if there is none.
fn repeated_unit(letters: &[char]) -> &[char] {
    let whole = letters.len();
    let unit = (1..=whole / 2).find(|&unit| {
        whole.is_multiple_of(unit)
            && letters.iter().zip(letters.iter().skip(unit)).all(|(one, other)| one == other)
    });
    letters.get(..unit.unwrap_or(whole)).unwrap_or(letters)
}

/// The cost of the cheapest composition, if it is affordable. If `own` has words, one of them must
/// be used.
fn cost(letters: &[char], own: &[Vec<char>]) -> Option<u32> {
    // For each position: the cheapest way there without and with a word of `own`.
    let mut best = vec![[None::<u32>; 2]; letters.len() + 1];
    best[0][0] = Some(0);
    for place in 0..letters.len() {
        let reached = best[place];
        if reached == [None, None] {
            continue;
        }
        for piece in pieces(&letters[place..], own) {
            for (used, so_far) in reached.iter().enumerate() {
                let Some(cost) =
                    so_far.map(|cost| cost + piece.cost).filter(|cost| *cost <= AFFORDABLE)
                else {
                    continue;
                };
                let there = &mut best[place + piece.length][used | usize::from(piece.own)];
                *there = Some(there.map_or(cost, |before| before.min(cost)));
            }
        }
    }
    best[letters.len()][usize::from(!own.is_empty())]
}

/// The next piece of a password.
struct Continuation {
    length: usize,
    cost: u32,
    own: bool,
}

fn pieces(rest: &[char], own: &[Vec<char>]) -> Vec<Continuation> {
    let mut found = Vec::new();
    let mut add = |length, cost, own| found.push(Continuation { length, cost, own });
    add(1, if rest[0].is_alphanumeric() { LETTER } else { SIGN }, false);
    let digits = rest.iter().take(3).take_while(|letter| letter.is_ascii_digit()).count();
    (1..=digits).for_each(|length| add(length, FEW_DIGITS, false));
    if is_year(rest) {
        add(4, FEW_DIGITS, false);
    }
    let run = longest_run(rest);
    (SHORTEST_RUN..=run).for_each(|length| add(length, RUN, false));
    for one in ['i', 'l'] {
        let plain: Vec<char> =
            rest.iter().take(LONGEST_WORD).map(|&letter| unmasked(letter, one)).collect();
        for word in own.iter().filter(|word| plain.starts_with(word) || rest.starts_with(word)) {
            add(word.len(), OWN_WORD, true);
        }
        for spelling in [&plain[..], &rest[..plain.len()]] {
            words_at(spelling).for_each(|length| add(length, WORD, false));
        }
    }
    found
}

/// The lengths of the common words that the text begins with.
fn words_at(letters: &[char]) -> impl Iterator<Item = usize> {
    let mut word = String::new();
    letters.iter().enumerate().filter_map(move |(index, letter)| {
        word.push(*letter);
        is_listed(&word).then_some(index + 1)
    })
}

/// The letter that a digit or sign stands for in a word; a 1 may be an i or an l.
fn unmasked(letter: char, one: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}

fn is_year(rest: &[char]) -> bool {
    let century = matches!(rest, ['1', '9', ..] | ['2', '0', ..]);
    century && rest.len() >= 4 && rest[2..4].iter().all(char::is_ascii_digit)
}

/// How many of the first characters are equal, or adjacent in one line of [`LINES`].
fn longest_run(rest: &[char]) -> usize {
    let equal = rest.iter().take_while(|letter| **letter == rest[0]).count();
    let lines = LINES
        .iter()
        .flat_map(|line| [follow(rest, line.chars()), follow(rest, line.chars().rev())]);
    lines.max().unwrap_or(0).max(equal)
}

/// How far the text follows this line, starting wherever the line has the text's first character.
fn follow(rest: &[char], line: impl Iterator<Item = char> + Clone) -> usize {
    let mut from = line;
    let mut farthest = 0;
    while let Some(_first) = from.by_ref().find(|letter| *letter == rest[0]) {
        let along = rest[1..]
            .iter()
            .zip(from.clone())
            .take_while(|(letter, next)| **letter == *next)
            .count();
        farthest = farthest.max(1 + along);
    }
    farthest
}

/// Searches the list in place.
fn is_listed(word: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = COMMON.as_bytes()[low..middle]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(low, |at| low + at + 1);
        let end = COMMON.as_bytes()[start..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(COMMON.len(), |at| start + at);
        match COMMON.as_bytes()[start..end].cmp(word.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_common(password: &str) -> bool {
        Guess::of(password).is_common()
    }

    const TWELVE_AND_MORE: &str = "
        123456789012 1234567890123 123456123456 111111111111 000000000000 123123123123 password1234
        Password123! P@ssw0rd1234 p455w0rd2024 Passw0rd!2023 passwordpassword password123456
        PASSWORD12345 mypassword123 password@123 Welcome12345 Welcome2024! qwertyuiop12 qwertyuiop123
        qwerty123456 Qwerty12345! 1qaz2wsx3edc !QAZ2wsx#EDC 1qaz2wsx3edc4rfv zaq12wsxcde3 q1w2e3r4t5y6
        1q2w3e4r5t6y qazwsxedcrfv asdfghjkl123 zxcvbnm12345 abcdefghijkl abcdefgh1234 abc123abc123
        aaaaaaaaaaaa abababababab qwertyqwerty iloveyou1234 iloveyou2020 iloveyou!!!! letmein12345
        administrator Administrator1! admin1234567 adminadmin123 changeme1234 football2023 baseball1234
        princess1234 sunshine2021! superman12345 michael123456 jennifer1999 Summer2024!! Winter2023!!
        trustno1trustno1 starwars1977 dragonmaster mustang19690 secretsecret testtesttest 987654321098
        147258369147 qwertzuiop12 azertyuiop12 йцукенгшщзхъ
    ";

    #[test]
    fn the_list_is_sorted_folded_and_found_whole() {
        let words: Vec<&str> = COMMON.lines().collect();
        assert!(words.is_sorted() && words.len() > 2000, "{} words", words.len());
        for (index, word) in words.iter().enumerate() {
            assert!((4..=LONGEST_WORD).contains(&word.chars().count()), "{word}");
            assert!(
                word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()),
                "{word}"
            );
            assert!(index == 0 || words[index - 1] != *word, "{word} twice");
            assert!(is_listed(word), "{word}");
            assert!(!is_listed(&format!("{word}~")) && !is_listed(&word[..1]));
        }
        assert!(!is_listed("") && !is_listed("~") && !is_listed("\n"));
    }

    #[test]
    fn common_passwords_of_twelve_and_more_are_known() {
        for password in TWELVE_AND_MORE.split_whitespace() {
            assert!(password.chars().count() >= 12 && is_common(password), "{password}");
        }
    }

    #[test]
    fn shorter_ones_are_known_where_the_setting_allows_them() {
        for password in [
            "password", "12345678", "iloveyou", "qwerty12", "football", "sunshine", "trustno1",
            "abcd1234",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn uncommon_passwords_are_accepted() {
        for password in [
            "correct horse battery staple",
            "correcthorsebatterystaple",
            "xkQ7#mwz0Lpv",
            "Tr0ub4dor&3xyz",
            "vZ9qL2tRw8Kx",
            "my dog ate 14 pancakes",
            "gelbe Hängematte am Fjord",
            "SecurePassw0rd!quokka",
            "7391 0584 2216 90",
            "猫は今日も窓辺で眠っている",
            "purple-otter-lantern",
            "NewSecurePassword456$x",
            "",
            "a",
        ] {
            assert!(password.len() < 2 || !is_common(password), "{password}");
        }
    }

    #[test]
    fn a_password_made_of_personal_words_is_not_one_that_contains_one() {
        let own = ["perfect21", "alice", "wonderland"].map(str::to_owned);
        let made = |password: &str| Guess::of(password).is_made_of(&own);
        for password in [
            "alicewonderland",
            "Alice.Wonderland!",
            "Alice2024!!!",
            "4l1c3-w0nd3rl4nd",
            "aliceAlice12",
            "perfect21perfect21",
            "Perfect21-2024",
            "alicepassword1",
        ] {
            assert!(made(password), "{password}");
        }
        for password in [
            "malice in the palace",
            "alice keeps bees upstairs",
            "password1234",
            "wonderlands of jupiter",
            "",
        ] {
            assert!(!made(password), "{password}");
        }
        assert!(!Guess::of("password1234").is_made_of(&[]));
    }

    #[test]
    fn the_longest_password_is_measured_quickly_and_without_a_panic() {
        for password in [
            "a1".repeat(128),
            "password".repeat(32),
            "é✓".repeat(128),
            "x".repeat(256),
            "qaz".repeat(85),
        ] {
            assert!(is_common(&password), "made of a short unit");
        }
        let long: String = (0..256_u32).filter_map(|i| char::from_u32(33 + i * 7 % 90)).collect();
        assert!(!is_common(&long));
    }

    proptest::proptest! {
        #[test]
        fn measuring_never_panics(password in "\\PC{0,40}", own in "\\PC{0,6}") {
            let guess = Guess::of(&password);
            let _ = (guess.is_common(), guess.is_made_of(&[own]));
        }
    }
}
