//! The columns that an import knows, under every name that the old backends give them.

/// What a column of a file says about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Text or numeric id.
    Id,
    /// The numeric id beside a text id.
    Number,
    /// E-mail address.
    Email,
    /// Whether or when the address was proved.
    EmailVerified,
    /// User name.
    Username,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// The whole name.
    Name,
    /// The company's name.
    CompanyName,
    /// Telephone number.
    Phone,
    /// Whether or when the number was proved.
    PhoneVerified,
    /// The password's hash.
    PasswordHash,
    /// Uploads counted so far.
    FilesUploaded,
    /// An upload quota of its own.
    UploadLimit,
    /// Whether it may log in.
    Active,
    /// Whether or since when it may not.
    Suspended,
    /// A word for its state.
    Status,
    /// Whether or when it was deleted.
    Deleted,
    /// One role.
    Role,
    /// Several roles.
    Roles,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it last logged in.
    LastLoginAt,
}

/// What is to be done with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is read.
    Read(Column),
    /// It is known and of no use here: sessions and links of the old service end with it.
    Left,
    /// Nobody knows what it is.
    Unknown,
}

/// Our own name of each column, then the others', without regard to case and separators.
const NAMES: [(Column, &str, &[&str]); Column::COUNT] = [
    (Column::Id, "id", &["userid", "uuid", "accountid"]),
    (Column::Number, "number", &["accountnumber", "usernumber"]),
    (Column::Email, "email", &["emailaddress", "mail", "useremail"]),
    (
        Column::EmailVerified,
        "email_verified_at",
        &["isverified", "verified", "emailverified", "isemailverified", "verifiedat", "emailconfirmed"],
    ),
    (Column::Username, "username", &["login", "usernm", "nickname"]),
    (Column::FirstName, "first_name", &["givenname", "firstname"]),
    (Column::LastName, "last_name", &["familyname", "surname"]),
    (Column::Name, "name", &["fullname", "displayname"]),
    (Column::CompanyName, "company_name", &["company"]),
    (Column::Phone, "phone", &["phonenumber", "telephone", "mobile"]),
    (Column::PhoneVerified, "phone_verified_at", &["phoneverified", "isphoneverified"]),
    (Column::PasswordHash, "password_hash", &["password", "hash", "hashedpassword", "passwd", "passworddigest"]),
    (Column::FilesUploaded, "files_uploaded", &["uploads", "uploadcount"]),
    (Column::UploadLimit, "upload_limit", &["maxuploads"]),
    (Column::Active, "is_active", &["active", "enabled", "isenabled"]),
    (
        Column::Suspended,
        "suspended_at",
        &["suspended", "issuspended", "locked", "islocked", "blocked", "isblocked", "banned", "disabled", "isdisabled"],
    ),
    (Column::Status, "status", &["state", "accountstatus"]),
    (Column::Deleted, "deleted_at", &["deleted", "isdeleted"]),
    (Column::Role, "role", &["userrole"]),
    (Column::Roles, "roles", &["userroles"]),
    (Column::CreatedAt, "created_at", &["created", "createdon", "registeredat", "joinedat"]),
    (Column::UpdatedAt, "updated_at", &["updated", "updatedon", "modifiedat"]),
    (Column::LastLoginAt, "last_login_at", &["lastlogin", "lastloginat", "lastseen"]),
];

/// Known columns that stay behind.
const LEFT: [&str; 19] = [
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
];

impl Column {
    /// How many there are.
    pub const COUNT: usize = 23;

    /// What a name in a file's heading means.
    #[must_use]
    pub fn meaning(name: &str) -> Meaning {
        let folded = folded(name);
        let known = NAMES.iter().find(|(_, own, others)| folded == self::folded(own) || others.contains(&&*folded));
        match known {
            Some((column, ..)) => Meaning::Read(*column),
            None if LEFT.contains(&&*folded) => Meaning::Left,
            None => Meaning::Unknown,
        }
    }

    /// Our own name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.get(self.place()).map_or("", |(_, own, _)| own)
    }

    pub(super) fn place(self) -> usize {
        self as usize
    }
}

/// `first_name`, `firstName` and `First Name` are one name.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// One row of a file: the text of each known column, absent where the file has nothing.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    values: [Option<String>; Column::COUNT],
}

impl Fields {
    /// Keeps a column's text; what is empty is nothing.
    pub fn put(&mut self, column: Column, text: String) {
        if let Some(place) = self.values.get_mut(column.place()) {
            *place = Some(text).filter(|text| !text.trim().is_empty());
        }
    }

    /// A column's text, without the spaces around it.
    #[must_use]
    pub fn get(&self, column: Column) -> Option<&str> {
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
            ("userId", Column::Id),
            ("user_id", Column::Id),
            ("password", Column::PasswordHash),
            ("passwordHash", Column::PasswordHash),
            ("password_hash", Column::PasswordHash),
            ("isEmailVerified", Column::EmailVerified),
            ("emailVerified", Column::EmailVerified),
            ("isVerified", Column::EmailVerified),
            ("is_active", Column::Active),
            ("isActive", Column::Active),
            ("filesUploaded", Column::FilesUploaded),
            ("company_name", Column::CompanyName),
            ("lastLoginAt", Column::LastLoginAt),
            ("lastLogin", Column::LastLoginAt),
            ("createdAt", Column::CreatedAt),
            ("firstName", Column::FirstName),
        ] {
            assert_eq!(Column::meaning(name), Meaning::Read(column), "{name}");
        }
        assert_eq!(Column::meaning("refresh_token"), Meaning::Left);
        assert_eq!(Column::meaning("shoe_size"), Meaning::Unknown);
    }
}
