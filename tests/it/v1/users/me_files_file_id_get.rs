//! `GET /users/me/files/{fileId}`: the content of one file of the caller.

use crate::support::app;
use crate::v1::fixture::{Operation, PDF, Trail, person, upload_pdf};

const DOWNLOAD: Operation = Operation("GET", "/users/me/files/{fileId}");

#[tokio::test]
async fn the_file_is_sent_as_an_attachment_with_its_media_type() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let id = upload_pdf(&app, &ada, "my \"cv\".pdf").await;
    let mut trail = Trail::begin(&app).await;
    let file = DOWNLOAD.at(&app, &[&id]).bearer(&ada).ok(200).await;
    assert_eq!((file.text.as_str(), file.header("content-type")), (PDF, "application/pdf"));
    assert!(
        file.header("content-disposition").starts_with("attachment;"),
        "{}",
        file.header("content-disposition")
    );
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_file_of_another_account_is_not_found_not_even_by_an_administrator() {
    let app = app().await;
    let (ada, root) = (person(&app, "ada", &[]).await, person(&app, "root", &["admin"]).await);
    let id = upload_pdf(&app, &ada, "cv.pdf").await;
    for id in [id.as_str(), "unknown"] {
        DOWNLOAD.at(&app, &[id]).bearer(&root).refused(404, "NOT_FOUND").await;
    }
}
