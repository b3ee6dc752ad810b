//! The columns that an import reads, under every name that the old backends use.

/// What a column of a file says about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportColumn {
    /// Text or numeric id.
    Id,
    /// The numeric id next to a text id.
    Number,
    Email,
    /// Whether or when the address was verified.
    EmailVerified,
    Username,
    FirstName,
    LastName,
    /// The full name.
    Name,
    CompanyName,
    Phone,
    /// Whether or when the phone number was verified.
    PhoneVerified,
    /// The language that the owner reads.
    Locale,
    PasswordHash,
    /// Number of uploads so far.
    FilesUploaded,
    /// The account's own upload quota.
    UploadLimit,
    /// Whether the owner can log in.
    Active,
    /// Whether or since when the account is suspended.
    Suspended,
    /// Until when the account is suspended.
    SuspendedUntil,
    /// The state as a word.
    Status,
    /// Whether or when the account was deleted.
    Deleted,
    Role,
    Roles,
    CreatedAt,
    UpdatedAt,
    LastLoginAt,
    /// Accounts at providers.
    Identities,
}

/// What the import does with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnMeaning {
    Read(ImportColumn),
    /// Known but ignored: sessions and links of the old service end with it.
    Left,
    Unknown,
}

/// Our name of each column, then the names that other backends use. Case and separators are
/// ignored.
const NAMES: [(ImportColumn, &str, &[&str]); ImportColumn::COUNT] = [
    (ImportColumn::Id, "id", &["userid", "uuid", "accountid"]),
    (ImportColumn::Number, "number", &["accountnumber", "usernumber"]),
    (ImportColumn::Email, "email", &["emailaddress", "mail", "useremail"]),
    (
        ImportColumn::EmailVerified,
        "email_verified_at",
        &[
            "isverified",
            "verified",
            "emailverified",
            "isemailverified",
            "verifiedat",
            "emailconfirmed",
            "emailconfirmedat",
            "confirmedat",
        ],
    ),
    (ImportColumn::Username, "username", &["login", "usernm"]),
    (ImportColumn::FirstName, "first_name", &["givenname", "firstname"]),
    (ImportColumn::LastName, "last_name", &["familyname", "surname"]),
    (ImportColumn::Name, "name", &["fullname", "displayname"]),
    (ImportColumn::CompanyName, "company_name", &["company"]),
    (ImportColumn::Phone, "phone", &["phonenumber", "telephone", "mobile"]),
    (
        ImportColumn::PhoneVerified,
        "phone_verified_at",
        &["phoneverified", "isphoneverified", "phoneconfirmedat"],
    ),
    (ImportColumn::Locale, "locale", &["language", "preferredlanguage"]),
    (
        ImportColumn::PasswordHash,
        "password_hash",
        &["password", "hash", "hashedpassword", "passwd", "passworddigest", "encryptedpassword"],
    ),
    (ImportColumn::FilesUploaded, "files_uploaded", &["uploads", "uploadcount"]),
    (ImportColumn::UploadLimit, "upload_limit", &["maxuploads"]),
    (ImportColumn::Active, "is_active", &["active", "enabled", "isenabled"]),
    (
        ImportColumn::Suspended,
        "suspended_at",
        &[
            "suspended",
            "issuspended",
            "locked",
            "islocked",
            "blocked",
            "isblocked",
            "banned",
            "disabled",
            "isdisabled",
        ],
    ),
    (ImportColumn::SuspendedUntil, "suspended_until", &["banneduntil"]),
    (ImportColumn::Status, "status", &["state", "accountstatus"]),
    (ImportColumn::Deleted, "deleted_at", &["deleted", "isdeleted"]),
    (ImportColumn::Role, "role", &["userrole"]),
    (ImportColumn::Roles, "roles", &["userroles"]),
    (
        ImportColumn::CreatedAt,
        "created_at",
        &["created", "createdon", "registeredat", "joinedat", "datejoined"],
    ),
    (ImportColumn::UpdatedAt, "updated_at", &["updated", "updatedon", "modifiedat"]),
    (
        ImportColumn::LastLoginAt,
        "last_login_at",
        &["lastlogin", "lastloginat", "lastseen", "lastsigninat"],
    ),
    (
        ImportColumn::Identities,
        "identities",
        &["federatedidentities", "provideruserinfo", "externalauths", "accounts"],
    ),
];

/// Known columns that are ignored: secrets and figures of the old service, its own settings, and
/// names that are not unique there.
const LEFT: &[&str] = &[
    "refreshtoken",
    "refreshtokens",
    "accesstoken",
    "token",
    "tokens",
    "tokenversion",
    "session",
    "sessions",
    "otp",
    "otpcode",
    "otpexpiry",
    "otpexpiresat",
    "verificationtoken",
    "emailverificationtoken",
    "resettoken",
    "resetpasswordtoken",
    "passwordresettoken",
    "permissions",
    "accountlockeduntil",
    "aud",
    "instanceid",
    "confirmationtoken",
    "confirmationsentat",
    "recoverytoken",
    "recoverysentat",
    "emailchange",
    "emailchangetokennew",
    "emailchangetokencurrent",
    "emailchangesentat",
    "emailchangeconfirmstatus",
    "phonechange",
    "phonechangetoken",
    "phonechangesentat",
    "reauthenticationtoken",
    "reauthenticationsentat",
    "invitedat",
    "rawappmetadata",
    "rawusermetadata",
    "issuperadmin",
    "issuperuser",
    "isstaff",
    "isssouser",
    "isanonymous",
    "resetpasswordsentat",
    "remembercreatedat",
    "remembertoken",
    "currentsigninat",
    "currentsigninip",
    "lastsigninip",
    "signincount",
    "failedattempts",
    "unlocktoken",
    "lockedat",
    "unconfirmedemail",
    "twofactorsecret",
    "twofactorrecoverycodes",
    "twofactorconfirmedat",
    "currentteamid",
    "profilephotopath",
    "nickname",
    "picture",
    "lastip",
    "loginscount",
    "usermetadata",
    "appmetadata",
    "tenant",
    "connection",
    "tmpisunique",
    "passwordsetdate",
    "lastpasswordreset",
    "multifactor",
    "groups",
    "userpermissions",
];

/// Supabase has `confirmed_at` too, the earlier of the confirmations of address and phone number.
const GIVES_WAY: [&str; 1] = ["confirmedat"];

impl ImportColumn {
    /// Number of columns.
    pub const COUNT: usize = 26;

    /// Interprets a column name from a file's header.
    #[must_use]
    pub fn meaning(name: &str) -> ColumnMeaning {
        let folded = folded(name);
        let known = NAMES.iter().find(|(_, own, others)| {
            folded == crate::identity::admin::import::column::folded(own)
                || others.contains(&&*folded)
        });
        match known {
            Some((column, ..)) => ColumnMeaning::Read(*column),
            None if LEFT.contains(&&*folded) => ColumnMeaning::Left,
            None => ColumnMeaning::Unknown,
        }
    }

    /// Our name of the column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.get(self.place()).map_or("", |(_, own, _)| own)
    }

    /// Our names of all columns.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, own, _)| *own)
    }

    /// Whether this name of a column gives way to another one of the same meaning: some systems have
    /// both, and the other says it more exactly.
    #[must_use]
    pub fn gives_way(name: &str) -> bool {
        GIVES_WAY.contains(&&*folded(name))
    }

    pub(in crate::identity) fn place(self) -> usize {
        self as usize
    }
}

/// Folds `first_name`, `firstName` and `First Name` to the same name.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// One row of a file: the text of each known column, `None` where the file has nothing.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    values: [Option<String>; ImportColumn::COUNT],
}

impl Fields {
    /// Stores a column's text. Blank text counts as absent.
    pub fn put(&mut self, column: ImportColumn, text: String) {
        if let Some(place) = self.values.get_mut(column.place()) {
            *place = Some(text).filter(|text| !text.trim().is_empty());
        }
    }

    /// Returns a column's text without surrounding whitespace.
    #[must_use]
    pub fn get(&self, column: ImportColumn) -> Option<&str> {
        self.values.get(column.place())?.as_deref().map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_columns_and_names_nothing_twice() {
        let mut all: Vec<String> = LEFT.iter().map(|&name| name.to_owned()).collect();
        for (at, (column, own, others)) in NAMES.iter().enumerate() {
            assert_eq!((column.place(), column.as_str()), (at, *own));
            let mut names: Vec<String> = others.iter().map(|&other| other.to_owned()).collect();
            names.push(folded(own));
            names.sort_unstable();
            names.dedup();
            all.extend(names);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_names_of_the_old_backends_are_known() {
        for (name, column) in [
            ("userId", ImportColumn::Id),
            ("user_id", ImportColumn::Id),
            ("password", ImportColumn::PasswordHash),
            ("passwordHash", ImportColumn::PasswordHash),
            ("password_hash", ImportColumn::PasswordHash),
            ("isEmailVerified", ImportColumn::EmailVerified),
            ("emailVerified", ImportColumn::EmailVerified),
            ("isVerified", ImportColumn::EmailVerified),
            ("is_active", ImportColumn::Active),
            ("isActive", ImportColumn::Active),
            ("filesUploaded", ImportColumn::FilesUploaded),
            ("company_name", ImportColumn::CompanyName),
            ("lastLoginAt", ImportColumn::LastLoginAt),
            ("lastLogin", ImportColumn::LastLoginAt),
            ("createdAt", ImportColumn::CreatedAt),
            ("firstName", ImportColumn::FirstName),
        ] {
            assert_eq!(ImportColumn::meaning(name), ColumnMeaning::Read(column), "{name}");
        }
        assert_eq!(ImportColumn::meaning("refresh_token"), ColumnMeaning::Left);
        assert_eq!(ImportColumn::meaning("shoe_size"), ColumnMeaning::Unknown);
    }
}
