//! Traces of requests, against an imitation of an OpenTelemetry collector.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::process::{CHEAP, Folder, Server};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// The time limit for what happens within seconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A collector that answers with this status. Returns its address, and the head and body of each
/// request.
fn collector(status: &'static str) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (got, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let (_, length) = head.split_once("content-length: ").unwrap();
            let length = length.split("\r\n").next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).unwrap();
            if got.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

fn server_with(folder: &Folder, variables: &str) -> Server {
    std::fs::write(folder.path("otel.env"), variables).unwrap();
    folder.serve(&[&CHEAP[..], &["--env-file", "otel.env"]].concat())
}

fn call(server: &Server, path: &str, headers: &str) -> u16 {
    server.client().ask("GET", path, headers, None).unwrap().status
}

/// The spans of the next batches, until one of them has this route.
fn spans_until(requests: &Receiver<(String, Value)>, route: &str) -> Vec<Value> {
    let mut spans = Vec::new();
    loop {
        let (head, body) = requests.recv_timeout(PATIENCE).unwrap();
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/json") && head.contains("x-key: hush"),
            "{head}"
        );
        let resource = &body["resourceSpans"][0];
        let service = &resource["resource"]["attributes"][0];
        assert_eq!(
            (&service["key"], &service["value"]["stringValue"]),
            (&"service.name".into(), &"login".into())
        );
        spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        if spans.iter().any(|span| attribute(span, "http.route") == route) {
            return spans;
        }
    }
}

/// Whether spans with this outcome are counted soon: the server counts them after the collector's answer.
fn counts(server: &Server, outcome: &str) -> bool {
    let line = format!("authd_trace_spans_total{{outcome=\"{outcome}\"}}");
    (0..10_000).any(|_| server.get("/metrics").unwrap().text.contains(&line))
}

fn attribute(span: &Value, key: &str) -> String {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|one| one["key"] == key).unwrap();
    let value = found["value"].as_object().unwrap().values().next().unwrap();
    value.as_str().unwrap().to_owned()
}

#[test]
fn each_request_is_a_span_of_the_trace_that_its_sender_began() {
    let (url, requests) = collector("200 OK");
    let folder = Folder::new();
    let server = server_with(
        &folder,
        &format!(
            "OTEL_EXPORTER_OTLP_ENDPOINT={url}\nOTEL_EXPORTER_OTLP_HEADERS=x-key=hush\nOTEL_SERVICE_NAME=login\n"
        ),
    );
    let traceparent = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    assert_eq!(call(&server, "/v1/users/me?token=hush", &traceparent), 401);
    let unrecorded = format!("traceparent: 00-{TRACE}-{PARENT}-00\r\n");
    assert_eq!(call(&server, "/livez", &unrecorded), 200);
    let spans = spans_until(&requests, "/v1/users/me");
    let of = |route: &str| {
        spans.iter().filter(|span| attribute(span, "http.route") == route).collect::<Vec<_>>()
    };
    let [span] = of("/v1/users/me")[..] else { panic!("{spans:?}") };
    assert_eq!((&span["traceId"], &span["parentSpanId"]), (&TRACE.into(), &PARENT.into()));
    assert_eq!((&span["name"], &span["kind"]), (&"GET /v1/users/me".into(), &2.into()));
    assert_eq!(attribute(span, "http.response.status_code"), "401");
    let time = |name: &str| span[name].as_str().unwrap().parse::<u128>().unwrap();
    assert!(
        time("endTimeUnixNano") >= time("startTimeUnixNano") && time("startTimeUnixNano") > 1 << 60
    );
    assert!(!span.to_string().contains("hush"), "{span}");
    assert!(of("/livez").is_empty(), "{spans:?}");
    // `serve` asked for /readyz without any trace.
    let own = of("/readyz")[0];
    assert!(own["traceId"] != TRACE && own["parentSpanId"].is_null(), "{own}");
    assert!(counts(&server, "exported"));
    // What waits when the server stops still leaves.
    assert_eq!(call(&server, "/.well-known/jwks.json", ""), 200);
    assert_eq!(server.end(), Some(0));
    spans_until(&requests, "/.well-known/jwks.json");
}

#[test]
fn what_a_collector_does_not_take_is_dropped_and_counted_and_requests_go_on() {
    let (url, requests) = collector("503 Service Unavailable");
    let folder = Folder::new();
    let server = server_with(&folder, &format!("OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"));
    requests.recv_timeout(PATIENCE).unwrap();
    assert!(counts(&server, "dropped"));
    let plain = Folder::new();
    let figures = plain.serve(&CHEAP).get("/metrics").unwrap().text;
    assert!(!figures.contains("trace_spans"), "nothing is kept without a collector");
}
