//! Where traces of requests go. The names are those of OpenTelemetry's specification, so they are
//! variables of the environment and no keys of the configuration.

use std::collections::BTreeMap;

use super::environment::EnvVariable;
use crate::model::{HttpUrl, Secret, percent};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE: &str = "OTEL_SERVICE_NAME";

/// A collector of traces, which is asked by OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    pub url: HttpUrl,
    /// Additional headers, such as a key.
    pub headers: Vec<(String, Secret)>,
    /// The name of this service in traces.
    pub service: String,
}

impl TracesConfig {
    /// Reads the variables; `None` if no endpoint is set. An error is the variable and what is wrong
    /// with it.
    pub(super) fn read(
        variables: &BTreeMap<String, EnvVariable>,
    ) -> Result<Option<Self>, (&'static str, String)> {
        let value = |name: &str| variables.get(name).map(|found| found.value.as_str());
        let (name, text) = match (value(TRACES_ENDPOINT), value(ENDPOINT)) {
            (Some(url), _) => (TRACES_ENDPOINT, url.to_owned()),
            (None, Some(base)) => (ENDPOINT, format!("{}/v1/traces", base.trim_end_matches('/'))),
            (None, None) => return Ok(None),
        };
        let url = HttpUrl::parse(&text)
            .ok_or_else(|| (name, "expected an http or https URL".to_owned()))?;
        let headers = headers_in(value(HEADERS).unwrap_or_default())
            .ok_or_else(|| (HEADERS, "expected name=value, separated by commas".to_owned()))?;
        let service = value(SERVICE).unwrap_or("authd").to_owned();
        Ok(Some(Self { url, headers, service }))
    }
}

/// Headers such as `a=1,b=x%20y`.
fn headers_in(text: &str) -> Option<Vec<(String, Secret)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent::decode(value.trim())?;
            Some((name.trim().to_ascii_lowercase(), Secret::new(value)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    fn traces(set: &[(&str, &str)]) -> Result<Option<TracesConfig>, String> {
        let env =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let loaded = load(&Inputs { env, ..Inputs::default() });
        loaded.map(|loaded| loaded.config.traces).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_variables_of_the_specification_say_where_traces_go() {
        assert!(traces(&[]).unwrap().is_none());
        let found = traces(&[
            (ENDPOINT, "http://127.0.0.1:4318/"),
            (HEADERS, "X-Key=a%20b, other=1"),
            (SERVICE, "login"),
        ]);
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.url.authority().as_str(), found.url.path().reveal()),
            ("127.0.0.1:4318", "/v1/traces")
        );
        assert_eq!((found.headers[0].0.as_str(), found.headers[0].1.reveal()), ("x-key", "a b"));
        assert_eq!((found.headers.len(), found.service.as_str()), (2, "login"));
        let own =
            traces(&[(ENDPOINT, "http://a.example"), (TRACES_ENDPOINT, "https://b.example/t")]);
        assert_eq!(own.unwrap().unwrap().url, HttpUrl::parse("https://b.example/t").unwrap());
        for (name, value) in [(ENDPOINT, "localhost:4317"), (TRACES_ENDPOINT, "x")] {
            assert!(traces(&[(name, value)]).unwrap_err().contains(name));
        }
        let wrong = traces(&[(ENDPOINT, "http://a.example"), (HEADERS, "key")]);
        assert!(wrong.unwrap_err().contains(HEADERS));
    }
}
