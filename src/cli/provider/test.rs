//! `authd provider test`: each step of a login at a provider, with what it found. Nothing is stored.

use std::io::{self, BufRead, Write as _};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::flags::warn_of_address;
use super::view::proof_words;
use crate::cli::console::{Console, OutputFormat};
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::error::Kind;
use crate::identity::Core;
use crate::identity::admin::providers;
use crate::identity::provider::rule::LinkDecision;
use crate::identity::provider::{
    ProviderAnswer, TrialFailure, TrialPoll, TrialResult, begin_device_trial, begin_trial,
    finish_trial, poll_device_trial, probe,
};
use crate::model::{Account, Provider};
use crate::oidc::{ExchangeFailure, ExchangeStep, FailureCause, printable};

/// The longest address that is read.
const LONGEST_ADDRESS: u64 = 16 * 1024;
/// How much longer to wait after the provider was asked too often (RFC 8628, section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Test a provider and print each step: discovery, keys, a login, and what it would do
///
/// The login is opened in a browser. It ends at the registered address, on a page that says that the
/// login expired, because it belongs to this command: paste the address of that page. With --device
/// there is nothing to paste, if the provider has such logins (RFC 8628). Nothing is stored, and no
/// session begins.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider test google
      Check the settings, log in, and see what came and what would be connected
  authd provider test acme --device
      The same by a device: type the code that is shown on a page of the provider
  authd provider test google --no-login
      Check only the discovery document and the keys

Exits with 1 if a step failed.")]
pub struct ProviderTest {
    /// The provider's name
    #[arg(value_name = "NAME")]
    name: String,

    /// Check only the discovery document and the keys
    #[arg(long)]
    no_login: bool,

    /// Log in by a device: type a code on a page of the provider, in any browser
    #[arg(long, conflicts_with = "no_login")]
    device: bool,
}

/// The steps so far. For people each is printed at once, because the next one may take long.
struct Steps<'a> {
    console: &'a mut Console,
    done: Vec<Value>,
}

impl Steps<'_> {
    fn is_json(&self) -> bool {
        self.console.form() == OutputFormat::Json
    }

    fn ok(&mut self, name: &'static str, says: &str) {
        self.add("ok    ", name, says);
        self.done.push(json!({ "name": name, "ok": true, "answer": says }));
    }

    /// Something that the person has to do.
    fn say(&mut self, name: &'static str, says: &str) {
        if self.is_json() {
            self.console.note(&format!("{name}: {says}"));
        } else {
            self.add("      ", name, says);
        }
    }

    fn failed(&mut self, name: &'static str, why: &str, hint: &str) -> Failure {
        self.add("FAILED", name, why);
        self.done.push(json!({ "name": name, "ok": false, "answer": why }));
        Failure::failed(format_args!("{name}: {why}")).hint(hint)
    }

    fn logged_in(&mut self, provider: &Provider, result: TrialResult) -> TrialResult {
        self.ok("login", "the provider's answer is genuine");
        if !self.is_json() {
            print(self.console, provider, &result);
        }
        result
    }

    fn not_logged_in(&mut self, failure: TrialFailure) -> Failure {
        match failure {
            TrialFailure::Answer(why) => {
                let hint = "check the redirect address and the scopes that the provider knows, \
                            and paste the whole address";
                self.failed("login", &why, hint)
            }
            TrialFailure::Exchange(failure) => {
                self.failed(failure.step.as_str(), &failure.reason, remedy(&failure))
            }
            TrialFailure::Core(error) => error.into(),
        }
    }

    fn add(&mut self, mark: &str, name: &str, says: &str) {
        if !self.is_json() {
            self.console.step(&format!("{mark}  {name:9}  {says}"));
        }
    }
}

impl ProviderTest {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        opened::with_core(global, console, async |core, console| {
            let mut steps = Steps { console, done: Vec::new() };
            let tested = self.steps(core, &mut steps).await;
            if steps.is_json() {
                let found = tested.as_ref().ok().and_then(Option::as_ref);
                let mut json = found.map_or_else(|| json!({}), result_json);
                json["name"] = self.name.as_str().into();
                json["ok"] = tested.is_ok().into();
                json["steps"] = Value::Array(std::mem::take(&mut steps.done));
                steps.console.json(&json)?;
            }
            tested.map(|_| ())
        })
    }

    async fn steps(
        &self,
        core: &Core,
        steps: &mut Steps<'_>,
    ) -> Result<Option<TrialResult>, Failure> {
        let (record, _) = providers::show(core, &self.name).await?;
        let provider = match &record.provider {
            Ok(provider) => provider.clone(),
            Err(why) => {
                let hint = "remove it, and add it again";
                return Err(steps.failed("settings", why, hint));
            }
        };
        steps.ok("settings", &format!("of the {}", record.origin.as_str()));
        for step in probe(core, &self.name).await? {
            match step.result {
                Ok(found) => steps.ok(step.name, &found),
                Err(failure) => {
                    return Err(steps.failed(step.name, &failure.reason, remedy(&failure)));
                }
            }
        }
        if self.device {
            return self.by_device(core, steps, &provider).await.map(Some);
        }
        let Some(address) = record.redirect_address else {
            let why = "there is no page that takes the provider's answer";
            let hint = "set redirect_uris, or serve the pages (pages.enabled)";
            return Err(steps.failed("register", why, hint));
        };
        steps.say("register", &format!("at the provider: {address}"));
        warn_of_address(core, steps.console);
        if self.no_login {
            return Ok(None);
        }
        let trial = begin_trial(core, &self.name, address.clone()).await?;
        steps.say("open", &trial.url);
        let pasted = read_address(io::stdin().lock(), &address)?;
        let Some(pasted) = pasted else {
            let why = "no answer came";
            let hint = "paste the address at which the browser ends, or give --no-login";
            return Err(steps.failed("login", why, hint));
        };
        let answer = ProviderAnswer::of_address(&pasted);
        match finish_trial(core, &trial, &answer).await {
            Ok(result) => Ok(Some(steps.logged_in(&provider, result))),
            Err(failure) => Err(steps.not_logged_in(failure)),
        }
    }

    /// A login for which the person types a code on a page of the provider.
    async fn by_device(
        &self,
        core: &Core,
        steps: &mut Steps<'_>,
        provider: &Provider,
    ) -> Result<TrialResult, Failure> {
        let begun = begin_device_trial(core, &self.name).await;
        let trial = begun.map_err(|failure| steps.not_logged_in(failure))?;
        let login = &trial.login;
        steps.say("open", &login.page);
        steps.say("code", &login.user_code);
        if let Some(page) = &login.page_with_code {
            steps.say("or open", page);
        }
        let (mut interval, mut left) = (login.interval, login.expires_in);
        loop {
            let Some(rest) = left.checked_sub(interval) else {
                let hint = "start again, and log in on the page that is shown";
                return Err(steps.failed("login", "no login came in time", hint));
            };
            left = rest;
            tokio::time::sleep(interval).await;
            match poll_device_trial(core, &trial).await {
                Ok(TrialPoll::Done(result)) => return Ok(steps.logged_in(provider, *result)),
                Ok(TrialPoll::Pending) => {}
                Ok(TrialPoll::SlowDown) => interval += SLOWER,
                Err(failure) => return Err(steps.not_logged_in(failure)),
            }
        }
    }
}

/// Reads one line; `None` if there is none.
fn read_address(input: impl BufRead, address: &str) -> Result<Option<String>, Failure> {
    let mut err = io::stderr();
    let _ = write!(err, "Log in there, then paste the address that begins with {address}: ");
    let _ = err.flush();
    let mut line = String::new();
    input.take(LONGEST_ADDRESS).read_line(&mut line).map_err(|error| {
        Failure::failed(format_args!("standard input could not be read: {error}"))
    })?;
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

/// What to look at if this step failed.
fn remedy(failure: &ExchangeFailure) -> &'static str {
    match failure.cause {
        FailureCause::NotAllowed => {
            return "a server inside your network has to be in outbound.allow: \
                    [outbound] allow = [\"host\"]";
        }
        FailureCause::Unreachable if failure.step != ExchangeStep::Exchange => {
            return "authd permits the request: check the issuer, that the provider runs, and the \
                    network between";
        }
        _ => {}
    }
    match failure.step {
        ExchangeStep::Discovery => "check the issuer, exactly as the provider writes it",
        ExchangeStep::Keys => "the provider has to publish keys for RS256, PS256, ES256 or EdDSA",
        ExchangeStep::Token => {
            "check the client ID and the secret, and that the provider knows the redirect address"
        }
        ExchangeStep::IdToken => "check the issuer, the client ID, and the clock of this machine",
        ExchangeStep::Device => {
            "log in without --device, or let the client use device logins at the provider"
        }
        ExchangeStep::Exchange => "the provider is slow: attempt it again",
        ExchangeStep::UserInfo | ExchangeStep::Emails => {
            "check the scopes that the client may ask the provider for"
        }
    }
}

fn print(console: &mut Console, provider: &Provider, result: &TrialResult) {
    let account = &result.account;
    let address = match &account.email {
        Some(email) if account.is_proved => {
            format!("{email}, proved by {}", proof_words(&provider.proof))
        }
        Some(email) => format!("{email}, not proved"),
        None => "none".to_owned(),
    };
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let name = account.name.clone().or_else(|| {
        let parts = [account.given_name.clone(), account.family_name.clone()];
        let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(joined).filter(|joined| !joined.is_empty())
    });
    for (label, value) in [
        ("issuer", account.issuer.clone()),
        ("subject", account.subject.clone()),
        ("address", address),
        ("name", dash(&name.or_else(|| account.username.clone()))),
        ("acr", dash(&account.acr)),
    ] {
        console.step(&format!("        {label:9}  {value}"));
    }
    for (name, value) in &result.claims {
        console.step(&format!("        claim      {}: {}", printable(name), shown(value)));
    }
    console.step(&format!("        a login    would {}", outcome(result)));
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// What the linking rule would do.
fn outcome(result: &TrialResult) -> String {
    let holder = result.holder.as_ref().map(Account::label);
    let holder = holder.unwrap_or_else(|| "the account".to_owned());
    let email = result.account.email.as_ref().map(ToString::to_string).unwrap_or_default();
    match result.decision {
        LinkDecision::LogIn => format!("log in to {holder}, which it is connected to"),
        LinkDecision::Create => format!("create an account with {email}"),
        LinkDecision::CreateWithoutAddress => "create an account without an address".to_owned(),
        LinkDecision::TakeOver => {
            format!("take over {holder}, whose address was never verified: what was on it is void")
        }
        LinkDecision::Connect => format!("connect it with {holder}"),
        LinkDecision::AskAddress => "ask for an address, and mail a code to it".to_owned(),
        LinkDecision::AskProof => {
            format!("ask for the login of {holder}, or for a code that is mailed to it")
        }
        LinkDecision::AskLogin => {
            format!(
                "ask for the login of {holder}, which is guarded: it has more rights or a second factor"
            )
        }
        LinkDecision::Refuse(Kind::AccountDeleted) => format!("be refused: {holder} is deleted"),
        LinkDecision::Refuse(_) => format!("be refused: {holder} is suspended"),
    }
}

fn result_json(result: &TrialResult) -> Value {
    let account = &result.account;
    json!({
        "account": {
            "issuer": account.issuer,
            "subject": account.subject,
            "email": account.email.as_ref().map(crate::model::Email::as_str),
            "emailProved": account.is_proved,
            "name": account.name,
            "givenName": account.given_name,
            "familyName": account.family_name,
            "username": account.username,
            "acr": account.acr,
        },
        "claims": result.claims,
        "outcome": outcome(result),
    })
}
