//! Mail: each step of a connection to the mail server, and the DNS records by which receivers decide
//! whether mail from the sender's domain is genuine (SPF: RFC 7208, DKIM: RFC 6376, DMARC: RFC 7489).

use std::net::IpAddr;

use super::DoctorScope;
use crate::config::{Config, Smtp};
use crate::env::Env;
use crate::mail::smtp::{self, ProbeOutcome, SmtpOutcome, SmtpStep};
use crate::model::finding::CheckReport;
use crate::outbound::{DnsError, NameServer, RecordKind};

const SMTP: &str = "mail.smtp_url";

pub(super) async fn find(config: &Config, env: &Env, scope: &DoctorScope, found: &mut CheckReport) {
    // The checks of the configuration report that there is no mail server.
    let Some(server) = &config.mail.smtp else { return };
    connection(config, server, env, scope, found).await;
    let sender = config.mail.sender_address();
    let Some((_, domain)) = sender.as_ref().and_then(|sender| sender.key().rsplit_once('@')) else {
        return;
    };
    match &scope.name_server {
        Some(names) => {
            if let Err(error) = records(names, domain, scope.dkim_selector.as_deref(), found).await
            {
                cannot_look_up(domain, &error.to_string(), found);
            }
            reverse(names, server, found).await;
        }
        None => cannot_look_up(domain, "this machine names no name server", found),
    }
}

async fn connection(
    config: &Config,
    server: &Smtp,
    env: &Env,
    scope: &DoctorScope,
    found: &mut CheckReport,
) {
    let mut done = Vec::new();
    let report = |step: SmtpStep| {
        if step.outcome == SmtpOutcome::Done {
            done.push(step.name);
        }
    };
    let outcome = match &scope.send_to {
        Some(to) => smtp::probe(server, &config.mail.from, to, env, report).await,
        None => Ok(smtp::greet(server, report).await),
    };
    let see_test = "see: authd mail test ADDRESS";
    match outcome {
        Ok(ProbeOutcome::Passed) => {
            found.pass(SMTP, format!("{}:{}: {}", server.host, server.port, done.join(", ")));
        }
        Ok(ProbeOutcome::StepFailed { message, remedy }) => {
            found.error(SMTP, message, remedy.unwrap_or(see_test));
        }
        Err(error) => found.error(SMTP, error.message().to_owned(), see_test),
    }
}

fn cannot_look_up(domain: &str, why: &str, found: &mut CheckReport) {
    found.hint(
        "dns",
        format!("the records of {domain} were not looked up: {why}"),
        format!(
            "look them up by hand: dig +short MX {domain}; dig +short TXT {domain} (SPF); dig +short TXT \
             _dmarc.{domain}"
        ),
    );
}

async fn records(
    names: &NameServer,
    domain: &str,
    selector: Option<&str>,
    found: &mut CheckReport,
) -> Result<(), DnsError> {
    let exchangers = names.ask(domain, RecordKind::Mx).await?;
    if exchangers.is_empty() {
        found.warning(
            "dns.mx",
            format!("{domain} has no MX record: replies and bounces may be lost, and some receivers refuse its mail"),
            "add an MX record that names the server which receives mail for the domain",
        );
    } else {
        found.pass("dns.mx", format!("{domain}: {}", exchangers.join(", ")));
    }
    judge_spf(domain, &names.ask(domain, RecordKind::Txt).await?, found);
    let mut policies = names.ask(&format!("_dmarc.{domain}"), RecordKind::Txt).await?;
    if let Some(parent) = parent(domain).filter(|_| !policies.iter().any(|text| is_dmarc(text))) {
        policies = names.ask(&format!("_dmarc.{parent}"), RecordKind::Txt).await?;
    }
    judge_dmarc(domain, &policies, found);
    match selector {
        Some(selector) => {
            let name = format!("{selector}._domainkey.{domain}");
            judge_dkim(&name, &names.ask(&name, RecordKind::Txt).await?, found);
        }
        None => found.hint(
            "dns.dkim",
            "the DKIM key was not looked up: its name contains a selector that the mail server chooses",
            "find s= in the DKIM-Signature header of a mail that was received, and run authd doctor \
             --dkim-selector with it",
        ),
    }
    Ok(())
}

fn judge_spf(domain: &str, texts: &[String], found: &mut CheckReport) {
    let policies: Vec<&String> =
        texts.iter().filter(|text| *text == "v=spf1" || text.starts_with("v=spf1 ")).collect();
    match policies.as_slice() {
        [] => found.warning(
            "dns.spf",
            format!("{domain} has no SPF record: receivers cannot tell which servers may send its mail"),
            "add a TXT record like \"v=spf1 include:HOST ~all\", with what your mail provider names",
        ),
        [policy] if policy.contains("+all") => found.warning(
            "dns.spf",
            format!("{policy} lets every server send mail of the domain"),
            "end it with ~all or -all",
        ),
        [policy] => found.pass("dns.spf", (*policy).clone()),
        _ => found.error(
            "dns.spf",
            format!("{domain} has {} SPF records, so receivers use none", policies.len()),
            "merge them into one TXT record",
        ),
    }
}

fn is_dmarc(text: &str) -> bool {
    text.starts_with("v=DMARC1")
}

fn judge_dmarc(domain: &str, texts: &[String], found: &mut CheckReport) {
    match texts.iter().find(|text| is_dmarc(text)) {
        Some(policy) => found.pass("dns.dmarc", policy.clone()),
        None => found.warning(
            "dns.dmarc",
            format!("{domain} has no DMARC record: large receivers want one from every sender"),
            format!("add a TXT record at _dmarc.{domain}, to begin with \"v=DMARC1; p=none\""),
        ),
    }
}

fn judge_dkim(name: &str, texts: &[String], found: &mut CheckReport) {
    // A key that was revoked is empty.
    let has_key = |text: &&String| {
        text.split(';').any(|tag| tag.trim().strip_prefix("p=").is_some_and(|key| !key.is_empty()))
    };
    if texts.iter().any(|text| has_key(&text)) {
        found.pass("dns.dkim", format!("there is a key at {name}"));
    } else {
        found.error(
            "dns.dkim",
            format!("there is no key at {name}: the signatures of mail cannot be checked"),
            "add the TXT record that the mail server or provider shows",
        );
    }
}

/// The organization's domain, if this may be below it.
fn parent(domain: &str) -> Option<&str> {
    let (_, parent) = domain.split_once('.')?;
    parent.contains('.').then_some(parent)
}

/// The name of the mail server's address. A relay of a provider has one; an own server needs one.
async fn reverse(names: &NameServer, server: &Smtp, found: &mut CheckReport) {
    let address = match server.host.parse::<IpAddr>() {
        Ok(address) => Some(address),
        Err(_) => tokio::net::lookup_host((server.host.as_str(), server.port))
            .await
            .ok()
            .and_then(|mut all| all.next())
            .map(|found| found.ip()),
    };
    let Some(address) = address.filter(|address| !address.is_loopback()) else { return };
    match names.names_of(address).await {
        Ok(of) if of.is_empty() => found.hint(
            "dns.ptr",
            format!("{address} of {} has no name (PTR record)", server.host),
            "if this server itself sends mail to the world, ask its provider for a PTR record",
        ),
        Ok(of) => found.pass("dns.ptr", format!("{address} is {}", of.join(", "))),
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;

    fn level(judge: impl FnOnce(&mut CheckReport)) -> Option<Severity> {
        let mut found = CheckReport::default();
        judge(&mut found);
        assert_eq!(found.findings.len() + found.passed.len(), 1);
        found.findings.first().map(|finding| finding.level)
    }

    #[test]
    fn records_are_judged_as_receivers_do() {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let spf = |of: &[&str]| level(|found| judge_spf("a.example", &texts(of), found));
        assert_eq!(spf(&["x", "v=spf1 include:b.example -all"]), None);
        assert_eq!(spf(&["v=spf10 -all"]), Some(Severity::Warning));
        assert_eq!(spf(&["v=spf1 +all"]), Some(Severity::Warning));
        assert_eq!(spf(&["v=spf1 -all", "v=spf1 ~all"]), Some(Severity::Error));
        let dmarc = |of: &[&str]| level(|found| judge_dmarc("a.example", &texts(of), found));
        assert_eq!(dmarc(&["v=DMARC1; p=none"]), None);
        assert_eq!(dmarc(&["v=spf1"]), Some(Severity::Warning));
        let dkim =
            |of: &[&str]| level(|found| judge_dkim("s._domainkey.a.example", &texts(of), found));
        assert_eq!(dkim(&["v=DKIM1; k=rsa; p=MIIB"]), None);
        assert_eq!(dkim(&["v=DKIM1; p="]), Some(Severity::Error));
        assert_eq!(dkim(&[]), Some(Severity::Error));
    }

    #[test]
    fn a_domain_below_an_organizations_shares_its_policy() {
        assert_eq!(parent("mail.example.com"), Some("example.com"));
        assert_eq!(parent("example.com"), None);
    }
}
