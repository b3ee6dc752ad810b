//! Accounts in large numbers, made by the database.

use super::cluster::Cluster;

/// The address of an account.
pub fn email(n: usize) -> String {
    format!("user{n}@example.com")
}

/// Copies the only account and its session so many times. The index of the search is said to be complete,
/// so that its writing falls into no measurement.
pub fn fill(cluster: &Cluster, database: &str, count: usize) {
    let columns = |table: &str| {
        let list = cluster.run(
            database,
            &format!(
                "select string_agg(column_name, ',' order by ordinal_position) from information_schema.columns \
                 where table_name = '{table}' and table_schema = current_schema()"
            ),
        );
        list.trim().split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let id = "'01a22c26-2d42-7000-8000-' || lpad(to_hex(g), 12, '0')";
    let accounts = [
        ("id", id),
        ("number", "1000 + g"),
        ("handle", "decode(md5(g::text) || md5((-g)::text), 'hex')"),
        ("email", "'user' || g || '@example.com'"),
        ("email_key", "'user' || g || '@example.com'"),
        (
            "first_name",
            "('{Anna,Ben,Carla,David,Elif,Farid,Grace,Hugo,Ines,Jonas}'::text[])[g % 10 + 1]",
        ),
        (
            "last_name",
            "('{Smith,Li,Garcia,Okafor,Novak,Ivanov,Meyer,Rossi,Tanaka}'::text[])[g % 9 + 1]",
        ),
    ];
    let sessions = [
        ("id", "'01a22c26-2ddb-7000-8000-' || lpad(to_hex(g), 12, '0')"),
        ("account_id", id),
        ("page_hash", "null"),
    ];
    for (table, changes) in [("accounts", &accounts[..]), ("sessions", &sessions)] {
        let all = columns(table);
        let value = |column: &String| {
            let changed = changes.iter().find(|(name, _)| name == column);
            changed.map_or_else(|| format!("s.{column}"), |(_, value)| (*value).to_owned())
        };
        let values: Vec<String> = all.iter().map(value).collect();
        let (names, values) = (all.join(", "), values.join(", "));
        cluster.run(
            database,
            &format!(
                "insert into {table} ({names}) select {values} from (select * from {table} limit 1) s, \
                 generate_series(0, {count} - 1) g"
            ),
        );
    }
    cluster.run(
        database,
        &format!(
            "update instance set number = 1000 + {count} where name = 'next_account';
             insert into instance (name, number) values ('search_segment', (1000 + {count}) / 4096 + 1)
               on conflict (name) do update set number = excluded.number"
        ),
    );
    cluster.run(database, "vacuum analyze");
}
