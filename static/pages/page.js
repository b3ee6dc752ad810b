// What the pages gain from a script. All of them work without it.
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

// On a phone, the list of pages is wider than the window.
each("nav [aria-current=page]", (current) => current.scrollIntoView({ inline: "center", block: "nearest" }));

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

// A redirect leads to the sign-in page, because the session has ended.
const post = async (path, form, more = {}) => {
  const body = new URLSearchParams({ form: form.elements.form.value, ...more });
  const answer = await fetch(path, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
};

const ask = async (form, path, more = {}) => {
  const options = publicKey.parseRequestOptionsFromJSON(await post(path, form));
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

// The server accepts the answer to a challenge for ten minutes.
const OFFER_LIFE = 8 * 60 * 1000;

if (publicKey?.parseRequestOptionsFromJSON) {
  // A page can have one ceremony at a time: the button ends the offer.
  let offer = new AbortController();

  // The browser offers passkeys in the field for the name, for as long as the page is open.
  const keepOffering = async (form) => {
    offer.abort();
    const own = offer = new AbortController();
    const again = setTimeout(() => keepOffering(form), OFFER_LIFE);
    own.signal.addEventListener("abort", () => clearTimeout(again));
    try {
      const credential = await ask(form, form.dataset.asks, { mediation: "conditional", signal: own.signal });
      clearTimeout(again);
      send(form, credential);
    } catch { /* The form and the button are there. */ }
  };

  each("form[data-asks]", (form) => {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      offer.abort();
      ask(form, form.dataset.asks).then((credential) => send(form, credential), (error) => {
        fail(form, error);
        offerHere();
      });
    });
    const offerHere = async () => {
      if (form.dataset.offers && await publicKey.isConditionalMediationAvailable?.()) keepOffering(form);
    };
    offerHere();
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

  // A key as the proof that a form asks for: the form can be sent afterwards.
  each("[data-proves]", (part) => {
    const box = part.closest(".proof");
    const form = part.closest("form");
    const button = part.querySelector("button");
    part.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const path = part.dataset.proves;
        const credential = await ask(form, `${path}/options`);
        await post(path, form, { credential: JSON.stringify(credential.toJSON()) });
        const line = document.createElement("p");
        line.setAttribute("role", "status");
        box.replaceChildren(line);
        line.textContent = part.dataset.done;
        form.querySelector("button:not([type=button])").focus();
      } catch (error) {
        button.disabled = false;
        fail(part, error);
      }
    });
  });

  // Keys that were deleted here vanish from the person's devices.
  each("[data-known]", (list) => {
    publicKey.signalAllAcceptedCredentials?.(JSON.parse(list.dataset.known)).catch(() => {});
  });
}
