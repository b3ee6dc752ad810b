-- The whole schema of an authd database, version 1.
--
-- Types are text, bigint and bytea (the engine's own words are put in when this is loaded). Times are milliseconds since
-- 1970 in UTC, given by the program. Names that are compared are kept twice: as typed, and as a normalised key.

-- Facts about this database: its profile, its epoch, the next numeric account id, the proof of its master key.
create table instance (
  name text primary key,
  number bigint,
  words text,
  bytes bytea
);

-- People. Nothing here is ever sent whole to anybody: each wire picks what its document shows.
create table accounts (
  id text primary key,                    -- UUID version 7, or the id an import brought along
  number bigint not null unique,          -- the numeric id that some wires show
  email text not null,
  email_key text unique,                  -- null once the account has given its address up
  email_verified_at bigint,
  username text,
  username_key text unique,
  first_name text,
  last_name text,
  name text,                              -- the whole name, for wires that do not part it
  company_name text,
  name_key text,                          -- the whole name, folded, for searches
  last_name_key text,                     -- the family name, folded, for searches
  phone text,
  phone_verified_at bigint,
  password_hash text,                     -- PHC string, or the bcrypt string an import brought along
  password_scheme text,                   -- scheme and cost of the hash alone, for the dummy work of unknown names
  stamp bigint not null,                  -- raised by each change of password, address, factors or state
  files_uploaded bigint not null default 0, -- counts towards the upload quota; deleting a file gives nothing back
  upload_limit bigint,                    -- another quota than the configured one
  imported_at bigint,                     -- when an import brought it; nobody has to prove its address in a week
  suspended_at bigint,
  deleted_at bigint,
  last_login_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);
create index accounts_password_scheme on accounts (password_scheme);
-- What the admin's lists are read by: in the order of the numbers, by state, by the beginning of a name.
create index accounts_present on accounts (number, email_verified_at) where suspended_at is null and deleted_at is null;
create index accounts_suspended on accounts (number) where suspended_at is not null and deleted_at is null;
create index accounts_gone on accounts (number) where deleted_at is not null;
create index accounts_name on accounts (name_key) where name_key is not null;
create index accounts_last_name on accounts (last_name_key) where last_name_key is not null;
create index accounts_unproved on accounts (created_at) where email_verified_at is null;
create index accounts_deleted on accounts (deleted_at) where deleted_at is not null;

-- Roles and what they may do. Built-in roles are written again at each start, so an upgrade can widen them.
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
  primary key (account_id, role)
);
create index account_roles_role on account_roles (role);

-- Sessions. The refresh token itself is nowhere: only the digest of its current secret.
create table sessions (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  generation bigint not null,             -- how often the refresh token has turned
  secret_hash bytea not null,             -- SHA-256 of the current refresh secret
  turned_at bigint,                       -- when it last turned
  idle_for bigint not null,               -- milliseconds that it lives without a refresh
  idle_until bigint not null,             -- when it ends without a refresh
  remember bigint not null,               -- 0: its cookie ends with the browser
  expires_at bigint,                      -- when it ends whatever happens
  proved_at bigint not null,              -- when its owner last proved who they are
  last_active_at bigint not null,
  client text not null,                   -- the client address at login
  user_agent text,
  created_at bigint not null,
  ended_at bigint,
  end_reason text
);
create index sessions_account on sessions (account_id);
create index sessions_live on sessions (account_id, created_at) where ended_at is null;
create index sessions_idle on sessions (idle_until);

-- Links in mail: only their digest. Bound to account, purpose and the address they were mailed to.
create table links (
  hash bytea primary key,                 -- SHA-256 of the token
  purpose text not null,
  account_id text not null references accounts (id) on delete cascade,
  email_key text not null,
  address text,                           -- the address that it makes the account's own, as typed
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint
);
create index links_account on links (account_id, purpose);
create index links_expiry on links (expires_at);
create index links_kept on links (email_key) where purpose = 'undo_email';

-- Counted tries: wrong passwords, lockouts, mails to an address. Keys are keyed digests, so a stolen file names nobody.
create table tries (
  scope text not null,                    -- what is counted
  key bytea not null,                     -- for whom
  count bigint not null,
  started_at bigint not null,             -- when this window began
  blocked_until bigint,                   -- until when everything is refused
  waits bigint not null,                  -- how often that has happened in a row
  forget_at bigint not null,              -- when the row means nothing any more
  primary key (scope, key)
);
create index tries_forget on tries (forget_at);

-- Client addresses that have logged in to an account, for the rules that let its owner in where others are kept out.
create table known_clients (
  account_id text not null references accounts (id) on delete cascade,
  client bytea not null,
  last_login_at bigint not null,
  primary key (account_id, client)
);
create index known_clients_age on known_clients (last_login_at);

-- Devices and countries that an account has been used from, in words of our own list: another one is told to its owner.
create table known_traits (
  account_id text not null references accounts (id) on delete cascade,
  trait text not null,                    -- 'device:Chrome on Windows', 'country:DE'
  last_login_at bigint not null,
  primary key (account_id, trait)
);
create index known_traits_age on known_traits (last_login_at);

-- Links of new-device mails: only their digest. Using one ends the session that the mail speaks of.
create table alarms (
  hash bytea primary key,                 -- SHA-256 of the token
  account_id text not null references accounts (id) on delete cascade,
  email_key text not null,                -- the address that the mail went to
  session_id text not null,
  expires_at bigint not null,
  spent_at bigint
);
create index alarms_account on alarms (account_id);
create index alarms_expiry on alarms (expires_at);

-- Completed logins per UTC day.
create table login_counts (
  day bigint primary key,                 -- days since 1970
  logins bigint not null
);

-- Apps that call with a key of their own. A client's key ships to browsers and proves nothing; a service's is a secret.
create table apps (
  id text primary key,
  name text not null,
  kind text not null,                     -- 'client' or 'service'
  key_hash bytea not null unique,         -- SHA-256 of the key, which is shown once
  created_at bigint not null,
  rotated_at bigint not null              -- when the key was made
);

-- Mail on its way, and requests whose answer must not depend on whether an account exists. Bodies are sealed under the
-- master key and erased when delivered.
create table outbox (
  id text primary key,
  kind text not null,                     -- the template, or what was asked for
  account_id text,
  recipient text,                         -- the address, absent while it is only a request
  sealed bytea,                           -- the request, or the finished message; null once delivered
  state text not null,                    -- 'requested', 'waiting', 'delivered', 'failed', 'dropped'
  attempts bigint not null,
  next_at bigint not null,                -- when the next try is due
  expires_at bigint,                      -- after this it makes no sense to deliver it
  last_error text,
  created_at bigint not null,
  finished_at bigint
);
create index outbox_account on outbox (account_id, id) where account_id is not null; -- an export shows them
create index outbox_due on outbox (state, next_at);
-- What waits after a try in vain: whether mail gets out must be known however long the queue is.
create index outbox_tried on outbox (state) where last_error is not null and kind <> 'sms';
create index outbox_finished on outbox (finished_at) where finished_at is not null;

-- The audit log: one row for each security event, in the transaction of the change it speaks of.
create table audit (
  id text primary key,                    -- UUID version 7: sorts by time
  at bigint not null,
  event text not null,
  outcome text not null,
  account_id text,                        -- no foreign key: the record outlives the account
  session_id text,
  actor text,
  client text,
  user_agent text,
  request_id text,
  detail text,
  times bigint not null default 1         -- how often, where a limit refused the same within one minute
);
create index audit_account on audit (account_id, id);
create index audit_at on audit (at);
create index audit_event on audit (event, id);
create index audit_actor on audit (actor, id) where actor is not null;

-- Keys that sign tokens. The private half is sealed under the master key.
create table signing_keys (
  id text primary key,                    -- kid
  algorithm text not null,                -- RS256, ES256, EdDSA, HS256
  sealed bytea not null,                  -- PKCS #8, or the shared secret
  public text,                            -- the JWK that is published; null for HS256
  created_at bigint not null,
  signs_from bigint not null,             -- when it begins to sign
  verifies_until bigint                   -- when its last token is dead; null while it signs
);

-- Keys of the MAC over refresh tokens, by version.
create table refresh_keys (
  version bigint primary key,
  sealed bytea not null,
  created_at bigint not null,
  verifies_until bigint
);

-- User names that a sign-up has asked for where a taken address is not told: held for the life of the link whether an
-- account was made or not.
create table username_reservations (
  username_key text primary key,
  holder text not null,                   -- the sign-up it is held for
  until bigint not null
);
-- What is held for an account that goes away is let go with it.
create index username_reservations_holder on username_reservations (holder);
create index username_reservations_until on username_reservations (until);

-- Second factors. One guards nothing until it is confirmed.
create table factors (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  kind text not null,                     -- totp, email, sms
  name text not null,                     -- what its owner calls it
  sealed bytea,                           -- the secret of totp, under the master key
  target text,                            -- the number of sms, as it was when it was set up
  last_step bigint,                       -- the last time step whose code was taken; none before it ever is
  created_at bigint not null,
  confirmed_at bigint,
  last_used_at bigint
);
create index factors_account on factors (account_id);
create index factors_unconfirmed on factors (created_at) where confirmed_at is null;

-- Backup codes: only their MAC. They wait for the factor that they were made with to be confirmed.
create table backup_codes (
  account_id text not null references accounts (id) on delete cascade,
  hash bytea not null,
  factor_id text references factors (id) on delete cascade,
  created_at bigint not null,
  used_at bigint,
  primary key (account_id, hash)
);
create index backup_codes_factor on backup_codes (factor_id) where factor_id is not null;

-- Logins that wait for a second factor: only the digest of their token.
create table challenges (
  hash bytea primary key,
  account_id text not null references accounts (id) on delete cascade,
  stamp bigint not null,                  -- the account's, when the first proof was checked
  methods text not null,                  -- what may complete it
  remember bigint not null,
  client bytea not null,                  -- the client address that showed the first proof
  tries bigint not null,                  -- codes shown so far that were wrong
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint
);
create index challenges_account on challenges (account_id, created_at);
create index challenges_expiry on challenges (expires_at);

-- One-time codes: one for each account and purpose. Only their MAC.
create table codes (
  account_id text not null references accounts (id) on delete cascade,
  purpose text not null,                  -- login, reset, factor, setup
  hash bytea not null,
  stamp bigint not null,                  -- the account's: a change of address, password or factors voids the code
  target text not null,                   -- the address or number that it was sent to
  factor_id text references factors (id) on delete cascade,
  created_at bigint not null,
  expires_at bigint not null,
  spent_at bigint,
  primary key (account_id, purpose)
);
create index codes_expiry on codes (expires_at);
create index codes_factor on codes (factor_id) where factor_id is not null;

-- Uploaded files, in pieces, each written by itself. A file without its end is not there yet, and is removed when it is
-- left so.
create table files (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  name text not null,                     -- as the owner called it
  type text not null,                     -- media type, found from the content
  size bigint not null,
  created_at bigint not null,
  complete_at bigint                      -- when the last piece came and the file was counted
);
create index files_account on files (account_id, complete_at);
create index files_size on files (size); -- what all of them take is summed up before each piece
create index files_unfinished on files (created_at) where complete_at is null;
create table file_pieces (
  file_id text not null references files (id) on delete cascade,
  position bigint not null,
  bytes bytea not null,
  primary key (file_id, position)
);
