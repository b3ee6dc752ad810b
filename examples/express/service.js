// Checks access tokens with the public keys of authd. In this folder:
//   npm install && AUTHD_URL=http://127.0.0.1:3000 npm start
import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

// The public URL of authd is the issuer of its tokens.
const issuer = process.env.AUTHD_URL ?? "http://127.0.0.1:3000";
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", issuer));

async function loggedIn(request, response, next) {
  try {
    const [, token] = request.get("authorization")?.match(/^Bearer (.+)$/i) ?? [];
    request.user = (await jwtVerify(token ?? "", keys, { issuer, algorithms: ["ES256"] })).payload;
  } catch (error) {
    const isDown = !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout;
    return response.status(isDown ? 503 : 401).json({ error: isDown ? "authd cannot be reached" : "log in first" });
  }
  next();
}

const app = express();
app.get("/me", loggedIn, ({ user }, response) => response.json({ id: user.sub, roles: user.roles }));
const server = app.listen(process.env.PORT ?? 8000, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${server.address().port}/me`),
);
