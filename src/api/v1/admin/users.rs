//! Operations on other accounts.

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::MaybeUndefined;
use poem_openapi::{ApiResponse, OpenApi};

use super::super::V1Tag;
use super::super::types::{AccountStatus, Done, PasskeyListAnswer};
use super::super::users::{change, language};
use super::super::view::passkeys;
use super::login_check::{LoginCheckAnswer, shown};
use super::types::{
    CreateUserRequest, QuotaChangedAnswer, QuotaRequest, SessionsAnswer, UpdateUserRequest,
    UserAnswer, UserChangedAnswer, UserCreatedAnswer, UserPage, UsersAnswer,
};
use super::user_list::{FactorWord, ListParameters, SortWord, pagination};
use super::view;
use crate::http::extract::allowed::{Allowed, FreshProof, ReadUsers, UpdateUsers, WriteUsers};
use crate::http::extract::body::Body;
use crate::http::extract::params::{
    NameQuery, PageLimit, PageNumber, Paging, SearchQuery, TimeQuery,
};
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::account::quota;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::admin::accounts::NewEntry;
use crate::identity::admin::changes::{Changes, Correction};
use crate::identity::admin::{accounts, changes, login_check, search};
use crate::identity::{Core, factor, passkey};
use crate::model::{AccountId, Status};

/// Operations under `/admin/users`.
pub struct AdminUsersApi {
    pub(super) core: Arc<Core>,
}

/// Response to the creation of an account.
#[derive(ApiResponse)]
pub enum UserCreatedResponse {
    /// The account is created.
    #[oai(status = 201)]
    Account(Json<UserCreatedAnswer>),
}

impl From<AccountStatus> for Status {
    fn from(status: AccountStatus) -> Self {
        match status {
            AccountStatus::Pending => Self::Pending,
            AccountStatus::Active => Self::Active,
            AccountStatus::Suspended => Self::Suspended,
            AccountStatus::Deleted => Self::Deleted,
        }
    }
}

#[OpenApi]
impl AdminUsersApi {
    /// List accounts
    ///
    /// `search` and `text` match any part, every character literally. Every filter must fit. At most
    /// 10,000 matches are counted: if there are more, `more` is `true`. A filter that few of very many
    /// accounts meet may end a page before it is full. Read on with `after` while there is a `next`,
    /// which answers have that were asked with more than `page`, `limit`, `status` and `search`.
    #[oai(path = "/admin/users", method = "get", operation_id = "listUsers", tag = "V1Tag::Admin")]
    #[allow(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn list(
        &self,
        _admin: Allowed<ReadUsers>,
        /// The page number, from 1, counted from `after`.
        page: Query<Option<PageNumber>>,
        /// Entries per page, from 1 to 100. Defaults to 20.
        limit: Query<Option<PageLimit>>,
        /// Only accounts with this status.
        status: Query<Option<AccountStatus>>,
        /// Only accounts whose email address or username contains this text.
        search: Query<Option<SearchQuery>>,
        /// Without `search`: only accounts whose email address, username or name contains this text.
        text: Query<Option<SearchQuery>>,
        /// Only accounts with this role.
        role: Query<Option<NameQuery>>,
        /// Only accounts with this factor.
        factor: Query<Option<FactorWord>>,
        /// Only accounts that are connected to this provider.
        provider: Query<Option<NameQuery>>,
        /// Only accounts that were created at or after this time.
        #[oai(name = "createdSince")]
        created_since: Query<Option<TimeQuery>>,
        /// Only accounts that were created before this time.
        #[oai(name = "createdUntil")]
        created_until: Query<Option<TimeQuery>>,
        /// Only accounts that last logged in at or after this time.
        #[oai(name = "lastLoginSince")]
        last_login_since: Query<Option<TimeQuery>>,
        /// Only accounts that last logged in before this time.
        #[oai(name = "lastLoginUntil")]
        last_login_until: Query<Option<TimeQuery>>,
        /// Only accounts that never logged in.
        #[oai(name = "neverLoggedIn")]
        never_logged_in: Query<Option<bool>>,
        /// The order. Defaults to `created`.
        sort: Query<Option<SortWord>>,
        /// Only accounts after this place: the `next` of a page.
        after: Query<Option<NameQuery>>,
    ) -> Answer<UsersAnswer> {
        let paging = Paging::read(page.0, limit.0)?;
        let parameters = ListParameters {
            paging,
            status: status.0,
            search: search.0,
            text: text.0,
            role: role.0,
            factor: factor.0,
            provider: provider.0,
            created_since: created_since.0,
            created_until: created_until.0,
            last_login_since: last_login_since.0,
            last_login_until: last_login_until.0,
            never_logged_in: never_logged_in.0,
            sort: sort.0,
            after: after.0,
        };
        let asks_for_next = parameters.asks_for_next();
        let found = search::page(&self.core, &parameters.read()?).await?;
        let mut pagination = pagination(paging, &found);
        pagination.next = pagination.next.filter(|_| asks_for_next);
        let users =
            found.entries.into_iter().map(|entry| view::listed(&self.core, entry)).collect();
        Ok(answer(UserPage { users, pagination }.into()))
    }

    /// Create an account
    #[oai(
        path = "/admin/users",
        method = "post",
        operation_id = "createUser",
        tag = "V1Tag::Admin"
    )]
    async fn create(
        &self,
        admin: Allowed<WriteUsers>,
        body: Body<CreateUserRequest>,
    ) -> Result<UserCreatedResponse, Reject> {
        let asked = body.0;
        let account = NewAccount {
            username: asked.username.map(|field| field.0),
            first_name: asked.first_name.filter(|name| !name.is_empty()),
            last_name: asked.last_name.filter(|name| !name.is_empty()),
            locale: asked.locale.map(|field| field.0),
            ..NewAccount::new(asked.email.0, asked.password.0)
        };
        let new = NewEntry {
            account,
            roles: asked.roles.unwrap_or_default(),
            verified: asked.email_verified == Some(true),
        };
        let entry = accounts::create(&self.core, &admin.by(), new).await?;
        Ok(UserCreatedResponse::Account(Json(view::listed(&self.core, entry).into())))
    }

    /// Get an account
    #[oai(
        path = "/admin/users/:userId",
        method = "get",
        operation_id = "getUser",
        tag = "V1Tag::Admin"
    )]
    async fn get(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserAnswer> {
        let file = search::details(&self.core, &user_id.0).await?;
        Ok(answer(view::whole(&self.core, file).into()))
    }

    /// Update an account
    ///
    /// Absent fields keep their values. `status` requires `admin.users.suspend`, `roles` requires
    /// `admin.roles`, and the other fields require `admin.users.write`. Administrators cannot
    /// change an account that has permissions they lack.
    #[oai(
        path = "/admin/users/:userId",
        method = "put",
        operation_id = "updateUser",
        tag = "V1Tag::Admin"
    )]
    async fn update(
        &self,
        admin: Allowed<UpdateUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
        body: Body<UpdateUserRequest>,
    ) -> Answer<UserChangedAnswer> {
        let asked = body.0;
        let changes = Changes {
            correction: Correction {
                first_name: change(asked.first_name),
                last_name: change(asked.last_name),
                phone: change(asked.phone),
                locale: language(&asked.locale),
            },
            status: asked.status.map(Status::from),
            roles: asked.roles,
        };
        let entry = changes::update(&self.core, &admin.by(), &user_id.0, changes).await?;
        Ok(answer(view::changed(&self.core, entry).into()))
    }

    /// Delete an account
    ///
    /// The account is hidden immediately and erased after 30 days. An account whose email address
    /// was never verified is erased immediately.
    #[oai(
        path = "/admin/users/:userId",
        method = "delete",
        operation_id = "deleteUser",
        tag = "V1Tag::Admin"
    )]
    async fn delete(
        &self,
        admin: Allowed<FreshProof<WriteUsers>>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<Done> {
        accounts::delete(&self.core, &admin.fresh()?, &user_id.0).await?;
        Ok(answer(Done::saying("User deleted successfully")))
    }

    /// Restore a deleted account
    ///
    /// Works until the account is erased. The account's sessions stay ended.
    #[oai(
        path = "/admin/users/:userId/restore",
        method = "post",
        operation_id = "restoreUser",
        tag = "V1Tag::Admin"
    )]
    async fn restore(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserChangedAnswer> {
        let entry = changes::restore(&self.core, &admin.by(), &user_id.0).await?;
        Ok(answer(view::changed(&self.core, entry).into()))
    }

    /// Unlock an account after failed logins
    #[oai(
        path = "/admin/users/:userId/unlock",
        method = "post",
        operation_id = "unlockUser",
        tag = "V1Tag::Admin"
    )]
    async fn unlock(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserChangedAnswer> {
        let entry = accounts::clear_lockout(&self.core, &admin.by(), &user_id.0).await?;
        Ok(answer(view::changed(&self.core, entry).into()))
    }

    /// Mark an email address as verified
    #[oai(
        path = "/admin/users/:userId/verify",
        method = "post",
        operation_id = "verifyUser",
        tag = "V1Tag::Admin"
    )]
    async fn verify(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserChangedAnswer> {
        let entry = accounts::verify(&self.core, &admin.by(), &user_id.0).await?;
        Ok(answer(view::changed(&self.core, entry).into()))
    }

    /// Set an account's upload quota
    ///
    /// Absent fields keep their values. A `limit` of `null` applies the configured limit.
    #[oai(
        path = "/admin/users/:userId/quota",
        method = "put",
        operation_id = "setUserQuota",
        tag = "V1Tag::Admin"
    )]
    async fn set_quota(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
        body: Body<QuotaRequest>,
    ) -> Answer<QuotaChangedAnswer> {
        let limit = match body.0.limit {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(limit) => Some(Some(limit)),
        };
        let change = quota::Change { limit, uploaded: body.0.files_uploaded };
        let quota =
            quota::change(&self.core, &admin.by(), &AccountId::new(user_id.0), change).await?;
        Ok(answer(view::quota(quota).into()))
    }

    /// Send a password reset email
    ///
    /// The owner receives a link that sets a new password. The current password works until then.
    #[oai(
        path = "/admin/users/:userId/reset-password",
        method = "post",
        operation_id = "resetUserPassword",
        tag = "V1Tag::Admin"
    )]
    async fn reset_password(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<Done> {
        changes::send_reset(&self.core, &admin.by(), &user_id.0).await?;
        Ok(answer(Done::saying("Password reset email sent")))
    }

    /// Explain why an account cannot log in
    ///
    /// Returns what the account logs in with, what stands in the way of a login now, and what failed
    /// in the last 7 days since the last login.
    #[oai(
        path = "/admin/users/:userId/login",
        method = "get",
        operation_id = "explainUserLogin",
        tag = "V1Tag::Admin"
    )]
    async fn explain_login(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<LoginCheckAnswer> {
        let check = login_check::explain(&self.core, &user_id.0).await?;
        Ok(answer(shown(check).into()))
    }

    /// List an account's passkeys
    #[oai(
        path = "/admin/users/:userId/passkeys",
        method = "get",
        operation_id = "listUserPasskeys",
        tag = "V1Tag::Admin"
    )]
    async fn passkeys(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<PasskeyListAnswer> {
        let keys = passkey::list_of(&self.core, &AccountId::new(user_id.0)).await?;
        Ok(answer(passkeys(keys).into()))
    }

    /// Remove a passkey of an account
    ///
    /// The owner is notified by email.
    #[oai(
        path = "/admin/users/:userId/passkeys/:passkeyId",
        method = "delete",
        operation_id = "removeUserPasskey",
        tag = "V1Tag::Admin"
    )]
    async fn remove_passkey(
        &self,
        admin: Allowed<FreshProof<WriteUsers>>,
        #[oai(name = "userId")] user_id: Path<String>,
        #[oai(name = "passkeyId")] passkey_id: Path<String>,
    ) -> Answer<Done> {
        let id = AccountId::new(user_id.0);
        passkey::remove_of(&self.core, &admin.fresh()?, &id, &passkey_id.0).await?;
        Ok(answer(Done::saying("Passkey removed")))
    }

    /// Remove all second factors and passkeys of an account
    ///
    /// For owners who have lost them. The owner is notified by email.
    #[oai(
        path = "/admin/users/:userId/mfa",
        method = "delete",
        operation_id = "resetUserMfa",
        tag = "V1Tag::Admin"
    )]
    async fn reset_mfa(
        &self,
        admin: Allowed<FreshProof<WriteUsers>>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<Done> {
        factor::reset_all(&self.core, &admin.fresh()?, &AccountId::new(user_id.0)).await?;
        Ok(answer(Done::saying("MFA devices removed")))
    }

    /// List an account's sessions
    #[oai(
        path = "/admin/users/:userId/sessions",
        method = "get",
        operation_id = "listUserSessions",
        tag = "V1Tag::Admin"
    )]
    async fn sessions(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<SessionsAnswer> {
        let id = search::details(&self.core, &user_id.0).await?.entry.account.id;
        let sessions = search::sessions(&self.core, id.as_str()).await?;
        Ok(answer(
            sessions
                .into_iter()
                .map(|session| view::session(session, None))
                .collect::<Vec<_>>()
                .into(),
        ))
    }

    /// End all sessions of an account
    #[oai(
        path = "/admin/users/:userId/sessions",
        method = "delete",
        operation_id = "endUserSessions",
        tag = "V1Tag::Admin"
    )]
    async fn end_sessions(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<Done> {
        changes::end_sessions(&self.core, &admin.by(), &user_id.0).await?;
        Ok(answer(Done::saying("Sessions terminated successfully")))
    }

    /// End one session of an account
    #[oai(
        path = "/admin/users/:userId/sessions/:sessionId",
        method = "delete",
        operation_id = "endUserSession",
        tag = "V1Tag::Admin"
    )]
    async fn end_session(
        &self,
        admin: Allowed<WriteUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
        #[oai(name = "sessionId")] session_id: Path<String>,
    ) -> Answer<Done> {
        changes::end_session(&self.core, &admin.by(), &user_id.0, &session_id.0).await?;
        Ok(answer(Done::saying("Session terminated successfully")))
    }
}
