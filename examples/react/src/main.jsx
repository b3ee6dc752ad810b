// An account in React: login, second factor, profile, logout.
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "@authd/client";
import { AuthdProvider, useClient, useSession, useUser } from "@authd/react";

const client = createClient({ url: "http://localhost:3000" });

/** A form whose fields are passed to `onSend`, and which shows what went wrong. */
function Form({ onSend, children }) {
  const [said, setSaid] = useState("");
  const send = async (sent) => {
    sent.preventDefault();
    setSaid("");
    try {
      await onSend(Object.fromEntries(new FormData(sent.target)));
    } catch (error) {
      setSaid(error.message);
    }
  };
  return (
    <form onSubmit={send}>
      {children}
      <p role="status">{said}</p>
    </form>
  );
}

function LogIn() {
  const client = useClient();
  const [challenge, setChallenge] = useState(null);
  if (challenge) {
    return (
      <Form key="factor" onSend={({ code }) => challenge.verify(code)}>
        <label>Code <input name="code" autoComplete="one-time-code" required /></label>
        <button>Continue</button>
      </Form>
    );
  }
  const logIn = async (credentials) => {
    const login = await client.logIn(credentials);
    if (login.status === "mfa") setChallenge(login.challenge);
  };
  return (
    <Form key="login" onSend={logIn}>
      <label>E-mail <input name="email" type="email" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
      <button>Log in</button>
    </Form>
  );
}

function Account() {
  const client = useClient();
  const user = useUser();
  return (
    <section>
      <p id="email">{user.email}</p>
      <button onClick={() => client.logOut()}>Log out</button>
    </section>
  );
}

function App() {
  const { status } = useSession();
  if (status === "unknown") return <p>…</p>;
  return (
    <>
      <h1>{status === "in" ? "Your account" : "Welcome"}</h1>
      {status === "in" ? <Account /> : <LogIn />}
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <AuthdProvider client={client}>
    <App />
  </AuthdProvider>,
);
