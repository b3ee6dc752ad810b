-- The whole schema of an authd database, version 2.
--
-- Types are text, bigint and bytea; the engine replaces them by its own types when it loads this
-- file. Times are milliseconds since 1970 in UTC, supplied by the program. Names that are compared
-- are stored twice: as typed, and as a normalised key.

-- Facts about this database: its profile, its epoch, the next numeric account id, the check value
-- of its master key, and the domain that its passkeys are bound to.
create table instance (
  name text primary key,
  number bigint,
  text_value text,
  bytes bytea
);

-- Accounts. No API returns a whole row: each API returns only the fields that its document lists.
create table accounts (
  id text primary key,                    -- UUID version 7, or the id from an import
  number bigint not null unique,          -- the numeric id that some APIs show
  handle bytea not null,                  -- 32 random bytes that stand for the account in
                                          -- authenticators; never shown, never changed
  email text,                             -- null: an account without an address
  email_key text unique,                  -- null without an address, and after the account has
                                          -- given up its address
  email_verified_at bigint,
  username text,
  username_key text unique,
  first_name text,
  last_name text,
  name text,                              -- the full name, for APIs that do not split it
  company_name text,
  phone text,
  phone_verified_at bigint,
  locale text,                            -- the language that the owner reads
  password_hash text,                     -- PHC string, or the bcrypt string from an import
  password_scheme text,                   -- scheme and cost, for dummy hashing of unknown names
  password_contested_at bigint,           -- when a sign-up with the unverified address gave another
                                          -- password: verifying the address then removes it
  credential_version bigint not null,     -- raised by each change of password, address, factors or
                                          -- state
  files_uploaded bigint not null default 0, -- counted against the upload quota; deleting a
                                          -- file does not lower it
  upload_limit bigint,                    -- the account's own quota; null: the configured one
  imported_at bigint,                     -- set by an import; such an account is not deleted
                                          -- for an unverified address
  suspended_at bigint,
  deleted_at bigint,
  deleted_by text,                        -- the actor; the account's own id if its owner did it
  last_login_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  check (email is not null or email_verified_at is null)
);
create index accounts_password_scheme on accounts (password_scheme);
-- For the administrators' lists: in the order of creation, by state; by the last login.
create index accounts_created on accounts (created_at, number);
create index accounts_present on accounts (created_at, number, email_verified_at, email_key) where suspended_at is null and deleted_at is null;
create index accounts_suspended on accounts (created_at, number) where suspended_at is not null and deleted_at is null;
create index accounts_gone on accounts (created_at, number) where deleted_at is not null;
create index accounts_unproved on accounts (created_at, number) where email_verified_at is null and email is not null;
create index accounts_last_login on accounts (coalesce(last_login_at, 0), number);
create index accounts_deleted on accounts (deleted_at) where deleted_at is not null;

-- The index of the administrators' search: the accounts that have three characters in a row in their
-- address, user name or name. It covers whole segments of 4,096 numbers; later accounts are not in it yet.
-- A segment is written in pieces: `search_segment` and `search_trigram` in `instance` say how far.
create table account_trigrams (
  segment bigint not null,                -- the account number divided by 4,096
  trigram bigint not null,                -- three code points of 21 bits each
  places bytea not null,                  -- the remainders, ascending, two bytes each
  primary key (segment, trigram)
);

-- Roles and their permissions. The server writes built-in roles at each start, so an upgrade can
-- add permissions to them.
create table roles (
  name text primary key,
  built_in bigint not null,
  created_at bigint not null
);
create table role_permissions (
  role text not null references roles (name) on delete cascade,
  permission text not null,
  primary key (role, permission)
);
create table account_roles (
  account_id text not null references accounts (id) on delete cascade,
  role text not null references roles (name) on delete cascade,
  org_id text,                            -- reserved: the organisation that the role is limited to
  position bigint not null default 0,     -- roles are listed in the order in which they were given
  primary key (account_id, role)
);
create index account_roles_role on account_roles (role);

-- Sessions. The refresh token itself is not stored, only the digest of its current secret.
create table sessions (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,                     -- first_party: a login of the owner
  client_id text,                         -- reserved for what an owner grants to a client: the
  scope text,                             -- client, the scope, the audience and the session that
  resource text,                          -- granted it; null in a first-party session
  parent text,
  methods text not null,                  -- how the owner proved their identity, such as 'pwd otp'
                                          -- (RFC 8176); empty if unknown, from schema version 1
  level bigint not null,                  -- 1: one method, 2: two different methods or more
  generation bigint not null,             -- how often the refresh token has been rotated
  secret_hash bytea not null,             -- SHA-256 of the current refresh secret
  rotated_at bigint,                      -- when the refresh token was last rotated
  rotations bytea,                        -- which recent refresh tokens were replaced when: pairs of
                                          -- generation and time, 8 bytes each, a few at most
  refresh_day bigint,                     -- the day of the last refresh that the audit log records,
                                          -- in days since 1970
  idle_for bigint not null,               -- lifetime without a refresh, in milliseconds
  idle_until bigint not null,             -- when the session ends without a refresh
  remember bigint not null,               -- 0: the cookie ends with the browser
  expires_at bigint,                      -- when the session ends even if it is refreshed
  proved_at bigint not null,              -- when the owner last proved their identity
  last_active_at bigint not null,
  client_ip text not null,                -- the client IP at login
  user_agent text,
  page_hash bytea,                        -- SHA-256 of the secret in the cookie of the account pages
  created_at bigint not null,
  ended_at bigint,
  end_reason text
);
create index sessions_page on sessions (page_hash) where page_hash is not null;
create index sessions_account on sessions (account_id);
create index sessions_live on sessions (account_id, created_at) where ended_at is null;
create index sessions_idle on sessions (idle_until);

-- Links sent by mail; only their digest is stored. Each is bound to an account, a purpose and the
-- address that it was mailed to.
create table links (
  hash bytea primary key,                 -- SHA-256 of the token
  purpose text not null,
  account_id text not null references accounts (id) on delete cascade,
  credential_version bigint not null,     -- the account's when the link was made; a change of
                                          -- password, address, factors or state voids most links
  email_key text not null,
  address text,                           -- the account's new address, as typed
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint,
  reserved_at bigint,                     -- when the account gave up the address that it had
                                          -- proved: reserved for it until the link expires
  since bigint                            -- for a link that undoes a change of address: when the
                                          -- session that requested the change began
);
create index links_account on links (account_id, purpose);
create index links_expiry on links (expires_at);
create index links_kept on links (email_key) where purpose = 'undo_email';

-- Attempt counters: wrong passwords, lockouts, mail to an address. Keys are keyed digests, so a
-- stolen file identifies no account, address or client IP.
create table attempts (
  scope text not null,                    -- what is counted
  key bytea not null,                     -- keyed digest of the counted account, address or IP
  count bigint not null,
  started_at bigint not null,             -- when this window started
  blocked_until bigint,                   -- until when all attempts are refused
  block_count bigint not null,            -- how often the key was blocked in a row
  expires_at bigint not null,
  primary key (scope, key)
);
create index attempts_expiry on attempts (expires_at);

-- Client IPs that have logged in to an account. Some limits admit the owner from known IPs while
-- they refuse unknown IPs.
create table known_ips (
  account_id text not null references accounts (id) on delete cascade,
  client_ip bytea not null,
  last_login_at bigint not null,
  primary key (account_id, client_ip)
);
create index known_ips_age on known_ips (last_login_at);

-- Devices and countries that an account has been used from, named from a fixed list. A login from
-- a new one is mailed to the owner.
create table known_traits (
  account_id text not null references accounts (id) on delete cascade,
  trait text not null,                    -- 'device:Chrome on Windows', 'country:DE'
  last_login_at bigint not null,
  primary key (account_id, trait)
);
create index known_traits_age on known_traits (last_login_at);

-- Links of mail about new devices and added ways to log in; only their digest is stored. With one the
-- owner reports that the session which the mail is about was not theirs. Where a login added something
-- before it had a session, the session is empty, and the time is that of the login.
create table login_alerts (
  hash bytea primary key,                 -- SHA-256 of the token
  account_id text not null references accounts (id) on delete cascade,
  email_key text not null,                -- the address that the mail was sent to
  session_id text not null,
  expires_at bigint not null,
  spent_at bigint,
  since bigint                            -- when that session began: what was added since is removed
);
create index login_alerts_account on login_alerts (account_id);
create index login_alerts_expiry on login_alerts (expires_at);

-- Completed logins per UTC day.
create table login_counts (
  day bigint primary key,                 -- days since 1970
  logins bigint not null
);

-- Counts of what happens, by UTC hour and day; see the statistics of the command line.
create table activity_counts (
  unit text not null,                     -- 'hour' or 'day'
  begins bigint not null,                 -- hours or days since 1970
  series text not null,                   -- what is counted
  count bigint not null,
  primary key (unit, begins, series)
);

-- When each account last logged in or refreshed a session: it counts once per hour, day, month and
-- year as an active account.
create table account_activity (
  account_id text primary key references accounts (id) on delete cascade,
  hour bigint not null                    -- hours since 1970
);
create index account_activity_age on account_activity (hour);

-- API clients: programs that call with their own key. The key of kind 'client' ships to browsers
-- and proves nothing; the key of kind 'service' is a secret.
create table apps (
  id text primary key,
  name text not null,
  kind text not null,                     -- 'client' or 'service'
  key_hash bytea not null unique,         -- SHA-256 of the key; the key is shown only once
  created_at bigint not null,
  rotated_at bigint not null              -- when the key was issued
);

-- Messages to deliver, and requests whose response must not reveal whether an account exists.
-- Bodies are sealed under the master key and erased on delivery.
create table outbox (
  id text primary key,
  channel text not null,                  -- mail, sms, or job: a request that the server processes
  kind text not null,                     -- the name of the template or of the request
  account_id text,
  recipient text,                         -- the address or the phone number; null for a job
  locale text,                            -- the language that the message is written in
  sealed bytea,                           -- the request or the message; null once delivered
  state text not null,                    -- requested, waiting, delivered, failed, dropped
  attempts bigint not null,
  next_at bigint not null,                -- when the next attempt is due
  claimed_by text,                        -- the server that makes it; null where there is only one
  expires_at bigint,                      -- when delivery no longer makes sense
  last_error text,
  created_at bigint not null,
  finished_at bigint
);
create index outbox_account on outbox (account_id, id) where account_id is not null; -- for exports
create index outbox_due on outbox (state, next_at);
-- Mail that waits after a failed attempt: the health check must be fast however long the queue is.
create index outbox_tried on outbox (state) where last_error is not null and channel = 'mail';
create index outbox_finished on outbox (finished_at) where finished_at is not null;

-- The audit log: one row per security event, written in the transaction of the change.
create table audit (
  id text primary key,                    -- UUID version 7: sorts by time
  at bigint not null,
  event text not null,
  outcome text not null,
  account_id text,                        -- no foreign key: the record outlives the account
  session_id text,
  actor text,
  client_ip text,
  user_agent text,
  request_id text,
  detail text,
  count bigint not null default 1,        -- how often a limit refused the same within one minute
  seq bigint,                             -- reserved for a hash chain over the records: the
  salt bytea,                             -- position in it and the salted digest
  digest bytea,
  reason text                             -- why an administrator did it, in their words
);
create index audit_account on audit (account_id, id);
create index audit_at on audit (at);
create index audit_event on audit (event, outcome, id);
create index audit_outcome on audit (outcome, id);
create index audit_actor on audit (actor, id) where actor is not null;

-- Keys that sign tokens. The private key is sealed under the master key.
create table signing_keys (
  id text primary key,                    -- kid
  algorithm text not null,                -- RS256, ES256, EdDSA, HS256
  sealed bytea not null,                  -- PKCS #8, or the shared secret
  public text,                            -- the published JWK; null for HS256
  created_at bigint not null,
  signs_from bigint not null,             -- when it starts to sign
  verifies_until bigint,                  -- when its last token expires; null while it signs
  revoked_at bigint                       -- set by a revocation: the key neither signs nor verifies,
                                          -- also where the clock lags
);

-- MAC keys for refresh tokens, by version.
create table refresh_keys (
  version bigint primary key,
  sealed bytea not null,
  created_at bigint not null,
  verifies_until bigint,
  revoked_at bigint                       -- as in signing_keys
);

-- User names that sign-ups requested while the API does not reveal whether an address is taken. A
-- name is reserved for the life of the link, whether or not an account was created, so that the
-- reservation does not reveal it either.
create table username_reservations (
  username_key text primary key,
  holder text not null,                   -- the sign-up that reserved it
  expires_at bigint not null
);
-- Deleting an account also deletes its reservations.
create index username_reservations_holder on username_reservations (holder);
create index username_reservations_expiry on username_reservations (expires_at);

-- Second factors. A factor protects nothing until it is confirmed.
create table factors (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,                     -- totp, email, sms
  name text not null,                     -- the name that the owner gave it
  sealed bytea,                           -- the TOTP secret, sealed under the master key
  target text,                            -- the phone number for sms, as it was at setup
  last_step bigint,                       -- the last time step whose code was accepted; older
                                          -- steps are refused
  created_at bigint not null,
  confirmed_at bigint,
  last_used_at bigint
);
create index factors_account on factors (account_id);
create index factors_kind on factors (kind, account_id) where confirmed_at is not null;
create index factors_unconfirmed on factors (created_at) where confirmed_at is null;

-- Backup codes; only their MAC is stored. While factor_id is set, they wait for that factor to be
-- confirmed.
create table backup_codes (
  account_id text not null references accounts (id) on delete cascade,
  hash bytea not null,
  factor_id text references factors (id) on delete cascade,
  created_at bigint not null,
  spent_at bigint,
  primary key (account_id, hash)
);
create index backup_codes_factor on backup_codes (factor_id) where factor_id is not null;

-- Passkeys and security keys. The server has only their public keys.
create table passkeys (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,                     -- passkey: logs in alone; security_key: a second factor
  credential_id bytea not null unique,
  public_key bytea not null,              -- COSE_Key
  name text not null,
  aaguid bytea not null,                  -- the model of the authenticator; zeros if unknown
  transports text not null,               -- how to reach it: words separated by spaces
  sign_count bigint not null,
  backup_eligible bigint not null,        -- 1: it can be copied to other devices
  backed_up bigint not null,
  discoverable bigint,                    -- 1: found without its id; null if the browser did not say
  user_verified bigint not null,          -- 1: by PIN or biometrics when it was made
  suspect_at bigint,                      -- when its counter first went back
  created_at bigint not null,
  last_used_at bigint
);
create index passkeys_account on passkeys (account_id);
create index passkeys_kind on passkeys (kind, account_id);

-- Logins that wait for a second factor; only the digest of their token is stored.
create table challenges (
  hash bytea primary key,
  account_id text not null references accounts (id) on delete cascade,
  credential_version bigint not null,     -- the account's, when the first factor was checked
  proved text not null,                   -- the method of the first factor, as in sessions.methods
  methods text not null,                  -- the methods that may complete it
  remember bigint not null,
  client_ip bytea not null,               -- the client IP that passed the first factor
  attempts bigint not null,               -- wrong codes so far
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint
);
create index challenges_account on challenges (account_id, created_at);
create index challenges_expiry on challenges (expires_at);

-- Accounts at providers that log in to an account here. The key is issuer and subject; an address is
-- never a key.
create table identities (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  provider text not null,                 -- the name of the provider when it was connected
  issuer text not null,
  subject text not null,
  email text,                             -- the address that the provider last stated; no proof
  name text,                              -- what its owner is called there
  created_at bigint not null,
  last_used_at bigint,
  unique (issuer, subject)
);
create index identities_account on identities (account_id);
create index identities_provider on identities (provider, account_id);

-- Tokens that a provider issued for an account there, where the operator keeps them.
create table identity_tokens (
  identity_id text primary key references identities (id) on delete cascade,
  provider text not null,                 -- the name of the provider that issued them
  client bytea not null,                  -- digest of its issuer and of the client that they were issued to
  sealed bytea not null,                  -- the tokens, sealed JSON
  refresh_after bigint                    -- no refresh before this time: they are new, one runs, or one failed
);
create index identity_tokens_client on identity_tokens (provider, client);

-- Providers that a command or the API added, beside those of the configuration.
create table providers (
  name text primary key,
  settings text not null,                 -- JSON, without secrets
  sealed bytea,                           -- the client secret or the private key, sealed JSON
  created_at bigint not null,
  updated_at bigint not null
);

-- Filters of the list of accounts that an administrator keeps under a name.
create table saved_searches (
  account_id text not null references accounts (id) on delete cascade,
  name text not null,
  query text not null,                    -- the query of the list, such as 'state=pending&sort=-created'
  created_at bigint not null,
  primary key (account_id, name)
);

-- One-time codes, one per account and purpose; only their MAC is stored.
create table codes (
  account_id text not null references accounts (id) on delete cascade,
  purpose text not null,                  -- login, reset, factor, setup
  hash bytea not null,
  credential_version bigint not null,     -- the account's; a change of address, password or
                                          -- factors voids the code
  target text not null,                   -- the address or number that the code was sent to
  factor_id text references factors (id) on delete cascade,
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint,
  primary key (account_id, purpose)
);
create index codes_expiry on codes (expires_at);
create index codes_factor on codes (factor_id) where factor_id is not null;

-- Uploaded files, stored in pieces that are written separately. A file is invisible until it is
-- complete; the cleanup deletes abandoned uploads.
create table files (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  name text not null,                     -- the name that the owner gave it
  type text not null,                     -- media type, detected from the content
  size bigint not null,
  created_at bigint not null,
  complete_at bigint                      -- when the last piece arrived and the file was counted
);
create index files_account on files (account_id, complete_at);
create index files_size on files (size); -- the total is computed before each piece
create index files_unfinished on files (created_at) where complete_at is null;
create table file_pieces (
  file_id text not null references files (id) on delete cascade,
  position bigint not null,
  bytes bytea not null,
  primary key (file_id, position)
);
