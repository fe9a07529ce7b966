//! Servers.

use rusqlite::{Connection, Row};
use spaces_api::ServerRef;
use spaces_api::model::{Role, Server, Visibility};

use super::Resolved;
use super::resolve::nearest;
use crate::cache::names::{get_id, get_time, get_word, id};
use crate::cache::{Cache, CacheError};

impl Cache {
    /// Servers by name.
    pub fn servers(&self) -> Result<Vec<Server>, CacheError> {
        self.read(|db| select(db, "ORDER BY v.name COLLATE NOCASE, v.id", &[]))
    }

    /// What a reference stands for.
    pub fn resolve_server(&self, reference: &ServerRef) -> Result<Resolved<Server>, CacheError> {
        self.read(|db| {
            let found = match reference {
                ServerRef::Id(server_id) => select(db, "WHERE v.id = ?1", &[&id(*server_id)])?,
                ServerRef::Name(name) => {
                    select(db, "WHERE v.name = ?1 COLLATE NOCASE", &[&name.trim()])?
                }
            };
            if let Some(server) = found.into_iter().next() {
                return Ok(Resolved::One(server));
            }
            let ServerRef::Name(name) = reference else {
                return Ok(Resolved::Unknown(Vec::new()));
            };
            let known: Vec<String> = db
                .prepare_cached("SELECT name FROM server LIMIT 2000")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(Resolved::Unknown(nearest(
                name,
                known.into_iter().map(|name| (name.clone(), name)),
            )))
        })
    }
}

fn select(
    db: &Connection,
    tail: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<Server>> {
    db.prepare_cached(&format!(
        "SELECT v.id, v.name, v.description, v.icon_url, v.visibility, v.created_at,
           (SELECT count(*) FROM member b WHERE b.server_id = v.id),
           (SELECT b.role FROM member b WHERE b.server_id = v.id
              AND b.user = (SELECT value FROM meta WHERE key = 'me'))
         FROM server v {tail}"
    ))?
    .query_map(values, server)?
    .collect()
}

fn server(row: &Row<'_>) -> rusqlite::Result<Server> {
    let my_role: Option<i64> = row.get(7)?;
    Ok(Server {
        id: get_id(row, 0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        icon_url: row.get(3)?,
        visibility: get_word(row, 4, Visibility::ALL)?,
        created_at: get_time(row, 5)?,
        members: get_id(row, 6)?,
        my_role: match my_role {
            Some(_) => Some(get_word(row, 7, Role::ALL)?),
            None => None,
        },
    })
}
