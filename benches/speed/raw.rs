//! The machine without authd: hashing alone, a handler that only responds, the database statements
//! alone.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use authd::env::Env;
use authd::model::secret::digest;
use authd::model::session::RotationHistory;
use authd::model::{Account, AccountId, AuthMethod, Database, Email, SessionId, Source, Time};
use authd::store::tables::sessions::{SessionRow, TokenRotation};
use authd::store::{self, ProcessRole, Store};
use poem::listener::TcpListener;
use poem::{Response, Route, Server, get, handler};

/// The grace period of the default profile.
const GRACE: Duration = Duration::from_secs(30);

/// argon2id at the default cost on every processor, with its memory reused.
pub fn hashes_per_second(span: Duration) -> f64 {
    let threads = std::thread::available_parallelism().unwrap().get();
    let began = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(move || {
                let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
                let mut memory = vec![Block::default(); params.block_count()];
                let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut out = [0; 32];
                let mut hashes = 0_u64;
                while began.elapsed() < span {
                    argon
                        .hash_password_into_with_memory(
                            b"correct horse",
                            b"sixteen bytes ok",
                            &mut out,
                            &mut memory,
                        )
                        .unwrap();
                    hashes += 1;
                }
                hashes
            })
        })
        .collect();
    let hashes: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    hashes as f64 / began.elapsed().as_secs_f64()
}

#[handler]
fn bare(poem::web::Data(body): poem::web::Data<&String>) -> Response {
    Response::builder().content_type("application/json; charset=utf-8").body(body.clone())
}

/// Responds to `/v1/users/me` with the first line of standard input; prints its port on standard
/// output.
pub fn serve_bare_handler() {
    let mut body = String::new();
    std::io::stdin().read_line(&mut body).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use poem::EndpointExt;
        use poem::listener::{Acceptor, Listener};
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        println!("{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
        let app = Route::new().at("/v1/users/me", get(bare)).data(body.trim_end().to_owned());
        Server::new_with_acceptor(acceptor).run(app).await.unwrap();
    });
}

/// The statements of a refresh through the same writer, without HTTP, tokens and signatures.
pub async fn group_commits_per_second(span: Duration, callers: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::real();
    let database = Database::File(folder.path().join("raw.db"));
    let store = Store::open(&database, ProcessRole::Server, &env).unwrap();
    let ids: Vec<SessionId> = (0..callers).map(|_| SessionId::new(env.new_id().unwrap())).collect();
    let sessions = ids.clone();
    let now = env.now();
    store.write(move |db| prepare(db, &sessions, now)).await.unwrap();
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for id in ids {
        let (store, env) = (store.clone(), env.clone());
        tasks.spawn(async move {
            let mut generation = 0;
            while began.elapsed() < span {
                let rotation = TokenRotation {
                    id: id.clone(),
                    generation,
                    secret_hash: digest(&generation.to_be_bytes()),
                    next_generation: generation + 1,
                    next_hash: digest(&(generation + 1).to_be_bytes()),
                    now: env.now(),
                };
                let step = move |db: &mut dyn store::db::Db| {
                    let mut snapshot = store::tables::sessions::find_snapshot(db, &rotation.id)?;
                    let session = &mut snapshot.as_mut().unwrap().session;
                    assert!(store::tables::sessions::rotate(db, session, &rotation, GRACE)?);
                    Ok(())
                };
                store.write(step).await.unwrap();
                generation += 1;
            }
            generation
        });
    }
    let mut turns = 0;
    while let Some(count) = tasks.join_next().await {
        turns += count.unwrap();
    }
    turns as f64 / began.elapsed().as_secs_f64()
}

fn prepare(db: &mut dyn store::db::Db, ids: &[SessionId], now: Time) -> authd::error::Result<()> {
    let account = AccountId::new("raw");
    let email = Email::parse("raw@example.com").unwrap();
    let row = Account { email_verified_at: Some(now), ..Account::new(account.clone(), email, now) };
    let row = store::tables::accounts::NewRow::new(row, [0; 32]);
    store::tables::accounts::insert(db, &row)?;
    for id in ids {
        let session = SessionRow {
            id: id.clone(),
            account: account.clone(),
            generation: 0,
            secret_hash: digest(&0_i64.to_be_bytes()).to_vec(),
            rotated_at: None,
            idle_for: Duration::from_hours(1),
            idle_until: now + Duration::from_hours(1),
            remember: true,
            expires_at: None,
            created_at: now,
            proved_at: now,
            last_active_at: now,
            ended_at: None,
            rotations: RotationHistory::default(),
            refresh_day: None,
        };
        store::tables::sessions::insert(
            db,
            &session,
            &AuthMethod::Password.into(),
            &Source::command_line(),
        )?;
    }
    Ok(())
}
