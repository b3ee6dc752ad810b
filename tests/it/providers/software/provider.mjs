// A provider in software that many use for one (npm oidc-provider), on a port of this machine. Lines on its
// input change it, or let a person log in; it answers each with a line of JSON, and the first with its issuer:
// {"claims": {...}} what the next logins say, {"key": "two"} the key that signs, {"posts": true} whether it
// posts its answers, {"logIn": url, "subject": "ada"} where a person's browser ends who logs in there.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

const [folder, host, client, secret, ...redirectUris] = process.argv.slice(2);
const { Provider } = await import(createRequire(`${folder}/`).resolve('oidc-provider'));

const key = (kid) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid, use: 'sig', alg: 'ES256',
});
const keys = { one: key('one'), two: key('two') };
const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://${host}:${server.address().port}`;

let claims = {};
let posts = false;
let answer;
function sign(kid) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client, client_secret: secret, redirect_uris: redirectUris, response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [keys[kid]] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
  });
  answer = provider.callback();
}
sign('one');
server.on('request', (request, response) => {
  if (request.url.startsWith('/auth?')) {
    // Nothing is left of the login before.
    const asked = request.url.match(/&prompt=([a-z]+)/);
    request.url = request.url.replace(/&prompt=[a-z]+/, '');
    request.url += `&prompt=login${asked ? `%20${asked[1]}` : ''}${posts ? '&response_mode=form_post' : ''}`;
  }
  answer(request, response);
});

// A person without a browser: follows redirects, keeps cookies, logs in and consents.
async function logIn(url, subject) {
  const cookies = new Map();
  let request = { url, method: 'GET' };
  for (;;) {
    const sent = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie: sent, 'content-type': 'application/x-www-form-urlencoded' };
    const came = await fetch(request.url, { ...request, headers, redirect: 'manual' });
    for (const line of came.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const place = came.headers.get('location');
    if (place) {
      const next = new URL(place, request.url).href;
      if (redirectUris.some((one) => next.startsWith(`${one}?`))) return next;
      request = { url: next, method: 'GET' };
      continue;
    }
    const page = await came.text();
    const action = page.match(/<form[^>]* action="([^"]+)"/)?.[1];
    const prompt = page.match(/name="prompt" value="(\w+)"/)?.[1];
    if (!action || !prompt) throw new Error(`${came.status} ${request.url}: ${page}`);
    const body = new URLSearchParams({ prompt, login: subject, password: 'any' }).toString();
    request = { url: new URL(action, request.url).href, method: 'POST', body };
  }
}

const say = (value) => console.log(JSON.stringify(value));
say(issuer);
for await (const line of createInterface({ input: process.stdin })) {
  const wish = JSON.parse(line);
  if ('claims' in wish) claims = wish.claims;
  if ('posts' in wish) posts = wish.posts;
  if ('key' in wish) sign(wish.key);
  say(wish.logIn ? await logIn(wish.logIn, wish.subject).catch((error) => `failed: ${error}`) : true);
}
process.exit(0);
