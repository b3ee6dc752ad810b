// What a request is refused with, in the form of authd's own errors.

const MESSAGES = {
  MISSING_AUTH_HEADER: [401, "An access token is needed"],
  INVALID_TOKEN: [401, "The access token is not valid"],
  TOKEN_EXPIRED: [401, "The access token has expired"],
  TOKEN_REVOKED: [401, "The session has ended"],
  INSUFFICIENT_PERMISSIONS: [403, "The account may not do this"],
  SERVICE_UNAVAILABLE: [503, "Tokens cannot be checked at the moment"],
};

/** A refusal. `cause` says why to the operator; it is not part of the response. */
export class Refusal extends Error {
  constructor(code, cause) {
    const [status, message] = MESSAGES[code];
    super(message, { cause });
    this.name = "Refusal";
    this.code = code;
    this.status = status;
  }

  get headers() {
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    if (this.status === 503) headers["retry-after"] = "5";
    // RFC 6750, section 3.1: without a token there is no error to name.
    else if (this.code === "MISSING_AUTH_HEADER") headers["www-authenticate"] = "Bearer";
    else if (this.status === 401) headers["www-authenticate"] = 'Bearer error="invalid_token"';
    else headers["www-authenticate"] = 'Bearer error="insufficient_scope"';
    return headers;
  }

  get body() {
    return JSON.stringify({ success: false, error: { code: this.code, message: this.message, details: [] } });
  }

  toResponse() {
    return new Response(this.body, { status: this.status, headers: this.headers });
  }
}
