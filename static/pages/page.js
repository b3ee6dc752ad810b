// What the pages gain from a script. All of them work without it.
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

// On a phone, the list of pages is wider than the window.
each("nav [aria-current]", (current) => current.scrollIntoView({ inline: "center", block: "nearest" }));

// Shows and hides a password.
each("button[data-shows]", (button) => {
  const input = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    button.textContent = isShown ? button.dataset.show : button.dataset.hide;
    button.setAttribute("aria-pressed", String(!isShown));
    input.focus();
  });
  // Password managers and history must not take a shown password for a text.
  input.form.addEventListener("submit", () => { input.type = "password"; });
});

// Copies the text of an element.
each("button[data-copies]", (button) => {
  if (!navigator.clipboard) return;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const lines = [...document.querySelectorAll(button.dataset.copies)].map((one) => one.textContent.trim());
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
});

// Writes times in the zone of the reader, with the exact one on hover.
each("time[datetime]", (time) => {
  const at = new Date(time.dateTime);
  const language = document.documentElement.lang;
  if (Number.isNaN(at.getTime())) return;
  try {
    time.title = time.textContent;
    time.textContent = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(at);
  } catch { time.removeAttribute("title"); }
});

// Says while typing whether a new password is long enough. The server checks all rules.
each("input[data-least]", (input) => {
  const line = document.getElementById(input.dataset.says);
  const least = Number(input.dataset.least);
  input.addEventListener("input", () => {
    const length = [...input.value].length;
    line.textContent = length === 0 ? "" : length < least ? line.dataset.short : line.dataset.enough;
  });
});

// Leads on at once.
each("form[data-presses]", (form) => form.submit());

// A form is sent once, however often its button is pressed, unless its answer is a file.
each("form:not([data-again])", (form) => {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
});
addEventListener("pageshow", () => each("form", (form) => { delete form.dataset.sent; }));

// Passkeys: asks the browser, and posts its answer as a form.
const publicKey = globalThis.PublicKeyCredential;

const ask = async (form, more = {}) => {
  const token = form.elements.form.value;
  const answer = await fetch(form.dataset.asks, { method: "POST", body: new URLSearchParams({ form: token }) });
  if (!answer.ok) throw new Error(answer.statusText);
  const options = publicKey.parseRequestOptionsFromJSON(await answer.json());
  return navigator.credentials.get({ publicKey: options, ...more });
};

const send = (form, credential) => {
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
};

const fail = (form, error) => {
  delete form.dataset.sent;
  const line = form.querySelector("[data-failed]");
  if (line && error.name !== "AbortError") line.hidden = false;
};

if (publicKey?.parseRequestOptionsFromJSON) {
  let waiting = new AbortController();

  each("form[data-asks]", (form) => {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      waiting.abort();
      ask(form).then((credential) => send(form, credential), (error) => fail(form, error));
    });
    // The browser offers passkeys in the field for the name, for as long as the page is open.
    const isOffered = form.dataset.offers && publicKey.isConditionalMediationAvailable;
    if (isOffered) {
      publicKey.isConditionalMediationAvailable().then((isAvailable) => isAvailable
        && ask(form, { mediation: "conditional", signal: waiting.signal })
          .then((credential) => send(form, credential)))
        .catch(() => {});
    }
  });

  each("form[data-creates]", (form) => {
    const create = () => navigator.credentials
      .create({ publicKey: publicKey.parseCreationOptionsFromJSON(JSON.parse(form.dataset.creates)) })
      .then((credential) => send(form, credential), (error) => fail(form, error));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      create();
    });
  });

  // Keys that were deleted here vanish from the person's devices.
  each("[data-known]", (list) => {
    publicKey.signalAllAcceptedCredentials?.(JSON.parse(list.dataset.known)).catch(() => {});
  });
}
