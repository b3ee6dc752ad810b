//! The administrators' search in many accounts on PostgreSQL.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::{Nodes, SEED};
use crate::{Figure, search};

/// What is searched for: one account, a part of many, parts that none has, and the shortest texts.
const TEXTS: [&str; 9] =
    ["user999999@", "99999", "smith", "@example", "r1@exam", "zzqzz", "qz", "e", "li4"];

/// Searches in an index that a server has written.
pub async fn measure(cluster: &Cluster, database: &str) -> Figure {
    cluster.run(
        database,
        &format!(
            "delete from account_trigrams; delete from instance where name like 'search_%';
             insert into account_roles (account_id, role, position)
               select id, 'admin', 9 from accounts where email_key = '{SEED}'"
        ),
    );
    let nodes = Nodes::start(cluster, database, 1).await;
    let took = Instant::now();
    let is_complete = "select 1 from instance done, instance last where done.name = 'search_segment' \
                       and last.name = 'next_account' and done.number >= last.number / 4096";
    while cluster.run(database, is_complete).trim() != "1" {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("     PostgreSQL: the index was written in {:.0} s", took.elapsed().as_secs_f64());
    cluster.run(database, "vacuum analyze");
    cluster.run(database, "checkpoint");
    let (measured, slowest) = search::searches(nodes.first(), SEED, &TEXTS).await;
    Figure {
        name: "PostgreSQL: search in 1,000,000 accounts",
        measured,
        limit: "100 ms".to_owned(),
        holds: slowest <= 100.0,
    }
}
