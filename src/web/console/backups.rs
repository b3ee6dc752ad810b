//! Backups: those that there are, a new one, a check, and a download with a fresh proof.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::http::server::download;
use crate::http::server::error_text::instance_fault;
use crate::identity::admin::backups;
use crate::identity::admin::backups::BackupFile;
use crate::identity::system::backup_work::{BackupTask, EndedBackupTask, RunningBackupTask};
use crate::model::{Time, percent};
use crate::web::console::cells;
use crate::web::console::form::{ButtonLook, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::BACKUPS;
use crate::web::time::Moment;

/// Backups on a page.
const ON_PAGE: usize = 25;

/// The backups.
#[derive(Template)]
#[template(path = "pages/console/backups.html")]
struct BackupsView<'a> {
    frame: ConsoleFrame<'a>,
    problem: Option<String>,
    folder: String,
    has_schedule: bool,
    keep: String,
    running: Option<RunningLine>,
    /// Why the last one could not be made.
    failure: Option<(Moment, String)>,
    files: Vec<BackupLine>,
    /// How many more there are.
    left_out: String,
}

struct RunningLine {
    name: String,
    doing: &'static str,
    stage: &'static str,
    /// Of a hundred.
    percent: Option<u64>,
}

struct BackupLine {
    name: String,
    path: String,
    made: Option<Moment>,
    size: String,
    maker: &'static str,
    is_encrypted: bool,
    check: Option<(bool, Moment, String)>,
}

/// `GET /console/backups`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let overview = backups::list(visit.core()).await?;
    let failure = overview.last.and_then(|last| Some((cells::time(last.at), last.result.err()?)));
    let left_out = overview.files.len().saturating_sub(ON_PAGE);
    let view = BackupsView {
        frame: visit.frame(visit.page.title),
        problem: overview.problem.as_ref().map(|fault| instance_fault(fault).into_owned()),
        folder: overview.folder.map(|folder| folder.display().to_string()).unwrap_or_default(),
        has_schedule: overview.every.is_some(),
        keep: overview.keep.to_string(),
        running: overview.running.as_ref().map(running_line),
        failure,
        files: overview.files.into_iter().take(ON_PAGE).map(line).collect(),
        left_out: if left_out > 0 { left_out.to_string() } else { String::new() },
    };
    visit.show(&view)
}

fn running_line(running: &RunningBackupTask) -> RunningLine {
    let (stage, done, total) = running.progress.reached();
    RunningLine {
        name: running.file.clone(),
        doing: match running.task {
            BackupTask::Make => "is being made",
            BackupTask::Check => "is being checked",
        },
        stage,
        percent: (total > 0).then(|| done.saturating_mul(100).min(total * 100) / total),
    }
}

fn line(file: BackupFile) -> BackupLine {
    let check = |ended: EndedBackupTask| match ended.result {
        Ok(found) => (true, cells::time(ended.at), found),
        Err(why) => (false, cells::time(ended.at), why),
    };
    BackupLine {
        path: format!("{BACKUPS}/{}", percent::encode(&file.name)),
        made: file.made_at.map(cells::time),
        size: size(file.size),
        maker: if file.is_of_schedule { "schedule" } else { "administrator" },
        is_encrypted: file.is_encrypted,
        check: file.check.map(check),
        name: file.name,
    }
}

/// A size in the largest unit of which it is at least one.
fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// `GET /console/backups/new`
pub(super) async fn ask_make(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show_make(visit, None).await
}

async fn show_make(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let text = format!(
        "The database is copied while the server goes on, and the copy is checked. Of those that administrators make, the newest {} are kept; the schedule's stay. The master key is not in it.",
        visit.core().config.backup.keep
    );
    let form = ConsoleForm {
        title: visit.page.title,
        text: &text,
        button: "Make backup",
        back: BACKUPS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/backups/new`
pub(super) async fn make(visit: &ConsoleVisit) -> Result<Response, Stop> {
    match backups::make(visit.core(), &visit.by()).await {
        Ok(_) => Ok(visit.done(BACKUPS, Notice::BackupBegun)),
        Err(error) => show_make(visit, Some(FormRefusal::of(error)?)).await,
    }
}

/// `POST /console/backups/{backup}/verify`
pub(super) async fn verify(visit: &ConsoleVisit) -> Result<Response, Stop> {
    backups::verify(visit.core(), &visit.by(), &visit.id()?).await?;
    Ok(visit.done(BACKUPS, Notice::CheckBegun))
}

/// The backup of the path.
async fn of_path(visit: &ConsoleVisit) -> Result<BackupFile, Stop> {
    let (name, overview) = (visit.id()?, backups::list(visit.core()).await?);
    let found = overview.files.into_iter().find(|file| file.name == name);
    found.ok_or_else(|| crate::error::Kind::NotFound.into())
}

/// `GET /console/backups/{backup}/download`
pub(super) async fn ask_download(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let file = of_path(visit).await?;
    show_download(visit, &file, None).await
}

async fn show_download(
    visit: &ConsoleVisit,
    file: &BackupFile,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let text = if file.is_encrypted {
        "It has the data of all accounts, encrypted for the recipients of backup.encrypt_to. The master key is not in it: a restore needs authd.key too. The download is recorded."
    } else {
        "It has the data of all accounts, and it is not encrypted: keep it where only you can read it. The master key is not in it: a restore needs authd.key too. The download is recorded."
    };
    let made = file.made_at.map(Time::to_seconds_text).unwrap_or_default();
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(format!("{} · {} · {made}", file.name, size(file.size))),
        text,
        button: "Download",
        look: if file.is_encrypted { ButtonLook::Plain } else { ButtonLook::Risky },
        back: BACKUPS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/backups/{backup}/download`
pub(super) async fn download(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let file = of_path(visit).await?;
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show_download(visit, &file, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match backups::download(visit.core(), &by, &file.name).await {
        Ok(download) => Ok(download::of_backup(download)),
        Err(error) => show_download(visit, &file, Some(FormRefusal::of(error)?)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_one_digit_after_the_point() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (417_792, "417.7 kB"), (1_950_000, "1.9 MB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
