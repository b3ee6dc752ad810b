//! The API client that the first start registers, and what the start prints about it.

use super::*;

#[tokio::test]
async fn the_first_start_registers_one_app_and_only_the_first() {
    let app = app_with("authbackend", &[]).await;
    let (made, key) = apps::create_first(&app.core).await.unwrap().unwrap();
    assert!(apps::check(&app.core, &made.id, key.reveal()).await.is_ok());
    assert!(apps::create_first(&app.core).await.unwrap().is_none());
    let other = app_with("standard", &[]).await;
    assert!(apps::create_first(&other.core).await.unwrap().is_none());
}

#[test]
fn the_first_start_prints_the_headers_that_its_clients_send_and_the_second_does_not() {
    let folder = Folder::new();
    let started = || {
        let arguments = ["serve", "--profile", "authbackend", "--listen", "127.0.0.1:0"];
        let mut child = folder
            .command(&[&arguments[..], &CHEAP].concat())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            Some(line.split("http://").nth(1)?.split([' ', '/']).next()?.to_owned())
        });
        let server = Server { child, address: address.unwrap(), greeting: Value::Null };
        assert_eq!(server.get("/readyz").unwrap().status, 200);
        (server, lines)
    };
    let (server, mut lines) = started();
    let id = lines.find(|line| line.starts_with("X-App-ID: ")).unwrap();
    let key = lines.next().unwrap();
    assert!(key.starts_with("X-Service-Key: sk_"), "{key}");
    let made = server
        .client()
        .ask("POST", "/api/auth/signup", &format!("{id}\r\n{key}\r\n"), Some(&example()))
        .unwrap();
    assert_eq!((made.status, &made.body["data"]["userId"]), (200, &json!(1)), "{}", made.body);
    assert_eq!(server.end(), Some(0));
    let (server, lines) = started();
    assert_eq!(server.end(), Some(0));
    assert!(!lines.map(|line| line + "\n").collect::<String>().contains("X-"));
}
