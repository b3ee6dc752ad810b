// The life of an account with fetch: sign up, prove the address, log in, look, refresh, log out.
//
// The mailed link is read from the database: run it in the folder where `authd serve` runs, or set AUTHD_DB.
//   AUTHD_DB=/path/to/authd.db node examples/node/account.mjs [http://localhost:3000]
import { execFileSync } from "node:child_process";

const api = `${process.argv[2] ?? "http://localhost:3000"}/v1`;
const name = `jo${Date.now()}`;
const email = `${name}@example.com`;
const password = "Correct-Horse-7-Battery";

/** An answer that is not a success: `code` is for programs, `message` for people. */
class Refused extends Error {
  constructor(status, { code, message, details }) {
    super(message);
    Object.assign(this, { status, code, details });
  }
}

async function call(method, path, { body, access } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (access) headers.Authorization = `Bearer ${access}`;
  const response = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer.error);
  return answer.data;
}

/** The newest mail, as JSON. */
function lastMail() {
  try {
    return execFileSync("authd", ["mail", "show", "--last", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  } catch {
    console.error("the mail cannot be read: run this in the folder of `authd serve`, or set AUTHD_DB to its database");
    process.exit(1);
  }
}

await call("POST", "/auth/register", {
  body: { email, username: name, password, firstName: "Jo", lastName: "Doe" },
});
console.log(`signed up: ${email}`);

const letter = JSON.parse(lastMail());
const [, token] = letter.text.match(/verify-email\?token=([\w-]+)/);
await call("POST", "/auth/verify-email", { body: { token } });
console.log("verified");

let session = await call("POST", "/auth/login", { body: { email, password } });
console.log("logged in");

const me = await call("GET", "/users/me", { access: session.accessToken });
console.log(`me: ${me.email}`);

// A refresh token works once; its successor takes its place.
session = { ...session, ...(await call("POST", "/auth/refresh", { body: { refreshToken: session.refreshToken } })) };
console.log("refreshed");

await call("POST", "/auth/logout", { access: session.accessToken });
console.log("logged out");

try {
  await call("GET", "/users/me", { access: session.accessToken });
  throw new Error("the access token still works");
} catch (refused) {
  if (refused.code !== "TOKEN_REVOKED") throw refused;
  console.log("the access token is dead");
}
