// Generated from `authd openapi v1` by sdk/types.mjs; do not edit.
export interface paths {
    "/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign up
         * @description Creates an account and emails a verification link to its address.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Takes a password with `email` or `username`. The response carries the refresh token in the
         *     body and in an `HttpOnly` cookie.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh the access token
         * @description Takes the refresh token from the cookie or, without a cookie, from the body. The next
         *     refresh token is returned the same way: in the body if the token came in the body, otherwise
         *     only in the cookie.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session that the access token, the cookie or the refresh token in the body belongs
         *     to. With `logoutAllDevices`, ends all sessions of the account.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out everywhere
         * @description Ends all sessions of the account.
         */
        post: operations["logoutAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify an email address
         * @description Verifies the address that the token was mailed to. Further calls with the same token report
         *     that the address is already verified. If sign-ups with the address gave different passwords,
         *     none of them works, and the owner is mailed a link to choose one.
         */
        post: operations["verifyEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/resend-verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resend the verification email
         * @description Emails a new link if an account with this address is not verified yet. The response is the
         *     same in either case.
         */
        post: operations["resendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/verify-email/disown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disown an account
         * @description For the owner of an email address that another person used to sign up. Removes the account
         *     that the token was mailed for, unless its address has been verified.
         */
        post: operations["disownEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller's profile
         * @description Returns the account, its roles and the permissions that they grant.
         */
        get: operations["getProfile"];
        /**
         * Update the caller's profile
         * @description Absent fields keep their values; `null` or an empty string clears a field.
         */
        put: operations["updateProfile"];
        post?: never;
        /**
         * Delete the caller's account
         * @description Hides the account immediately, ends all its sessions and erases it after 30 days. Requires
         *     fresh authentication. The last administrator cannot be deleted.
         */
        delete: operations["deleteAccount"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the caller's account
         * @description Returns all data that the server stores about the caller, without hashes of secrets.
         *     Requires fresh authentication.
         */
        get: operations["exportAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/forgot-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request a password reset
         * @description Emails a link that sets a new password if the address has an account. The response is the
         *     same in either case. A new link replaces the previous one.
         */
        post: operations["forgotPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reset the password
         * @description Sets a new password with the token from an emailed link. The link works once. All sessions
         *     end, a lockout is lifted, and the email address counts as verified. The call does not log
         *     in.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change the password of the caller's account
         * @description The session that makes this call continues; all other sessions end.
         */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reauthenticate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm your identity again
         * @description Makes the session's authentication fresh for 15 minutes. Fresh authentication is required to
         *     change the email address and to delete or export the account, for example. A login has the
         *     same effect; a token refresh does not.
         */
        post: operations["reauthenticate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change the email address
         * @description Emails a confirmation link to the new address, and a notice to the current address. For 7
         *     days, a link in the notice undoes the change and ends all sessions. Requires fresh
         *     authentication. The response is the same if the new address is already taken.
         */
        post: operations["changeEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/confirm-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Confirm a new email address */
        post: operations["confirmEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/undo-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo a change of the email address
         * @description Restores the address that the token was mailed to and ends all sessions. A link that sets a
         *     new password is sent to that address.
         */
        post: operations["undoEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reset-code/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request a reset code
         * @description Emails a code that sets a new password if the address has an account. The response is the
         *     same in either case. A new code replaces the previous one. Available only if the server
         *     allows reset by code.
         */
        post: operations["resetCodeRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reset-code/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify a reset code
         * @description Checks whether the code is correct without consuming it. Available only if the server allows
         *     reset by code.
         */
        post: operations["resetCodeVerify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reset-code/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reset the password with a code
         * @description Sets a new password and consumes the code. All sessions end, a lockout is lifted, and the
         *     email address counts as verified. The call does not log in. Available only if the server
         *     allows reset by code.
         */
        post: operations["resetCodeConfirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set up a second factor
         * @description The factor has no effect until a code confirms it. The secrets in the response are shown
         *     only once. Requires fresh authentication and a verified email address.
         */
        post: operations["mfaSetup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify a code
         * @description With the `mfaToken` of a login as bearer token, completes that login. With an access token,
         *     confirms a factor that is being set up; if there is none, checks the code against a
         *     confirmed factor and makes the session's authentication fresh. Backup codes are accepted
         *     too.
         */
        post: operations["mfaVerify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resend a login code
         * @description Takes the `mfaToken` as bearer token and sends a new code by one of the login's methods. The
         *     previous code stops working.
         */
        post: operations["mfaChallenge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/backup-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create new backup codes
         * @description The previous backup codes stop working. Requires fresh authentication.
         */
        post: operations["mfaBackupCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/mfa": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's second factors */
        get: operations["listMfa"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/mfa/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Rename a second factor (same as `PATCH`) */
        put: operations["replaceMfaName"];
        post?: never;
        /**
         * Remove a second factor
         * @description Removing the last factor also removes the backup codes. Requires fresh authentication.
         */
        delete: operations["removeMfa"];
        options?: never;
        head?: never;
        /** Rename a second factor */
        patch: operations["renameMfa"];
        trace?: never;
    };
    "/auth/otp/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request a login code
         * @description Emails a code for login without a password if the address has an account. The response is
         *     the same in either case. Available only if the server allows passwordless login.
         */
        post: operations["otpRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/otp/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with an emailed code
         * @description An account with an authenticator app must also provide a code from it. Available only if the
         *     server allows passwordless login.
         */
        post: operations["otpVerify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/passkey/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get options for a passkey login
         * @description Returns the options for `navigator.credentials.get()`; use them for autofill too. The user
         *     chooses among the passkeys on their devices. The options name none, so they do not reveal
         *     who has an account.
         */
        post: operations["passkeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with a passkey
         * @description The passkey's authenticator checks who the user is, so no second factor is asked for. The
         *     response is that of a login with a password.
         */
        post: operations["passkeyLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/passkey/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get options for a passkey as the second factor
         * @description Takes the `mfaToken` of a login as bearer token.
         */
        post: operations["mfaPasskeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete a login with a passkey as the second factor
         * @description Takes the `mfaToken` of a login as bearer token.
         */
        post: operations["mfaPasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reauthenticate/passkey/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get options to confirm your identity with a passkey */
        post: operations["reauthenticatePasskeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reauthenticate/passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm your identity with a passkey
         * @description Makes the session's authentication fresh for 15 minutes, as `reauthenticate` does with a
         *     password.
         */
        post: operations["reauthenticatePasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/passkeys/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get options to add a passkey or security key
         * @description Returns the options for `navigator.credentials.create()`. Requires fresh authentication and
         *     a verified email address.
         */
        post: operations["addPasskeyOptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's passkeys
         * @description The response also has the arguments of `signalAllAcceptedCredentials()`, which removes
         *     deleted passkeys from the user's devices.
         */
        get: operations["listPasskeys"];
        put?: never;
        /**
         * Add a passkey or security key
         * @description Takes what `navigator.credentials.create()` returned for the options of this session.
         *     Requires fresh authentication. The owner is notified by email.
         */
        post: operations["addPasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/passkeys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a passkey
         * @description Requires fresh authentication. The owner is notified by email.
         */
        delete: operations["removePasskey"];
        options?: never;
        head?: never;
        /** Rename a passkey */
        patch: operations["renamePasskey"];
        trace?: never;
    };
    "/auth/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the providers */
        get: operations["listProviders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/providers/{name}/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin a login at a provider
         * @description Send the browser to `authorizationUrl`. The provider answers to `redirectUri`, whose page
         *     sends the answer and `flow` to the callback.
         */
        post: operations["beginProviderLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/providers/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete a login at a provider
         * @description The response is that of a login with a password. If something is missing, the error
         *     `PROVIDER_STEP_REQUIRED` has a `providerToken` and a `step`: `email` (ask for an address and
         *     mail a code), `existing_account` (mail a code to the existing account, or log in to it and
         *     connect) or `login` (log in to the existing account and connect).
         */
        post: operations["completeProviderLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/providers/{name}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with an ID token
         * @description For apps that use the provider's own library. Each ID token counts once. Errors are those of
         *     the callback.
         */
        post: operations["providerTokenLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/providers/code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mail a code for a login with a provider
         * @description The response does not depend on whether the address has an account.
         */
        post: operations["requestProviderCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/providers/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete a login with a provider by a mailed code
         * @description Proves the address, and connects the account at the provider with the account that has it.
         */
        post: operations["completeProviderStep"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's connected accounts */
        get: operations["listIdentities"];
        put?: never;
        /**
         * Connect an account at a provider
         * @description Takes the provider's answer to a flow of this session, or the `providerToken` of a login that
         *     needs it. Requires fresh authentication. The owner is notified by email.
         */
        post: operations["linkIdentity"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/identities/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to connect an account at a provider
         * @description Requires fresh authentication and a verified email address.
         */
        post: operations["beginIdentity"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/identities/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a connected account
         * @description Requires fresh authentication. The owner is notified by email.
         */
        delete: operations["unlinkIdentity"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/identities/{id}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a provider's access token
         * @description For providers with `keep_tokens`. A token that ends within a minute is refreshed first. Requires
         *     fresh authentication, or the key of a service beside the user's access token.
         */
        post: operations["getProviderToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's files */
        get: operations["listFiles"];
        put?: never;
        /**
         * Upload a file
         * @description Accepts PDF, DOC, DOCX, TXT, JPG, PNG and GIF files, detected by their content. The upload
         *     counts towards the quota.
         */
        post: operations["uploadFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/files/{fileId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download a file of the caller */
        get: operations["getFile"];
        put?: never;
        post?: never;
        /**
         * Delete a file of the caller
         * @description The upload still counts towards the quota.
         */
        delete: operations["deleteFile"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/quota": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the caller's upload quota */
        get: operations["getQuota"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/verify-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify a token
         * @description Returns the account that the token belongs to, or the reason why the token is not valid. No
         *     further credentials are needed.
         */
        post: operations["verifyToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's sessions
         * @description Returns all active sessions, most recently used first.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /** End all other sessions */
        delete: operations["endOtherSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/sessions/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a session */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's security records
         * @description Returns the audit log entries about the caller's account, newest first.
         */
        get: operations["listOwnAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description Status of an account.
         * @enum {string}
         */
        AccountStatus: "pending" | "active" | "suspended" | "deleted";
        /** @description Request for the options to add a passkey. */
        AddPasskeyOptionsRequest: {
            /** @description What the key is for. */
            type: components["schemas"]["PasskeyType"];
        };
        /** @description Request to add a passkey. */
        AddPasskeyRequest: {
            /** @description The new passkey. */
            credential: components["schemas"]["PasskeyAttestation"];
            /** @description A name for the passkey. Defaults to the name of the authenticator. */
            name?: string | null;
        };
        /** @description A passkey that was just added. */
        AddedPasskey: {
            /** @description The passkey. */
            passkey: components["schemas"]["PasskeyView"];
            /** @description Backup codes, shown only once, if this is the account's first second factor. Otherwise empty. */
            backupCodes: string[];
        };
        /** @description A passkey that was just added. */
        AddedPasskeyAnswer: {
            success: boolean;
            message: string;
            data: components["schemas"]["AddedPasskey"];
        };
        /** @description What the authenticator signed. */
        AssertionBody: {
            /**
             * Format: base64url
             * @description Client data.
             */
            clientDataJSON: string;
            /**
             * Format: base64url
             * @description Authenticator data.
             */
            authenticatorData: string;
            /**
             * Format: base64url
             * @description The signature.
             */
            signature: string;
            /**
             * Format: base64url
             * @description The user handle.
             */
            userHandle?: string | null;
        };
        /** @description A new credential, as the authenticator describes it. */
        AttestationBody: {
            /**
             * Format: base64url
             * @description Client data.
             */
            clientDataJSON: string;
            /**
             * Format: base64url
             * @description The attestation object.
             */
            attestationObject: string;
            /** @description How the authenticator can be reached. */
            transports?: string[] | null;
        };
        /** @description A page of the audit log. */
        AuditAnswer: {
            success: boolean;
            data: components["schemas"]["AuditPage"];
        };
        /** @description A page of the audit log, newest first. */
        AuditPage: {
            /** @description The records. */
            records: components["schemas"]["AuditRecord"][];
            /** @description Value of `before` for the next page; `null` on the last page. */
            next?: string | null;
        };
        /** @description A record of the audit log. */
        AuditRecord: {
            /** @description The record's ID. IDs sort by time. */
            id: string;
            /** @description When the event happened. */
            at: string;
            /** @description The event. */
            event: string;
            /** @description Outcome of the event: `done` or `refused`. */
            outcome: string;
            /** @description The account that the record is about. */
            accountId?: string | null;
            /** @description The session that the record is about. */
            sessionId?: string | null;
            /** @description Who performed the action: an account's ID, or `cli`. */
            actor?: string | null;
            /** @description The client's IP address. */
            ipAddress?: string | null;
            /** @description The client's `User-Agent` header. */
            userAgent?: string | null;
            /** @description The ID of the request. */
            requestId?: string | null;
            /** @description Further detail, such as the limit that refused a request. */
            detail?: string | null;
            /**
             * Format: int64
             * @description Number of occurrences. Requests that a limit refuses share one record per caller and minute.
             */
            count: number;
            /** @description Why an administrator did it, in their words. */
            reason?: string | null;
        };
        /** @description Requirements for the authenticator. */
        AuthenticatorSelection: {
            /** @description Whether the credential has to be found without its ID. */
            residentKey: string;
            /** @description Whether the authenticator has to check who the user is. */
            userVerification: string;
        };
        /** @description New backup codes, shown only once. */
        BackupCodes: {
            /** @description The codes. The previous codes stop working. */
            backupCodes: string[];
        };
        /** @description New backup codes. */
        BackupCodesAnswer: {
            success: boolean;
            data: components["schemas"]["BackupCodes"];
        };
        /** @description Request to begin connecting an account at a provider. */
        BeginIdentityRequest: {
            /** @description The name of the provider. */
            provider: string;
            /** @description As for a login. */
            redirectUri: string;
        };
        /** @description Request to begin a login at a provider. */
        BeginProviderRequest: {
            /** @description The page of the app that takes the provider's answer: one of the provider's `redirect_uris`. */
            redirectUri: string;
            /** @description If `false`, the session ends when the browser closes or after one day. Defaults to `true`. */
            rememberMe?: boolean | null;
        };
        /** @description Where to send the browser. */
        BegunProvider: {
            /** @description The page of the provider. */
            authorizationUrl: string;
            /** @description Keep it in the browser, and send it with the provider's answer. */
            flow: string;
            /**
             * Format: uint64
             * @description How long the user may take, in seconds.
             */
            expiresIn: number;
        };
        /** @description Where to send the browser. */
        BegunProviderAnswer: {
            success: boolean;
            data: components["schemas"]["BegunProvider"];
        };
        /** @description Request to change the email address. */
        ChangeEmailRequest: {
            /**
             * Format: email
             * @description The new address.
             */
            newEmail: string;
        };
        /** @description Request to change the password. */
        ChangePasswordRequest: {
            /**
             * Format: password
             * @description The current password.
             */
            currentPassword: string;
            /**
             * Format: password
             * @description The new password.
             */
            newPassword: string;
        };
        /** @description Properties of a new credential. */
        CredentialProperties: {
            /** @description Whether the credential can be found without its ID. */
            rk?: boolean | null;
        };
        /**
         * @description The type of a credential.
         * @enum {string}
         */
        CredentialType: "public-key";
        /** @description Names a credential to the browser. */
        DescribedCredential: {
            type: components["schemas"]["CredentialType"];
            /** @description The credential's ID, in base64url. */
            id: string;
            /** @description How its authenticator can be reached. */
            transports: string[];
        };
        /** @description The device that started a session. */
        DeviceInfo: {
            /** @description The browser or program. */
            browser: string;
            /** @description The operating system. */
            os: string;
            /** @description `Desktop`, `Mobile`, `Tablet` or `Unknown`. */
            device: string;
            /** @description Browser and operating system as one label, such as `Chrome on Windows`. */
            label: string;
        };
        /** @description Response that only confirms success. */
        Done: {
            success: boolean;
            /** @description Human-readable message. */
            message: string;
        };
        Error: {
            /** @enum {boolean} */
            success: false;
            error: {
                code: string;
                message: string;
                details?: {
                    field: string;
                    message: string;
                    code: string;
                }[];
                /** @description Token to complete a login that requires a second factor. */
                mfaToken?: string;
                /** @description Methods that complete the login. */
                methods?: string[];
                /** @description Token to go on with a login with a provider. */
                providerToken?: string;
                /** @description What the login with a provider needs: `email`, `existing_account` or `login`. */
                step?: string;
                /** @description The address that `step` is about. */
                email?: string;
                /** @description Lifetime of the token, in seconds. */
                expiresIn?: number;
                /** @description When to retry, in seconds. */
                retryAfter?: number;
            };
            /** Format: date-time */
            timestamp: string;
            requestId: string;
        };
        /**
         * @description All data that the server stores about the caller. Lists that can grow are limited to the newest
         *     10,000 entries.
         */
        Export: {
            /** @description When the export was made. */
            exportedAt: string;
            /** @description The account. */
            account: components["schemas"]["ExportedAccount"];
            /** @description Sessions that are still stored. */
            sessions: components["schemas"]["ExportedSession"][];
            /** @description IP addresses that have logged in. */
            clients: components["schemas"]["ExportedClient"][];
            /** @description The account's second factors. */
            factors: components["schemas"]["ExportedFactor"][];
            /**
             * Format: int64
             * @description Number of unused backup codes.
             */
            backupCodesLeft: number;
            /** @description The passkeys and security keys. */
            passkeys: components["schemas"]["PasskeyView"][];
            /** @description The connected accounts at providers. */
            identities: components["schemas"]["IdentityView"][];
            /** @description The account's files. */
            files: components["schemas"]["ExportedFile"][];
            /** @description Audit log entries about the account. */
            events: components["schemas"]["ExportedEvent"][];
            /** @description Emails to the account that are still stored. */
            mails: components["schemas"]["ExportedMail"][];
        };
        /** @description All data that the server stores about the caller. */
        ExportAnswer: {
            success: boolean;
            data: components["schemas"]["Export"];
        };
        /** @description The account in an export. */
        ExportedAccount: {
            /** @description The account's ID. */
            id: string;
            /**
             * Format: int64
             * @description The account's numeric ID, which some calls use.
             */
            number: number;
            /** @description The email address, if the account has one. */
            email?: string | null;
            /** @description When the email address was verified. */
            emailVerifiedAt?: string | null;
            /** @description The username. */
            username?: string | null;
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description The full name, if it was given as one field. */
            name?: string | null;
            /** @description The company's name. */
            companyName?: string | null;
            /** @description Phone number. */
            phone?: string | null;
            /** @description The language that the owner reads, if it is known. */
            locale?: string | null;
            /** @description When the phone number was verified. */
            phoneVerifiedAt?: string | null;
            /** @description Whether the account has a password. The password itself is not stored. */
            hasPassword: boolean;
            /** @description The account's roles. */
            roles: string[];
            /** @description When the account last completed a login. */
            lastLogin?: string | null;
            /** @description When the account was created. */
            createdAt: string;
            /** @description When the account was last changed. */
            updatedAt: string;
        };
        /** @description An IP address that has logged in. */
        ExportedClient: {
            /** @description The IP address, or its network. */
            ipAddress: string;
            /** @description The last login from this address. */
            lastLogin: string;
        };
        /** @description An audit log entry in an export. */
        ExportedEvent: {
            /** @description When the event happened. */
            at: string;
            /** @description The event. */
            event: string;
            /** @description Outcome of the event: `done` or `refused`. */
            outcome: string;
            /** @description The session of the event. */
            sessionId?: string | null;
            /** @description The client's IP address. */
            ipAddress?: string | null;
            /** @description The client's `User-Agent` header. */
            userAgent?: string | null;
            /** @description Further detail, such as a reason or a number. */
            detail?: string | null;
            /**
             * Format: int64
             * @description Number of occurrences.
             */
            count: number;
        };
        /** @description A second factor in an export, without its secret. */
        ExportedFactor: {
            /** @description The factor's name, as given by its owner. */
            name: string;
            /** @description The kind of factor. */
            method: string;
            /** @description The phone number that receives codes. */
            target?: string | null;
            /** @description When the factor was set up. */
            createdAt: string;
            /** @description When the factor was confirmed. An unconfirmed factor has no effect. */
            confirmedAt?: string | null;
            /** @description When the factor was last used. */
            lastUsedAt?: string | null;
        };
        /** @description A file in an export. Download its content with `GET /users/me/files/{id}`. */
        ExportedFile: {
            /** @description The file's ID. */
            id: string;
            /** @description The file's name, as given by its owner. */
            name: string;
            /** @description The media type. */
            type: string;
            /**
             * Format: int64
             * @description Size in bytes.
             */
            size: number;
            /** @description When the file was uploaded. */
            uploadedAt: string;
        };
        /** @description An email in an export. */
        ExportedMail: {
            /** @description The kind of message. */
            kind: string;
            /** @description The address that the message was sent to. */
            recipient: string;
            /** @description Delivery state: `waiting`, `delivered`, `failed` or `dropped`. */
            state: string;
            /** @description When the message was created. */
            createdAt: string;
        };
        /** @description A session in an export. */
        ExportedSession: {
            /** @description The session's ID. */
            id: string;
            /** @description The client's IP address at login. */
            ipAddress: string;
            /** @description The client's `User-Agent` header. */
            userAgent?: string | null;
            /** @description When the session began. */
            createdAt: string;
            /** @description When the session was last used, accurate to a few minutes. */
            lastActivity: string;
            /** @description When the session ended. */
            endedAt?: string | null;
            /** @description Why the session ended. */
            endReason?: string | null;
        };
        /** @description Results of extensions. */
        ExtensionResults: {
            /** @description Properties of the credential. */
            credProps?: components["schemas"]["CredentialProperties"] | null;
        };
        /**
         * @description The kind of a second factor.
         * @enum {string}
         */
        FactorType: "totp" | "sms" | "email";
        /** @description An uploaded file. */
        File: {
            /** @description The file's ID. */
            id: string;
            /** @description The file's name, as given by its owner. */
            name: string;
            /**
             * Format: int64
             * @description Size in bytes.
             */
            size: number;
            /** @description The media type, detected from the content. */
            type: string;
            /** @description When the upload was completed. */
            uploadedAt: string;
        };
        /** @description The caller's files. */
        FilesAnswer: {
            success: boolean;
            /** @description The files, newest first. */
            data: components["schemas"]["File"][];
        };
        /** @description Request for a password reset email. */
        ForgotPasswordRequest: {
            /**
             * Format: email
             * @description The email address.
             */
            email: string;
        };
        /** @description A connected account at a provider. */
        IdentityAnswer: {
            success: boolean;
            data: components["schemas"]["IdentityView"];
        };
        /** @description The caller's connected accounts, oldest first. */
        IdentityListAnswer: {
            success: boolean;
            data: components["schemas"]["IdentityView"][];
        };
        /** @description A connected account at a provider. */
        IdentityView: {
            /** @description Its ID. */
            id: string;
            /** @description The name of the provider. */
            provider: string;
            /** @description The account at the provider. */
            issuer: string;
            subject: string;
            /** @description The address that the provider last stated. */
            email?: string | null;
            /** @description What its owner is called there. */
            name?: string | null;
            /** @description When it was connected. */
            createdAt: string;
            /** @description When it last logged in. */
            lastUsed?: string | null;
        };
        /** @description An account at a provider to connect: a provider's answer, or a login that waits for it. */
        LinkIdentityRequest: {
            /** @description The provider's answer. */
            callback?: components["schemas"]["ProviderCallbackRequest"] | null;
            /** @description The `providerToken` of a login that needs the step `existing_account` or `login`. */
            providerToken?: string | null;
        };
        /** @description Request with the token from an emailed link. */
        LinkRequest: {
            /** @description The token from the link. */
            token: string;
        };
        /** @description Approximate location of an IP address. */
        Location: {
            /** @description The two-letter country code. */
            country?: string | null;
            /** @description The city's English name. */
            city?: string | null;
        };
        /** @description Response to a login. */
        LoginAnswer: {
            success: boolean;
            message: string;
            data: components["schemas"]["NewSession"];
        };
        /** @description Request to log in with a password, and an email address or a username. */
        LoginRequest: {
            /** @description The email address; send either this or `username`. */
            email?: string | null;
            /** @description The username; send either this or `email`. */
            username?: string | null;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
            /** @description If `false`, the session ends when the browser closes or after one day. Defaults to `true`. */
            rememberMe?: boolean | null;
        };
        /** @description Options for a logout. */
        LogoutRequest: {
            /** @description If `true`, ends all sessions of the account. */
            logoutAllDevices?: boolean | null;
            /** @description Refresh token of the session to end, if neither an access token nor a cookie identifies it. */
            refreshToken?: string | null;
        };
        /** @description Request to resend a login code. */
        MfaChallengeRequest: {
            /** @description One of the login's methods. Defaults to the first method that can send a code. */
            method?: (string & components["schemas"]["FactorType"]) | null;
        };
        /** @description A second factor. */
        MfaDevice: {
            /** @description The factor's ID. */
            id: string;
            /** @description The kind of factor. */
            type: components["schemas"]["FactorType"];
            /** @description The factor's name, as given by its owner. */
            deviceName: string;
            /** @description The last digits of the phone number that receives text messages. */
            phone?: string | null;
            /** @description Whether the factor is confirmed. An unconfirmed factor has no effect. */
            confirmed: boolean;
            /** @description When the factor was set up. */
            createdAt: string;
            /** @description When the factor last completed a login. */
            lastUsed?: string | null;
        };
        /** @description A second factor. */
        MfaDeviceAnswer: {
            success: boolean;
            data: components["schemas"]["MfaDevice"];
        };
        /** @description The caller's second factors. */
        MfaOverview: {
            /** @description Whether a login requires a second factor. */
            enabled: boolean;
            /** @description The factors, oldest first. */
            devices: components["schemas"]["MfaDevice"][];
            /**
             * Format: int64
             * @description Number of unused backup codes.
             */
            backupCodesLeft: number;
        };
        /** @description The caller's second factors. */
        MfaOverviewAnswer: {
            success: boolean;
            data: components["schemas"]["MfaOverview"];
        };
        /** @description Request to rename a second factor. */
        MfaRenameRequest: {
            /** @description The new name. */
            deviceName: string;
        };
        /** @description A second factor that is not confirmed yet, with secrets that are shown only once. */
        MfaSetup: {
            /** @description The factor's ID. */
            deviceId: string;
            /** @description The kind of factor. */
            type: components["schemas"]["FactorType"];
            /** @description The secret in base32. Authenticator apps only. */
            secret?: string | null;
            /** @description The `otpauth` URI. Authenticator apps only. */
            otpauthUri?: string | null;
            /** @description The URI as a QR code: a PNG image in a data URL. Authenticator apps only. */
            qrCode?: string | null;
            /**
             * @description Backup codes. They work once the factor is confirmed; the previous backup codes then stop
             *     working.
             */
            backupCodes: string[];
        };
        /** @description A second factor that is not confirmed yet. */
        MfaSetupAnswer: {
            success: boolean;
            data: components["schemas"]["MfaSetup"];
        };
        /** @description Request to set up a second factor. */
        MfaSetupRequest: {
            /** @description The kind of factor. */
            type: components["schemas"]["FactorType"];
            /** @description A name for the factor. */
            deviceName?: string | null;
        };
        /**
         * @description Response to a code. With an `mfaToken`, the code completes a login; with an access token, it
         *     confirms or checks a factor.
         */
        MfaVerifyAnswer: {
            success: boolean;
            /** @description `Login successful` or `MFA verified successfully`. */
            message: string;
            /** @description The new session, if the code completed a login. */
            data?: components["schemas"]["NewSession"];
        };
        /** @description Request to verify a code. */
        MfaVerifyRequest: {
            /** @description A one-time code or a backup code. */
            code: string;
            /**
             * @description The `deviceId` of the factor to confirm. Without it, and for an ID of the client's own, the
             *     newest unconfirmed factor.
             */
            deviceId?: string | null;
        };
        /** @description A new session. */
        NewSession: {
            /** @description The access token, a JWT. */
            accessToken: string;
            /** @description The refresh token. The cookie carries the same token. */
            refreshToken: string;
            /**
             * Format: int64
             * @description Lifetime of the access token, in seconds.
             */
            expiresIn: number;
            /** @description Always `Bearer`. */
            tokenType: string;
            /** @description The account that logged in. */
            user: components["schemas"]["SessionUser"];
        };
        /** @description Request for a login code. */
        OtpRequest: {
            /**
             * Format: email
             * @description The email address.
             */
            email: string;
        };
        /** @description Request to log in with an emailed code. */
        OtpVerifyRequest: {
            /**
             * Format: email
             * @description The email address that the code was sent to.
             */
            email: string;
            /** @description The code. */
            code: string;
            /** @description If `false`, the session ends when the browser closes or after one day. Defaults to `true`. */
            rememberMe?: boolean | null;
        };
        /** @description An algorithm. */
        PasskeyAlgorithm: {
            type: components["schemas"]["CredentialType"];
            /**
             * Format: int64
             * @description Its number in the COSE registry.
             */
            alg: number;
        };
        /** @description A passkey. */
        PasskeyAnswer: {
            success: boolean;
            data: components["schemas"]["PasskeyView"];
        };
        /** @description A passkey's answer: `toJSON()` of the credential. */
        PasskeyAssertion: {
            /**
             * Format: base64url
             * @description The credential's ID.
             */
            id: string;
            type: components["schemas"]["CredentialType"];
            /** @description What the authenticator signed. */
            response: components["schemas"]["AssertionBody"];
        };
        /** @description A new passkey: `toJSON()` of the credential. */
        PasskeyAttestation: {
            /**
             * Format: base64url
             * @description The credential's ID.
             */
            id: string;
            type: components["schemas"]["CredentialType"];
            /** @description The credential. */
            response: components["schemas"]["AttestationBody"];
            /** @description Results of extensions. */
            clientExtensionResults?: components["schemas"]["ExtensionResults"] | null;
        };
        /** @description Options for `navigator.credentials.create()`. */
        PasskeyCreationAnswer: {
            success: boolean;
            data: components["schemas"]["PasskeyCreationOptions"];
        };
        /** @description Options for `navigator.credentials.create()`. */
        PasskeyCreationOptions: {
            /** @description The service. */
            rp: components["schemas"]["PasskeyService"];
            /** @description The account. */
            user: components["schemas"]["PasskeyUser"];
            /** @description The challenge, in base64url, for this session and ten minutes. */
            challenge: string;
            /** @description The accepted algorithms, the preferred first. */
            pubKeyCredParams: components["schemas"]["PasskeyAlgorithm"][];
            /**
             * Format: uint64
             * @description In milliseconds.
             */
            timeout: number;
            /** @description The account's credentials. */
            excludeCredentials: components["schemas"]["DescribedCredential"][];
            /** @description Requirements for the authenticator. */
            authenticatorSelection: components["schemas"]["AuthenticatorSelection"];
            /** @description Always `none`. */
            attestation: string;
            /** @description Requested extensions. */
            extensions: components["schemas"]["RequestedExtensions"];
        };
        /** @description Request to log in with a passkey. */
        PasskeyLoginRequest: {
            /** @description The passkey's answer. */
            credential: components["schemas"]["PasskeyAssertion"];
            /** @description If `false`, the session ends when the browser closes or after one day. Defaults to `true`. */
            rememberMe?: boolean | null;
        };
        /** @description The caller's passkeys, with the arguments of `signalAllAcceptedCredentials()`. */
        PasskeyOverview: {
            /** @description The passkeys, oldest first. */
            passkeys: components["schemas"]["PasskeyView"][];
            /** @description The domain that the passkeys are bound to. */
            rpId: string;
            /** @description The user handle, in base64url. */
            userId: string;
            /** @description The IDs of all credentials, in base64url. */
            allAcceptedCredentialIds: string[];
        };
        /** @description The caller's passkeys. */
        PasskeyOverviewAnswer: {
            success: boolean;
            data: components["schemas"]["PasskeyOverview"];
        };
        /** @description Request to prove possession of a passkey. */
        PasskeyProofRequest: {
            /** @description The passkey's answer. */
            credential: components["schemas"]["PasskeyAssertion"];
        };
        /** @description Options for `navigator.credentials.get()`. */
        PasskeyRequestAnswer: {
            success: boolean;
            data: components["schemas"]["PasskeyRequestOptions"];
        };
        /** @description Options for `navigator.credentials.get()`. */
        PasskeyRequestOptions: {
            /** @description The challenge, in base64url, for one answer within ten minutes. */
            challenge: string;
            /**
             * Format: uint64
             * @description In milliseconds.
             */
            timeout: number;
            /** @description The domain that the passkeys are bound to. */
            rpId: string;
            /** @description The credentials that may answer. Empty: the user chooses one. */
            allowCredentials: components["schemas"]["DescribedCredential"][];
            /** @description Whether the authenticator has to check who the user is. */
            userVerification: string;
        };
        /** @description The service, as authenticators show it. */
        PasskeyService: {
            /** @description The domain. */
            id: string;
            /** @description The service's name. */
            name: string;
        };
        /**
         * @description What a key is for.
         * @enum {string}
         */
        PasskeyType: "passkey" | "security_key";
        /** @description The account, as authenticators show it. */
        PasskeyUser: {
            /** @description The user handle, in base64url. */
            id: string;
            /** @description The username or email address. */
            name: string;
            /** @description The user's name. */
            displayName: string;
        };
        /** @description A passkey or security key. */
        PasskeyView: {
            /** @description The passkey's ID. */
            id: string;
            /** @description What the key is for. */
            type: components["schemas"]["PasskeyType"];
            /** @description Its name, as given by its owner. */
            name: string;
            /** @description The name of the authenticator; `Passkey` if it is not known. */
            authenticator: string;
            /** @description The model of the authenticator, as a UUID. */
            aaguid: string;
            /** @description The credential's ID, in base64url. */
            credentialId: string;
            /** @description How its authenticator can be reached. */
            transports: string[];
            /** @description Whether it can be found without its ID; `null` if the browser did not say. */
            discoverable?: boolean | null;
            /** @description Whether the authenticator checked who the user is when it was added. */
            userVerified: boolean;
            /** @description Whether it can be copied to other devices. */
            backupEligible: boolean;
            /** @description Whether it is backed up. */
            backedUp: boolean;
            /** @description When its counter first went back: the key may have been copied. */
            suspectSince?: string | null;
            /** @description When it was added. */
            createdAt: string;
            /** @description When it was last used. */
            lastUsed?: string | null;
        };
        /** @description The caller's account. */
        Profile: {
            /** @description The account's ID. */
            id: string;
            /** @description The email address, if the account has one. */
            email?: string | null;
            /** @description The username. */
            username?: string | null;
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description Phone number. */
            phone?: string | null;
            /** @description The language that the owner reads, if it is known. */
            locale?: string | null;
            /** @description The account's status. */
            status: components["schemas"]["AccountStatus"];
            /** @description Whether the email address is verified. */
            emailVerified: boolean;
            /** @description Whether the phone number is verified. */
            phoneVerified: boolean;
            /** @description When the account last completed a login. */
            lastLogin?: string | null;
            /** @description When the account was created. */
            createdAt: string;
            /** @description When the account was last changed. */
            updatedAt: string;
            /** @description The account's roles. */
            roles: string[];
            /** @description The permissions that the roles grant. */
            permissions: string[];
        };
        /** @description The caller's account. */
        ProfileAnswer: {
            success: boolean;
            data: components["schemas"]["Profile"];
        };
        /** @description A provider's answer. */
        ProviderCallbackRequest: {
            /** @description What `begin` returned. */
            flow: string;
            /** @description The parameters of the provider's answer. */
            code?: string | null;
            state: string;
            iss?: string | null;
            error?: string | null;
            error_description?: string | null;
        };
        /** @description A code is on its way. */
        ProviderCodeAnswer: {
            success: boolean;
            data: components["schemas"]["ProviderCodeSent"];
        };
        /** @description Request to mail a code. */
        ProviderCodeRequest: {
            /** @description The `providerToken` of the login. */
            providerToken: string;
            /**
             * Format: email
             * @description The address. Defaults to the one that the step is about.
             */
            email?: string | null;
        };
        /** @description A code is on its way. */
        ProviderCodeSent: {
            /** @description Replaces the `providerToken`. */
            providerToken: string;
            /** @description The address. */
            email: string;
            /**
             * Format: uint64
             * @description How long the code is valid, in seconds.
             */
            expiresIn: number;
        };
        /** @description The providers that users can log in with. */
        ProviderListAnswer: {
            success: boolean;
            data: components["schemas"]["ProviderView"][];
        };
        /** @description A mailed code. */
        ProviderStepRequest: {
            /** @description The `providerToken` that came with the code. */
            providerToken: string;
            /** @description The code. */
            code: string;
        };
        /** @description An ID token from the provider's library in an app. */
        ProviderTokenRequest: {
            /** @description The ID token. */
            idToken: string;
            /** @description The nonce that the app gave to the library, before it was hashed. */
            nonce?: string | null;
            /** @description The user's name, if the library returned it beside the token. */
            firstName?: string | null;
            lastName?: string | null;
            /** @description If `false`, the session ends when the browser closes or after one day. Defaults to `true`. */
            rememberMe?: boolean | null;
        };
        /** @description A token with which the provider's API is called. */
        ProviderTokenView: {
            /** @description The access token. */
            accessToken: string;
            /** @description When it ends, if the provider says so. */
            expiresAt?: string | null;
            /** @description The scopes that the user granted, if the provider says which. */
            scope?: string | null;
        };
        /** @description A token with which the provider's API is called. */
        ProviderTokenViewAnswer: {
            success: boolean;
            data: components["schemas"]["ProviderTokenView"];
        };
        /** @description A provider that users can log in with. */
        ProviderView: {
            /** @description Its name in paths. */
            name: string;
            /** @description What users call it. */
            label: string;
            /** @description The preset that it was made from, such as `google`. */
            preset?: string | null;
        };
        /** @description An upload quota. */
        Quota: {
            /**
             * Format: int64
             * @description Number of uploads counted.
             */
            filesUploaded: number;
            /**
             * Format: int64
             * @description Maximum number of uploads.
             */
            limit: number;
            /**
             * Format: int64
             * @description Number of uploads left.
             */
            remaining: number;
            /**
             * Format: int64
             * @description Share of the quota that is used, in whole percent.
             */
            percentage: number;
        };
        /** @description The caller's upload quota. */
        QuotaAnswer: {
            success: boolean;
            /** @description The quota. */
            data: components["schemas"]["Quota"];
        };
        /** @description Proof of the caller's identity. */
        ReauthenticateRequest: {
            /**
             * Format: password
             * @description The password; send either this or `code`.
             */
            password?: string | null;
            /** @description A code of the second factor, or a backup code. */
            code?: string | null;
        };
        /** @description Response to a token refresh. */
        RefreshAnswer: {
            success: boolean;
            data: components["schemas"]["RefreshedSession"];
        };
        /** @description Request for a new access token. The cookie can carry the refresh token instead. */
        RefreshRequest: {
            /** @description The refresh token. */
            refreshToken?: string | null;
        };
        /** @description A new access token. */
        RefreshedSession: {
            /** @description The access token, a JWT. */
            accessToken: string;
            /** @description The next refresh token, if the previous one came in the body and was rotated. */
            refreshToken?: string | null;
            /**
             * Format: int64
             * @description Lifetime of the access token, in seconds.
             */
            expiresIn: number;
            /** @description Always `Bearer`. */
            tokenType: string;
        };
        /** @description Response to a sign-up. */
        RegisterAnswer: {
            success: boolean;
            message: string;
            data: components["schemas"]["RegisteredUser"];
        };
        /** @description Request to create an account. */
        RegisterRequest: {
            /**
             * Format: email
             * @description The email address; must be unique.
             */
            email: string;
            /**
             * Format: username
             * @description The username: letters, digits, underscores, hyphens and inner dots. Must be unique.
             */
            username?: string | null;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description Phone number. */
            phone?: string | null;
            /**
             * Format: language
             * @description The language that the owner reads, such as `de` or `pt-BR`. Defaults to the language that
             *     `Accept-Language` prefers.
             */
            locale?: string | null;
        };
        /** @description A newly created account. */
        RegisteredUser: {
            /** @description The account's ID. */
            userId: string;
            /** @description The email address, as entered. */
            email: string;
            /** @description The username. */
            username?: string | null;
            /** @description The account's status. */
            status: components["schemas"]["AccountStatus"];
            /** @description Whether the email address is verified. */
            emailVerified: boolean;
            /** @description When the account was created. */
            createdAt: string;
        };
        /** @description Request to rename a passkey. */
        RenamePasskeyRequest: {
            /** @description The new name. */
            name: string;
        };
        /** @description Requested extensions. */
        RequestedExtensions: {
            /** @description Asks for the properties of the credential. */
            credProps: boolean;
        };
        /** @description Request for a new verification email. */
        ResendRequest: {
            /**
             * Format: email
             * @description The email address.
             */
            email: string;
        };
        /** @description Request to set a new password with a reset code. */
        ResetCodeConfirmRequest: {
            /**
             * Format: email
             * @description The email address that the code was sent to.
             */
            email: string;
            /** @description The code. */
            code: string;
            /**
             * Format: password
             * @description The new password.
             */
            newPassword: string;
        };
        /** @description Request for a reset code. */
        ResetCodeRequest: {
            /**
             * Format: email
             * @description The email address.
             */
            email: string;
        };
        /** @description Request to verify a reset code. */
        ResetCodeVerifyRequest: {
            /**
             * Format: email
             * @description The email address that the code was sent to.
             */
            email: string;
            /** @description The code. */
            code: string;
        };
        /** @description Request to set a new password with the token from an emailed link. */
        ResetPasswordRequest: {
            /** @description The token from the link. */
            token: string;
            /**
             * Format: password
             * @description The new password.
             */
            newPassword: string;
        };
        /** @description The account that logged in. */
        SessionUser: {
            /** @description The account's ID. */
            id: string;
            /** @description The email address, if the account has one. */
            email?: string | null;
            /** @description The username. */
            username?: string | null;
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description The account's status. */
            status: components["schemas"]["AccountStatus"];
            /** @description Whether the email address is verified. */
            emailVerified: boolean;
            /** @description The account's roles. */
            roles: string[];
            /** @description The permissions that the roles grant. */
            permissions: string[];
            /** @description When the account last completed a login. */
            lastLogin?: string | null;
        };
        /** @description Active sessions. */
        SessionsAnswer: {
            success: boolean;
            data: components["schemas"]["ShownSession"][];
        };
        /** @description An active session. */
        ShownSession: {
            /** @description The session's ID. */
            id: string;
            /** @description The device that started the session. */
            deviceInfo: components["schemas"]["DeviceInfo"];
            /** @description The client's IP address; `null` if the session was started on the server itself. */
            ipAddress?: string | null;
            /** @description Location of the IP address; absent if the server does not know it. */
            location?: components["schemas"]["Location"];
            /** @description When the session was last used, accurate to five minutes. */
            lastActivity: string;
            /** @description When the session began. */
            createdAt: string;
            /** @description Whether this call uses the session. */
            isCurrent: boolean;
        };
        /** @description Request to check an access token. */
        TokenRequest: {
            /** @description The access token. */
            token: string;
        };
        /** @description Response to a profile update. */
        UpdateProfileAnswer: {
            success: boolean;
            message: string;
            data: components["schemas"]["UpdatedProfile"];
        };
        /** @description Fields to change. Absent fields keep their values; `null` clears a field. */
        UpdateProfileRequest: {
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description Phone number. */
            phone?: string | null;
            /**
             * Format: language
             * @description The language of letters and pages, such as `de` or `pt-BR`.
             */
            locale?: string | null;
        };
        /** @description The caller's account after a change. */
        UpdatedProfile: {
            /** @description The account's ID. */
            id: string;
            /** @description The email address, if the account has one. */
            email?: string | null;
            /** @description The username. */
            username?: string | null;
            /** @description Given name. */
            firstName?: string | null;
            /** @description Family name. */
            lastName?: string | null;
            /** @description Phone number. */
            phone?: string | null;
            /** @description The language that the owner reads, if it is known. */
            locale?: string | null;
            /** @description When the account was last changed. */
            updatedAt: string;
        };
        /** @description Response to an upload. */
        UploadAnswer: {
            success: boolean;
            /** @description Human-readable message. */
            message: string;
            /** @description The file and the quota. */
            data: components["schemas"]["UploadedFile"];
        };
        /** @description An uploaded file, and the quota after the upload. */
        UploadedFile: {
            /** @description The file. */
            file: components["schemas"]["File"];
            /** @description The quota. */
            quota: components["schemas"]["Quota"];
        };
        /** @description A valid access token and the account that it belongs to. */
        VerifiedToken: {
            /** @description The account's ID. */
            userId: string;
            /** @description The email address, if the account has one. */
            email?: string | null;
            /** @description The username. */
            username?: string | null;
            /** @description The session that the token belongs to. */
            sessionId: string;
            /** @description The account's current roles. */
            roles: string[];
            /** @description The permissions that the roles currently grant. */
            permissions: string[];
            /** @description When the token was issued. */
            issuedAt: string;
            /** @description When the token expires. */
            expiresAt: string;
        };
        /** @description A valid access token. */
        VerifyTokenAnswer: {
            success: boolean;
            message: string;
            data: components["schemas"]["VerifiedToken"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterRequest"];
            };
        };
        responses: {
            /** @description The account is created, and a verification email is on its way. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisterAnswer"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefreshAnswer"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LogoutRequest"];
            };
        };
        responses: {
            /** @description Logged out successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    logoutAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    verifyEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Email verified successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    resendVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResendRequest"];
            };
        };
        responses: {
            /** @description Verification email sent if the account exists and is not verified */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    disownEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Account removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    getProfile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProfileAnswer"];
                };
            };
        };
    };
    updateProfile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateProfileRequest"];
            };
        };
        responses: {
            /** @description Profile updated successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UpdateProfileAnswer"];
                };
            };
        };
    };
    deleteAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Account deleted successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    exportAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExportAnswer"];
                };
            };
        };
    };
    forgotPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForgotPasswordRequest"];
            };
        };
        responses: {
            /** @description Password reset email sent if account exists */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetPasswordRequest"];
            };
        };
        responses: {
            /** @description Password reset successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePasswordRequest"];
            };
        };
        responses: {
            /** @description Password changed successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    reauthenticate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReauthenticateRequest"];
            };
        };
        responses: {
            /** @description Authentication renewed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    changeEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeEmailRequest"];
            };
        };
        responses: {
            /** @description Confirmation email sent to the new address if it can be used */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    confirmEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Email address changed successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    undoEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Change of email address undone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    resetCodeRequest: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetCodeRequest"];
            };
        };
        responses: {
            /** @description Password reset code sent if account exists */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    resetCodeVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetCodeVerifyRequest"];
            };
        };
        responses: {
            /** @description Code verified successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    resetCodeConfirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetCodeConfirmRequest"];
            };
        };
        responses: {
            /** @description Password reset successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    mfaSetup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MfaSetupRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaSetupAnswer"];
                };
            };
        };
    };
    mfaVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MfaVerifyRequest"];
            };
        };
        responses: {
            /** @description MFA verified successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaVerifyAnswer"];
                };
            };
        };
    };
    mfaChallenge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["MfaChallengeRequest"];
            };
        };
        responses: {
            /** @description Verification code sent by email */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    mfaBackupCodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupCodesAnswer"];
                };
            };
        };
    };
    listMfa: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaOverviewAnswer"];
                };
            };
        };
    };
    replaceMfaName: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MfaRenameRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaDeviceAnswer"];
                };
            };
        };
    };
    removeMfa: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description MFA device removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    renameMfa: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MfaRenameRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaDeviceAnswer"];
                };
            };
        };
    };
    otpRequest: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OtpRequest"];
            };
        };
        responses: {
            /** @description Login code sent if account exists */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    otpVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OtpVerifyRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    passkeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyRequestAnswer"];
                };
            };
        };
    };
    passkeyLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyLoginRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    mfaPasskeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyRequestAnswer"];
                };
            };
        };
    };
    mfaPasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyProofRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    reauthenticatePasskeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyRequestAnswer"];
                };
            };
        };
    };
    reauthenticatePasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyProofRequest"];
            };
        };
        responses: {
            /** @description Authentication renewed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    addPasskeyOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddPasskeyOptionsRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyCreationAnswer"];
                };
            };
        };
    };
    listPasskeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyOverviewAnswer"];
                };
            };
        };
    };
    addPasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddPasskeyRequest"];
            };
        };
        responses: {
            /** @description The passkey is added. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddedPasskeyAnswer"];
                };
            };
        };
    };
    removePasskey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Passkey removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    renamePasskey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenamePasskeyRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyAnswer"];
                };
            };
        };
    };
    listProviders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderListAnswer"];
                };
            };
        };
    };
    beginProviderLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BeginProviderRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BegunProviderAnswer"];
                };
            };
        };
    };
    completeProviderLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderCallbackRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    providerTokenLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderTokenRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    requestProviderCode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderCodeRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderCodeAnswer"];
                };
            };
        };
    };
    completeProviderStep: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderStepRequest"];
            };
        };
        responses: {
            /** @description Login successful */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginAnswer"];
                };
            };
        };
    };
    listIdentities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentityListAnswer"];
                };
            };
        };
    };
    linkIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkIdentityRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentityAnswer"];
                };
            };
        };
    };
    beginIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BeginIdentityRequest"];
            };
        };
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BegunProviderAnswer"];
                };
            };
        };
    };
    unlinkIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Account disconnected */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    getProviderToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderTokenViewAnswer"];
                };
            };
        };
    };
    listFiles: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilesAnswer"];
                };
            };
        };
    };
    uploadFile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The file, in the field `file`. */
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description The file is stored and counts towards the quota. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadAnswer"];
                };
            };
        };
    };
    getFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file id. */
                fileId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file, with its own media type */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                    "*/*": string;
                };
            };
        };
    };
    deleteFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file id. */
                fileId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description File deleted successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    getQuota: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuotaAnswer"];
                };
            };
        };
    };
    verifyToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description Token is valid */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifyTokenAnswer"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionsAnswer"];
                };
            };
        };
    };
    endOtherSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All other sessions terminated successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session id. */
                sessionId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Session terminated successfully */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listOwnAudit: {
        parameters: {
            query?: {
                /** @description Only records before the record with this ID. */
                before?: string;
                /** @description Maximum number of entries, from 1 to 100. Defaults to 20. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditAnswer"];
                };
            };
        };
    };
}

/** The codes of errors. A later version of the server may have more. */
export type ErrorCode =
  | "ACCOUNT_DELETED"
  | "ACCOUNT_LOCKED"
  | "ACCOUNT_SUSPENDED"
  | "ALREADY_EXISTS"
  | "AUTH_RATE_LIMIT_EXCEEDED"
  | "CONFLICT"
  | "EMAIL_EXISTS"
  | "EMAIL_NOT_VERIFIED"
  | "INSUFFICIENT_PERMISSIONS"
  | "INTERNAL_SERVER_ERROR"
  | "INVALID_AUTH_FORMAT"
  | "INVALID_CODE"
  | "INVALID_CREDENTIALS"
  | "INVALID_MFA_CODE"
  | "INVALID_PASSKEY"
  | "INVALID_REFRESH_TOKEN"
  | "INVALID_TOKEN"
  | "LAST_ADMIN"
  | "LAST_LOGIN_METHOD"
  | "MFA_BACKUP_CODE_USED"
  | "MFA_NOT_ENABLED"
  | "MFA_REQUIRED"
  | "MISSING_AUTH_HEADER"
  | "MISSING_CREDENTIALS"
  | "MISSING_REFRESH_TOKEN"
  | "MISSING_TOKEN"
  | "NOT_FOUND"
  | "ORIGIN_NOT_ALLOWED"
  | "PASSKEY_REJECTED"
  | "PASSWORD_RESET_RATE_LIMIT_EXCEEDED"
  | "PAYLOAD_TOO_LARGE"
  | "PROVIDER_LOGIN_REQUIRED"
  | "PROVIDER_REJECTED"
  | "PROVIDER_STEP_REQUIRED"
  | "RATE_LIMIT_EXCEEDED"
  | "REAUTHENTICATION_REQUIRED"
  | "REGISTRATION_RATE_LIMIT_EXCEEDED"
  | "SERVICE_UNAVAILABLE"
  | "SESSION_NOT_FOUND"
  | "TOKEN_EXPIRED"
  | "TOKEN_REVOKED"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "UPLOAD_LIMIT_REACHED"
  | "USERNAME_EXISTS"
  | "USER_NOT_FOUND"
  | "VALIDATION_ERROR";
