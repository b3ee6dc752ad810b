// Judges a ceremony with @simplewebauthn/server: argument 1 is its folder, standard input the ceremony.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const entry = createRequire(`${process.argv[2]}/`).resolve('@simplewebauthn/server');
const { verifyRegistrationResponse, verifyAuthenticationResponse } = await import(pathToFileURL(entry));

const { origin, registration, login } = JSON.parse(readFileSync(0, 'utf8'));
const expected = (options, rpId) => ({
  expectedChallenge: options.challenge, expectedOrigin: origin, expectedRPID: rpId, requireUserVerification: true,
});
const made = await verifyRegistrationResponse({
  response: registration.response, ...expected(registration.options, registration.options.rp.id),
});
const credential = made.registrationInfo.credential;
const shown = await verifyAuthenticationResponse({
  response: login.response, credential, ...expected(login.options, login.options.rpId),
});
console.log(JSON.stringify({
  verified: made.verified && shown.verified,
  id: credential.id,
  publicKey: Buffer.from(credential.publicKey).toString('base64url'),
  counter: shown.authenticationInfo.newCounter,
}));
