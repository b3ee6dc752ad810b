//! The general limit counts every operation of the four wires, except the health checks.

use crate::compat::WireApp;
use crate::compat::checks::filled;

const ONE_CALL: [(&str, &str); 3] = [
    ("limits.general.count", "1"),
    ("limits.general.window", "15m"),
    ("limits.general.shape", "window"),
];

/// Two calls of each operation, each operation from its own client IP.
async fn each_operation_is_counted(name: &str) {
    let wire = WireApp::with(name, &ONE_CALL).await;
    for (nth, (method, path)) in wire.operations().enumerate() {
        let call = || wire.call(method.clone(), &filled(path)).from(&format!("198.51.100.{nth}"));
        let first = call().send().await;
        assert_ne!(first.status, 429, "{method} {path}: {}", first.text);
        let second = call().send().await;
        if path == "/health" {
            assert_eq!((second.status.as_u16(), second.header("x-ratelimit-limit")), (200, ""));
            continue;
        }
        assert_eq!(
            (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
            ("1", "0")
        );
        let (status, code, message) = wire.refusal(&second);
        assert_eq!((status, code), (429, wire.wording.too_many), "{method} {path}");
        assert_eq!(message, "Too many requests. Try again in 15 minutes.");
        assert_eq!(second.header("retry-after"), "900");
    }
}

#[tokio::test]
async fn each_operation_of_authbackend_is_counted() {
    each_operation_is_counted("authbackend").await;
}

#[tokio::test]
async fn each_operation_of_jobpath_is_counted() {
    each_operation_is_counted("jobpath").await;
}

#[tokio::test]
async fn each_operation_of_jobpsych_is_counted() {
    each_operation_is_counted("jobpsych").await;
}

#[tokio::test]
async fn each_operation_of_siteworks_is_counted() {
    each_operation_is_counted("siteworks").await;
}
