//! Fills a database with accounts and what belongs to them, as the years of a large instance would.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::database::RawDatabase;

/// The accounts of a database of this many, and three sessions and two records for each.
pub struct Filling {
    pub accounts: u32,
    /// Milliseconds since 1970.
    pub now: i64,
}

const GIVEN: [&str; 10] =
    ["Anna", "Ben", "Carla", "David", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas"];
const FAMILY: [&str; 9] =
    ["Smith", "Li", "Garcia", "Okafor", "Novak", "Ivanov", "Meyer", "Rossi", "Tanaka"];

/// One of these words, by a number.
fn pick(words: &[&str], number: &str) -> String {
    let mut cases = String::new();
    for (at, word) in words.iter().enumerate() {
        write!(cases, " when {at} then '{word}'").unwrap();
    }
    format!("case ({number}) % {}{cases} end", words.len())
}

const ID: &str = "printf('01900000-0000-7000-8000-%012x', n)";

impl Filling {
    /// The id of one of the accounts.
    pub fn account(number: u32) -> String {
        format!("01900000-0000-7000-8000-{number:012x}")
    }

    /// Writes all of it, and the indexes at the end.
    pub fn write(&self, path: PathBuf) {
        let mut all = vec![self.accounts()];
        all.extend(self.roles());
        all.extend((0..3).map(|round| self.sessions(round)));
        all.extend((0..2).map(|round| self.records(round)));
        all.push(self.messages());
        let last = self.accounts + 100;
        all.push(format!("update instance set number = {last} where name = 'next_account'"));
        RawDatabase::at(path).fill(&all);
    }

    fn insert(&self, table: &str, columns: &str, values: &str, every: &str) -> String {
        let most = self.accounts;
        format!(
            "with recursive n(n) as (select 0 union all select n + 1 from n where n + 1 < {most}) \
             insert into {table} ({columns}) select {values} from n where {every}"
        )
    }

    fn accounts(&self) -> String {
        let now = self.now;
        let created = format!("({now} - 94608000000 + n * 94608000000 / {})", self.accounts);
        let given = pick(&GIVEN, "n * 7919 / 31");
        let family = pick(&FAMILY, "n * 104729 / 17");
        let name = format!("lower({given}) || '.' || lower({family}) || (n * 7919317 % 1000003)");
        let name = format!("(case when n % 2 = 0 then {name} else 'user' || n || 'x' end)");
        let email = format!("{name} || '@mail' || (n % 5) || '.example'");
        let values = format!(
            "{ID}, n + 100, randomblob(32), {email}, {email}, case when n % 10 < 7 then {created} end, \
             'name' || n, 'name' || n, {given}, {family}, 0, case when n % 97 = 0 then {now} end, \
             case when n % 101 = 0 then {now} end, \
             case when n % 3 <> 0 then {now} - n * 7919317 % 31536000 * 1000 end, {created}, {created}"
        );
        let columns = "id, number, handle, email, email_key, email_verified_at, username, username_key, \
                       first_name, last_name, credential_version, suspended_at, deleted_at, \
                       last_login_at, created_at, updated_at";
        self.insert("accounts", columns, &values, "true")
    }

    fn roles(&self) -> Vec<String> {
        let role = |role: &str, position: u32, every: &str| {
            let values = format!("{ID}, '{role}', {position}");
            self.insert("account_roles", "account_id, role, position", &values, every)
        };
        let factors = "id, account_id, kind, name, created_at, confirmed_at";
        let identities = "id, account_id, provider, issuer, subject, created_at";
        vec![
            "insert into roles (name, built_in, created_at) values ('support', 0, 1), ('partner', 0, 1)"
                .to_owned(),
            role("user", 1, "true"),
            role("partner", 2, "n % 200 = 0"),
            role("support", 2, "n % 20000 = 0"),
            self.insert("factors", factors, &format!("'f' || n, {ID}, 'totp', 'app', 1, 1"), "n % 5 = 0"),
            self.insert(
                "identities",
                identities,
                &format!("'i' || n, {ID}, 'google', 'https://accounts.google.com', 's' || n, 1"),
                "n % 4 = 0",
            ),
        ]
    }

    fn sessions(&self, round: u32) -> String {
        let now = self.now;
        let id = format!("printf('01900000-0000-7000-9{round}00-%012x', n)");
        let values = format!(
            "{id}, {ID}, 'first_party', 'pwd', 1, 1, randomblob(32), 2592000000, {now} + 2592000000, 1, \
             {now}, {now}, '192.0.2.' || (n % 250), 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156', \
             {now} - n % 1000000, {now} + 7776000000"
        );
        let columns = "id, account_id, kind, methods, level, generation, secret_hash, idle_for, \
                       idle_until, remember, proved_at, last_active_at, client_ip, user_agent, \
                       created_at, expires_at";
        self.insert("sessions", columns, &values, "true")
    }

    /// A moment of the last year, and an id that sorts by it.
    fn moment(&self, part: u32) -> (String, String) {
        let at = format!("({} - 31536000000 + n * 31536000000 / {})", self.now, self.accounts);
        let id = format!("printf('%08x-%04x-7000-8{part:03}-%012x', {at} >> 16, {at} & 65535, n)");
        (at, id)
    }

    fn records(&self, round: u32) -> String {
        let (at, id) = self.moment(round);
        let values = format!(
            "{id}, {at}, case when n % 4 = 0 then 'signed_up' else 'login' end, \
             case when n % 9 = 1 and n % 4 <> 0 then 'refused' else 'done' end, {ID}, '192.0.2.1', \
             'Mozilla/5.0'"
        );
        let columns = "id, at, event, outcome, account_id, client_ip, user_agent";
        self.insert("audit", columns, &values, "true")
    }

    fn messages(&self) -> String {
        let (at, id) = self.moment(9);
        let values = format!(
            "{id}, 'mail', 'verify_email', {ID}, 'x@example.org', \
             case when n % 50 = 0 then 'failed' else 'delivered' end, 1, {at}, {at}, {at}"
        );
        let columns = "id, channel, kind, account_id, recipient, state, attempts, next_at, created_at, \
                       finished_at";
        self.insert("outbox", columns, &values, "n % 5 = 0")
    }
}
