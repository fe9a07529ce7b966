//! Writing a row of present state, and telling whether that changed anything.

use rusqlite::ToSql;

use super::Applier;

/// Writes a row and tells whether it differs from what was there in a column
/// that matters (`loud`); `quiet` columns are kept up to date without a word.
pub(super) struct Upsert {
    pub table: &'static str,
    pub key: &'static [&'static str],
    pub loud: &'static [&'static str],
    pub quiet: &'static [&'static str],
}

impl Upsert {
    /// `values` are key, loud and quiet columns, in that order.
    pub fn run(&self, applier: &Applier<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
        let columns = [self.key, self.loud, self.quiet].concat();
        let marks = vec!["?"; columns.len()].join(", ");
        let sets = assignments(&columns[self.key.len()..], |_, column| {
            format!("{column} = excluded.{column}")
        });
        let sql = format!(
            "INSERT INTO {table}({columns}) VALUES ({marks})
             ON CONFLICT({key}) DO UPDATE SET {sets}
             WHERE ({loud}) IS NOT ({excluded})",
            table = self.table,
            columns = columns.join(", "),
            key = self.key.join(", "),
            loud = self.loud.join(", "),
            excluded = assignments(self.loud, |_, column| format!("excluded.{column}")),
        );
        let changed = applier.db.prepare_cached(&sql)?.execute(values)? > 0;
        if !changed {
            self.keep_quiet_columns(applier, values)?;
        }
        Ok(changed)
    }

    /// As `run`, for a row that is known to exist.
    pub fn update(&self, applier: &Applier<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
        let keys = self.key.len();
        let sql = format!(
            "UPDATE {table} SET {sets} WHERE {key} AND ({loud}) IS NOT ({values})",
            table = self.table,
            sets = assignments(&[self.loud, self.quiet].concat(), |place, column| {
                format!("{column} = ?{}", keys + place + 1)
            }),
            key = self.key_condition(),
            loud = self.loud.join(", "),
            values = assignments(self.loud, |place, _| format!("?{}", keys + place + 1)),
        );
        let changed = applier.db.prepare_cached(&sql)?.execute(values)? > 0;
        if !changed {
            self.keep_quiet_columns(applier, values)?;
        }
        Ok(changed)
    }

    fn keep_quiet_columns(
        &self,
        applier: &Applier<'_>,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<()> {
        if self.quiet.is_empty() {
            return Ok(());
        }
        let keys = self.key.len();
        let sql = format!(
            "UPDATE {table} SET {sets} WHERE {key}",
            table = self.table,
            sets = assignments(self.quiet, |place, column| {
                format!("{column} = ?{}", keys + place + 1)
            }),
            key = self.key_condition(),
        );
        let quiet = &values[keys + self.loud.len()..];
        let values = [&values[..keys], quiet].concat();
        applier.db.prepare_cached(&sql)?.execute(&values[..])?;
        Ok(())
    }

    fn key_condition(&self) -> String {
        assignments(self.key, |place, column| {
            format!("{column} = ?{}", place + 1)
        })
    }
}

fn assignments(columns: &[&str], write: impl Fn(usize, &str) -> String) -> String {
    let written: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| write(place, column))
        .collect();
    written.join(", ")
}
