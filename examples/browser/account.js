// An account in a page. The access token lives in memory only; the refresh token lives in an HttpOnly cookie, out of
// reach for script, and brings a new access token when the page is loaded again.

// A constant: an address from the link would send passwords to the author of the link.
const api = "http://localhost:3000/v1";
const $ = (id) => document.getElementById(id);
let access = null;

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (access) headers.Authorization = `Bearer ${access}`;
  const response = await fetch(api + path, {
    method,
    headers,
    credentials: "include", // the cookie
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  return answer.data;
}

// Tabs share the cookie: one refresh at a time, and one more try for a call whose token has run out.
let refreshing = null;
function refresh() {
  refreshing ??= call("POST", "/auth/refresh")
    .then((session) => (access = session.accessToken))
    .finally(() => (refreshing = null));
  return refreshing;
}

async function callAsUser(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    if (error.code !== "TOKEN_EXPIRED") throw error;
    await refresh();
    return call(method, path, body);
  }
}

function show(place, said = "") {
  for (const id of ["outside", "proof", "inside"]) $(id).hidden = id !== place;
  $("said").textContent = said;
}

async function enter() {
  const me = await callAsUser("GET", "/users/me");
  const rows = { "E-mail": me.email, Status: me.status, Roles: me.roles.join(", ") };
  $("profile").replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, text.textContent] = [name, value];
      return [term, text];
    }),
  );
  $("title").textContent = "Your account";
  show("inside");
}

function leave(said) {
  access = null;
  $("title").textContent = "Welcome";
  show("outside", said);
}

/** Runs `work` when a form is sent, and shows what went wrong. */
function on(id, event, work) {
  $(id).addEventListener(event, async (sent) => {
    sent.preventDefault();
    $("said").textContent = "";
    try {
      await work(sent);
    } catch (error) {
      $("said").textContent = error.message;
    }
  });
}

on("outside", "submit", async ({ submitter }) => {
  const body = Object.fromEntries(new FormData($("outside")));
  if (submitter?.value === "register") {
    await call("POST", "/auth/register", body);
    show("proof", "We have sent you a letter.");
  } else {
    access = (await call("POST", "/auth/login", body)).accessToken;
    await enter();
  }
});

on("proof", "submit", async () => {
  const token = new FormData($("proof")).get("token").trim().split("token=").pop();
  await call("POST", "/auth/verify-email", { token });
  show("outside", "Your address is confirmed. Log in.");
});

on("logout", "click", async () => {
  await call("POST", "/auth/logout");
  leave("You are logged out.");
});

// A user who was logged in when the page was last open still is.
refresh().then(enter).catch(() => leave());
