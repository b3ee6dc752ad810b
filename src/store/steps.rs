//! The steps that upgrade older databases, in order, one per schema version.
//!
//! `schema.sql` is always the whole current schema. A change to it comes with a step that upgrades
//! the previous version to the same schema. A released step never changes. A step says what
//! changes; how an engine does it, and how it stays atomic, is up to the engine.

use super::db::Db;
use crate::env::Env;
use crate::error::Result;
use crate::sql;
use SchemaChange::{Fill, Rebuild, Sql};

/// What one version of the schema changed. An engine applies all changes of a step or none.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeStep {
    /// What the step does, for the log.
    pub says: &'static str,
    /// What becomes of servers of the version before, which may use the same PostgreSQL database.
    pub older: OlderServers,
    /// The changes, in order.
    pub changes: &'static [SchemaChange],
}

/// What servers do for which a step is too new, while they share a PostgreSQL database with newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderServers {
    /// They go on. The step only adds: tables, indexes, and columns that are null or have a default. And
    /// nothing that is stored there may have to be known for what an older server decides.
    GoOn,
    /// They stop. From the step on they change nothing, are not ready, and refuse requests.
    Stop,
}

/// One change of a step.
#[derive(Debug, Clone, Copy)]
pub enum SchemaChange {
    /// A statement in the dialect of `schema.sql`.
    Sql(&'static str),
    /// Values that only the program can make, such as random bytes.
    Fill(fn(&mut dyn Db, &Env) -> Result<()>),
    /// A new definition of a table that keeps its rows.
    Rebuild(TableRebuild),
}

/// A table's new definition, and how its rows are carried over.
#[derive(Debug, Clone, Copy)]
pub struct TableRebuild {
    pub table: &'static str,
    /// What stands between the parentheses of `create table`, in the dialect of `schema.sql`.
    pub definition: &'static str,
    /// The columns to fill, separated by commas. Other columns become null.
    pub columns: &'static str,
    /// Their values, as expressions over the columns of the old table.
    pub values: &'static str,
    /// The statements that create the table's indexes.
    pub indexes: &'static [&'static str],
}

/// The step at index n upgrades version n + 1 to version n + 2. Version 1 was the first release.
pub(super) const STEPS: &[UpgradeStep] = &[VERSION_2];

const VERSION_2: UpgradeStep = UpgradeStep {
    says: "plainer names, account handles, accounts without an address, how a session was proved",
    older: OlderServers::Stop,
    changes: &[
        Sql("alter table instance rename column words to text_value"),
        Sql("alter table accounts add column handle bytea"),
        Fill(give_handles),
        Rebuild(ACCOUNTS_2),
        Sql("create table account_trigrams (
  segment bigint not null,
  trigram bigint not null,
  places bytea not null,
  primary key (segment, trigram)
);"),
        Sql("alter table account_roles add column org_id text"),
        Sql("alter table account_roles add column position bigint not null default 0"),
        Rebuild(SESSIONS_2),
        Rebuild(LINKS_2),
        Sql("alter table tries rename to attempts"),
        Sql("alter table attempts rename column waits to block_count"),
        Sql("alter table attempts rename column forget_at to expires_at"),
        Sql("drop index tries_forget"),
        Sql("create index attempts_expiry on attempts (expires_at)"),
        Sql("alter table known_clients rename to known_ips"),
        Sql("alter table known_ips rename column client to client_ip"),
        Sql("drop index known_clients_age"),
        Sql("create index known_ips_age on known_ips (last_login_at)"),
        Sql("alter table alarms rename to login_alerts"),
        Sql("drop index alarms_account"),
        Sql("drop index alarms_expiry"),
        Sql("create index login_alerts_account on login_alerts (account_id)"),
        Sql("create index login_alerts_expiry on login_alerts (expires_at)"),
        Sql("alter table login_alerts add column since bigint"),
        // The links of version 1 are mailed at the login and live for a week.
        Sql("update login_alerts set since = expires_at - 604800000"),
        Rebuild(OUTBOX_2),
        Sql("alter table audit rename column client to client_ip"),
        Sql("alter table audit rename column times to count"),
        Sql("alter table signing_keys add column revoked_at bigint"),
        Sql("alter table refresh_keys add column revoked_at bigint"),
        Sql("alter table audit add column seq bigint"),
        Sql("alter table audit add column salt bytea"),
        Sql("alter table audit add column digest bytea"),
        Sql("alter table audit add column reason text"),
        Sql("drop index audit_event"),
        Sql("create index audit_event on audit (event, outcome, id)"),
        Sql("create index audit_outcome on audit (outcome, id)"),
        Sql("alter table username_reservations rename column until to expires_at"),
        Sql("drop index username_reservations_until"),
        Sql("create index username_reservations_expiry on username_reservations (expires_at)"),
        Sql("alter table backup_codes rename column used_at to spent_at"),
        Rebuild(CHALLENGES_2),
        Sql("create table passkeys (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,
  credential_id bytea not null unique,
  public_key bytea not null,
  name text not null,
  aaguid bytea not null,
  transports text not null,
  sign_count bigint not null,
  backup_eligible bigint not null,
  backed_up bigint not null,
  discoverable bigint,
  user_verified bigint not null,
  suspect_at bigint,
  created_at bigint not null,
  last_used_at bigint
);"),
        Sql("create index passkeys_account on passkeys (account_id)"),
        Sql("create index passkeys_kind on passkeys (kind, account_id)"),
        Sql(
            "create index factors_kind on factors (kind, account_id) where confirmed_at is not null",
        ),
        Sql("create table identities (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  provider text not null,
  issuer text not null,
  subject text not null,
  email text,
  name text,
  created_at bigint not null,
  last_used_at bigint,
  unique (issuer, subject)
);"),
        Sql("create index identities_account on identities (account_id)"),
        Sql("create index identities_provider on identities (provider, account_id)"),
        Sql("create table saved_searches (
  account_id text not null references accounts (id) on delete cascade,
  name text not null,
  query text not null,
  created_at bigint not null,
  primary key (account_id, name)
);"),
        Sql("create table identity_tokens (
  identity_id text primary key references identities (id) on delete cascade,
  provider text not null,
  client bytea not null,
  sealed bytea not null,
  refresh_after bigint
);"),
        Sql("create index identity_tokens_client on identity_tokens (provider, client)"),
        Sql("create table providers (
  name text primary key,
  settings text not null,
  sealed bytea,
  created_at bigint not null,
  updated_at bigint not null
);"),
        Sql("alter table codes rename column stamp to credential_version"),
        Sql("create table activity_counts (
  unit text not null,
  begins bigint not null,
  series text not null,
  count bigint not null,
  primary key (unit, begins, series)
);"),
        Sql("insert into activity_counts (unit, begins, series, count)
  select 'day', day, 'logins', logins from login_counts"),
        Sql("create table account_activity (
  account_id text primary key references accounts (id) on delete cascade,
  hour bigint not null
);"),
        Sql("create index account_activity_age on account_activity (hour)"),
    ],
};

const ACCOUNTS_2: TableRebuild = TableRebuild {
    table: "accounts",
    definition: "
  id text primary key,
  number bigint not null unique,
  handle bytea not null,
  email text,
  email_key text unique,
  email_verified_at bigint,
  username text,
  username_key text unique,
  first_name text,
  last_name text,
  name text,
  company_name text,
  phone text,
  phone_verified_at bigint,
  locale text,
  password_hash text,
  password_scheme text,
  password_contested_at bigint,
  credential_version bigint not null,
  files_uploaded bigint not null default 0,
  upload_limit bigint,
  imported_at bigint,
  suspended_at bigint,
  deleted_at bigint,
  deleted_by text,
  last_login_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  check (email is not null or email_verified_at is null)",
    columns: "id, number, handle, email, email_key, email_verified_at, username, username_key,
      first_name, last_name, name, company_name, phone, phone_verified_at,
      password_hash, password_scheme, credential_version, files_uploaded, upload_limit, imported_at,
      suspended_at, deleted_at, last_login_at, created_at, updated_at",
    values: "id, number, handle, email, email_key, email_verified_at, username, username_key,
      first_name, last_name, name, company_name, phone, phone_verified_at,
      password_hash, password_scheme, stamp, files_uploaded, upload_limit, imported_at,
      suspended_at, deleted_at, last_login_at, created_at, updated_at",
    indexes: &[
        "create index accounts_password_scheme on accounts (password_scheme)",
        "create index accounts_created on accounts (created_at, number)",
        "create index accounts_present on accounts (created_at, number, email_verified_at, email_key)
           where suspended_at is null and deleted_at is null",
        "create index accounts_suspended on accounts (created_at, number)
           where suspended_at is not null and deleted_at is null",
        "create index accounts_gone on accounts (created_at, number) where deleted_at is not null",
        "create index accounts_unproved on accounts (created_at, number)
           where email_verified_at is null and email is not null",
        "create index accounts_last_login on accounts (coalesce(last_login_at, 0), number)",
        "create index accounts_deleted on accounts (deleted_at) where deleted_at is not null",
    ],
};

/// How the sessions of version 1 were proved is unknown; one method is certain.
const SESSIONS_2: TableRebuild = TableRebuild {
    table: "sessions",
    definition: "
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,
  client_id text,
  scope text,
  resource text,
  parent text,
  methods text not null,
  level bigint not null,
  generation bigint not null,
  secret_hash bytea not null,
  rotated_at bigint,
  rotations bytea,
  refresh_day bigint,
  idle_for bigint not null,
  idle_until bigint not null,
  remember bigint not null,
  expires_at bigint,
  proved_at bigint not null,
  last_active_at bigint not null,
  client_ip text not null,
  user_agent text,
  page_hash bytea,
  created_at bigint not null,
  ended_at bigint,
  end_reason text",
    columns: "id, account_id, kind, methods, level, generation, secret_hash, rotated_at, idle_for,
      idle_until, remember, expires_at, proved_at, last_active_at, client_ip, user_agent,
      created_at, ended_at, end_reason",
    values: "id, account_id, 'first_party', '', 1, generation, secret_hash, turned_at, idle_for,
      idle_until, remember, expires_at, proved_at, last_active_at, client, user_agent,
      created_at, ended_at, end_reason",
    indexes: &[
        "create index sessions_page on sessions (page_hash) where page_hash is not null",
        "create index sessions_account on sessions (account_id)",
        "create index sessions_live on sessions (account_id, created_at) where ended_at is null",
        "create index sessions_idle on sessions (idle_until)",
    ],
};

/// Version 1 removed a link when its account's password or address changed: those that are left were
/// made for the account as it is.
const LINKS_2: TableRebuild = TableRebuild {
    table: "links",
    definition: "
  hash bytea primary key,
  purpose text not null,
  account_id text not null references accounts (id) on delete cascade,
  credential_version bigint not null,
  email_key text not null,
  address text,
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint,
  reserved_at bigint,
  since bigint",
    columns: "hash, purpose, account_id, credential_version, email_key, address, created_at,
      expires_at, spent_at, reserved_at",
    values: "hash, purpose, account_id,
      (select accounts.credential_version from accounts where accounts.id = account_id),
      email_key, address, created_at, expires_at, spent_at,
      case when purpose = 'undo_email' then created_at end",
    indexes: &[
        "create index links_account on links (account_id, purpose)",
        "create index links_expiry on links (expires_at)",
        "create index links_kept on links (email_key) where purpose = 'undo_email'",
    ],
};

const OUTBOX_2: TableRebuild = TableRebuild {
    table: "outbox",
    definition: "
  id text primary key,
  channel text not null,
  kind text not null,
  account_id text,
  recipient text,
  locale text,
  sealed bytea,
  state text not null,
  attempts bigint not null,
  next_at bigint not null,
  claimed_by text,
  expires_at bigint,
  last_error text,
  created_at bigint not null,
  finished_at bigint",
    columns: "id, channel, kind, account_id, recipient, sealed, state, attempts, next_at,
      expires_at, last_error, created_at, finished_at",
    values: "id,
      case when kind = 'sms' then 'sms' when recipient is null then 'job' else 'mail' end,
      kind, account_id, recipient, sealed, state, attempts, next_at,
      expires_at, last_error, created_at, finished_at",
    indexes: &[
        "create index outbox_account on outbox (account_id, id) where account_id is not null",
        "create index outbox_due on outbox (state, next_at)",
        "create index outbox_tried on outbox (state)
           where last_error is not null and channel = 'mail'",
        "create index outbox_finished on outbox (finished_at) where finished_at is not null",
    ],
};

/// Which method a pending login of version 1 began with is unknown.
const CHALLENGES_2: TableRebuild = TableRebuild {
    table: "challenges",
    definition: "
  hash bytea primary key,
  account_id text not null references accounts (id) on delete cascade,
  credential_version bigint not null,
  proved text not null,
  methods text not null,
  remember bigint not null,
  client_ip bytea not null,
  attempts bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint",
    columns: "hash, account_id, credential_version, proved, methods, remember, client_ip, attempts,
      created_at, expires_at, spent_at",
    values: "hash, account_id, stamp, '', methods, remember, client, tries,
      created_at, expires_at, spent_at",
    indexes: &[
        "create index challenges_account on challenges (account_id, created_at)",
        "create index challenges_expiry on challenges (expires_at)",
    ],
};

/// How many accounts get their handles after one read.
const TOGETHER: i64 = 1000;

/// Gives every account 32 random bytes as its handle.
fn give_handles(db: &mut dyn Db, env: &Env) -> Result<()> {
    let mut last = String::new();
    loop {
        let rows = db.all(
            sql!("select id from accounts where id > $1 order by id limit $2"),
            &[(&last).into(), TOGETHER.into()],
        )?;
        if rows.is_empty() {
            return Ok(());
        }
        for mut row in rows {
            last = row.take()?;
            let handle: [u8; 32] = env.random()?;
            db.run(
                sql!("update accounts set handle = $1 where id = $2"),
                &[(&handle).into(), (&last).into()],
            )?;
        }
    }
}
