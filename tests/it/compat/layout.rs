//! Every operation of a wire's document has its file here, and every file is of an operation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use poem::http::Method;

use super::WireApp;

/// The file of an operation: `PUT /api/admin/users/{userId}/role` is in
/// `api_admin_users_user_id_role_put`.
fn file_of(method: &Method, path: &str) -> String {
    let path = if path == "/" { "/root" } else { path };
    let mut name = String::new();
    for c in path[1..].chars() {
        match c {
            '/' | '-' => name.push('_'),
            '{' | '}' => {}
            'A'..='Z' => name.extend(['_', c.to_ascii_lowercase()]),
            _ => name.push(c),
        }
    }
    format!("{name}_{}", method.as_str().to_lowercase())
}

async fn each_operation_has_its_file(wire: &str) {
    let app = WireApp::without_limits(wire).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/compat");
    let expected: BTreeSet<String> =
        app.operations().map(|(method, path)| file_of(&method, path)).collect();

    let module = fs::read_to_string(folder.join(format!("{wire}.rs"))).unwrap();
    let declared = |line: &str| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    assert_eq!(
        module.lines().filter_map(declared).collect::<BTreeSet<_>>(),
        expected,
        "modules of {wire}.rs"
    );

    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let files = fs::read_dir(folder.join(wire)).unwrap().map(|entry| stem(&entry.unwrap().path()));
    assert_eq!(files.collect::<BTreeSet<_>>(), expected, "files in {wire}/");

    for (method, path) in app.operations() {
        let file = folder.join(wire).join(file_of(&method, path)).with_extension("rs");
        let text = fs::read_to_string(&file).unwrap();
        let first_line = format!("//! `{method} {path}`");
        assert!(
            text.starts_with(&first_line),
            "{}: does not open with {first_line}",
            file.display()
        );
        assert!(text.contains("#[tokio::test]"), "{}: no scenario", file.display());
    }
}

#[tokio::test]
async fn each_operation_of_authbackend_has_its_file() {
    each_operation_has_its_file("authbackend").await;
}

#[tokio::test]
async fn each_operation_of_jobpath_has_its_file() {
    each_operation_has_its_file("jobpath").await;
}

#[tokio::test]
async fn each_operation_of_jobpsych_has_its_file() {
    each_operation_has_its_file("jobpsych").await;
}

#[tokio::test]
async fn each_operation_of_siteworks_has_its_file() {
    each_operation_has_its_file("siteworks").await;
}

#[test]
fn a_file_is_named_after_its_path_and_verb() {
    assert_eq!(file_of(&Method::GET, "/"), "root_get");
    assert_eq!(file_of(&Method::POST, "/api/auth/verify-otp"), "api_auth_verify_otp_post");
    assert_eq!(
        file_of(&Method::PUT, "/api/admin/users/{userId}/role"),
        "api_admin_users_user_id_role_put"
    );
}
