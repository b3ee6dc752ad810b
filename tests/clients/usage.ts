// A client made by openapi-typescript from the document, used as an app would: `node usage.js <base> <email> <password>`.
import createClient from "openapi-fetch";
import type { components, paths } from "./v1.js";

declare const process: { argv: string[] };
const [base, email, password] = process.argv.slice(2);

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what);
  return value;
}

const api = createClient<paths>({ baseUrl: base });

const refused = await api.POST("/auth/login", { body: { email, password: "wrong" } });
const error: components["schemas"]["Error"] = must(refused.error, "a wrong password was taken");
if (error.error.code !== "INVALID_CREDENTIALS") throw new Error(error.error.code);

// @ts-expect-error: a login takes a password
await api.POST("/auth/login", { body: { email } });

const login = must((await api.POST("/auth/login", { body: { email, password } })).data, "no login").data;
const headers = { Authorization: `Bearer ${login.accessToken}` };
const profile = must((await api.GET("/users/me", { headers })).data, "no profile").data;
const status: "pending" | "active" | "suspended" | "deleted" = profile.status;
if (profile.email !== email || status !== "active") throw new Error(JSON.stringify(profile));

const body = { refreshToken: login.refreshToken };
const refreshed = must((await api.POST("/auth/refresh", { body })).data, "no refresh").data;
const successor: string | null | undefined = refreshed.refreshToken;
must((await api.POST("/auth/logout", { body: { refreshToken: successor } })).data, "no logout");
console.log(`typescript: ${profile.email} is ${status}`);
