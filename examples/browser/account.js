// An account in a page, with the client that authd serves. The access token lives in memory only; the refresh token
// lives in an HttpOnly cookie, out of reach for script, and brings a new access token when the page is loaded again.

// A constant: an address from the link would send passwords to the author of the link.
import { autofillSupported, createClient, passkeysSupported } from "http://localhost:3000/authd.js";

const client = createClient({ url: "http://localhost:3000" });
const $ = (id) => document.getElementById(id);
let challenge = null;

function show(place, said = "") {
  for (const id of ["outside", "proof", "factor", "inside"]) $(id).hidden = id !== place;
  $("title").textContent = place === "inside" ? "Your account" : "Welcome";
  $("said").textContent = said;
}

/** Shows who is logged in, also after a change in another tab. */
function enter({ status, user }) {
  if (status !== "in") return show("outside");
  const rows = { "E-mail": user.email, Status: user.status, Roles: user.roles.join(", ") };
  $("profile").replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, text.textContent] = [name, value];
      return [term, text];
    }),
  );
  show("inside");
}

/** Runs `work` when a form is sent, and shows what went wrong. */
function on(id, event, work) {
  $(id).addEventListener(event, async (sent) => {
    sent.preventDefault();
    $("said").textContent = "";
    try {
      await work(sent, Object.fromEntries(event === "submit" ? new FormData($(id)) : []));
    } catch (error) {
      $("said").textContent = error.message;
    }
  });
}

on("outside", "submit", async ({ submitter }, account) => {
  if (submitter?.value === "register") {
    await client.signUp(account);
    return show("proof", "We have sent you a letter.");
  }
  const login = await client.logIn(account);
  if (login.status === "mfa") {
    challenge = login.challenge;
    show("factor");
  }
});

on("proof", "submit", async (_, { token }) => {
  await client.call("post", "/auth/verify-email", { body: { token: token.trim().split("token=").pop() }, anonymous: true });
  show("outside", "Your address is confirmed. Log in.");
});

on("factor", "submit", async (_, { code }) => {
  await challenge.verify(code);
});

on("logout", "click", async () => {
  await client.logOut();
  show("outside", "You are logged out.");
});

on("passkey", "click", () => client.logInWithPasskey());

on("add-passkey", "click", async () => {
  if (await client.addPasskey()) $("said").textContent = "Your passkey is added.";
});

$("passkey").hidden = $("add-passkey").hidden = !passkeysSupported();
client.onChange(enter);

// A user who was logged in when the page was last open still is. To others, the browser offers passkeys in the field.
try {
  enter(await client.restore());
  if (client.state.status === "out" && (await autofillSupported())) await client.logInWithPasskey({ conditional: true });
} catch (error) {
  if (client.state.status === "unknown") show("outside", error.message);
}
