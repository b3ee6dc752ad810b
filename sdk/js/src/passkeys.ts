// The ceremonies of WebAuthn, with options and answers as JSON.

type Signals = {
  signalAllAcceptedCredentials?(args: { rpId: string; userId: string; allAcceptedCredentialIds: string[] }): Promise<void>;
};

const api = () =>
  (globalThis as { PublicKeyCredential?: typeof PublicKeyCredential & Signals }).PublicKeyCredential;

/** Whether this browser has what passkeys need. */
export function passkeysSupported(): boolean {
  return !!api()?.parseRequestOptionsFromJSON;
}

/** Whether this browser can offer passkeys in the autofill of a field (`autocomplete="username webauthn"`). */
export async function autofillSupported(): Promise<boolean> {
  return passkeysSupported() && !!(await api()?.isConditionalMediationAvailable?.());
}

/** The browser's refusals: the user chose none, waited too long, or another ceremony began. */
const isCancelled = (error: unknown) =>
  error instanceof DOMException && ["NotAllowedError", "AbortError"].includes(error.name);

/** The one ceremony that a page can have at a time. */
let running: AbortController | undefined;

/** `null` if it was cancelled, `undefined` if it took longer than its life. */
async function ceremony(
  run: (signal: AbortSignal) => Promise<Credential | null>,
  outer?: AbortSignal,
  life?: number,
): Promise<any> {
  if (outer?.aborted) return null;
  running?.abort();
  const own = (running = new AbortController());
  const abort = () => own.abort();
  outer?.addEventListener("abort", abort);
  let isOver = false;
  const end = () => {
    isOver = true;
    abort();
  };
  const timer = life && setTimeout(end, life);
  try {
    return ((await run(own.signal)) as PublicKeyCredential | null)?.toJSON() ?? null;
  } catch (error) {
    if (isCancelled(error)) return isOver ? undefined : null;
    throw error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
    if (running === own) running = undefined;
  }
}

const get = (options: object, mediation: CredentialMediationRequirement, outer?: AbortSignal, life?: number) => {
  const publicKey = api()!.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  return ceremony((signal) => navigator.credentials.get({ publicKey, mediation, signal }), outer, life);
};

/** Asks for a passkey; `null` if the user chose none. */
export const getPasskey = (options: object, signal?: AbortSignal): Promise<any> => get(options, "optional", signal);

/** The server accepts the answer to a challenge for ten minutes. */
const OFFER_LIFE = 8 * 60 * 1000;

/** Offers passkeys in autofill, with a new challenge in time, until one is chosen; `null` if the offer was ended. */
export async function offerPasskey(challenge: () => Promise<object>, signal?: AbortSignal): Promise<any> {
  let options = await challenge();
  for (;;) {
    const credential = await get(options, "conditional", signal, OFFER_LIFE);
    if (credential !== undefined) return credential;
    options = await challenge();
    // Another ceremony began in the meantime.
    if (running) return null;
  }
}

/** Makes a passkey; `null` if the user declined. */
export function createPasskey(options: object, signal?: AbortSignal): Promise<any> {
  const publicKey = api()!.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  return ceremony((signal) => navigator.credentials.create({ publicKey, signal }), signal);
}

/** Tells the device which passkeys are left, so that it drops the others. */
export function keepPasskeys(args: { rpId: string; userId: string; allAcceptedCredentialIds: string[] }): void {
  const { rpId, userId, allAcceptedCredentialIds } = args;
  api()?.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds }).catch(() => {});
}
