//! Full-text search over the cached messages.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use spaces_api::Timestamp;
use spaces_api::model::{MessageKind, SearchHit};

use crate::cache::names::{id, known_user_ref, known_word_ref};
use crate::cache::{Cache, CacheError};
use crate::row::Identity;

/// Matches that are looked at, newest first, before the other filters: bounds
/// the cost of a common word with a rare filter.
const MATCHES_CONSIDERED: i64 = 20_000;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchQuery {
    /// Words (all must occur), `"a phrase"`, or `prefix*`.
    pub text: String,
    pub channel_id: Option<u64>,
    pub author: Option<Identity>,
    pub kind: Option<MessageKind>,
    pub repo: Option<String>,
    pub branch: Option<String>,
    pub since: Option<Timestamp>,
    pub limit: u32,
}

impl Cache {
    /// Hits, newest first. Text without a word in it has no hits.
    pub fn search(&self, query: &SearchQuery) -> Result<Vec<SearchHit>, CacheError> {
        match match_expression(&query.text) {
            Some(expression) => self.read(|db| search(db, query, &expression)),
            None => Ok(Vec::new()),
        }
    }
}

fn search(
    db: &Connection,
    query: &SearchQuery,
    expression: &str,
) -> rusqlite::Result<Vec<SearchHit>> {
    let Some(filter) = Filter::of(db, query)? else {
        return Ok(Vec::new());
    };
    let mut found: Vec<i64> = Vec::new();
    // Walks from the newest match back and stops as soon as there are enough.
    let mut matches = db.prepare_cached(
        "SELECT rowid FROM message_text WHERE message_text MATCH ?1
         ORDER BY rowid DESC LIMIT ?2",
    )?;
    let mut matches = matches.query(params![expression, MATCHES_CONSIDERED])?;
    while found.len() < query.limit as usize
        && let Some(matching) = matches.next()?
    {
        let message_id: i64 = matching.get(0)?;
        if filter.admits(db, message_id)? {
            found.push(message_id);
        }
    }
    let mut hits = Vec::with_capacity(found.len());
    for message_id in found {
        let snippet: String = db
            .prepare_cached(
                "SELECT snippet(message_text, 0, '[', ']', '…', 24) FROM message_text
                 WHERE message_text MATCH ?1 AND rowid = ?2",
            )?
            .query_row(params![expression, message_id], |row| row.get(0))?;
        if let Some(message) = super::message::by_id(db, message_id.cast_unsigned())? {
            hits.push(SearchHit { message, snippet });
        }
    }
    Ok(hits)
}

/// The query's conditions beside the text, with names as numbers.
struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    /// None where a name was never seen, so that nothing can match.
    fn of(db: &Connection, query: &SearchQuery) -> rusqlite::Result<Option<Self>> {
        let mut conditions = vec!["id = ?", "NOT deleted", "channel_id NOT IN doomed"];
        let mut values: Vec<Value> = Vec::new();
        if let Some(channel) = query.channel_id {
            conditions.push("channel_id = ?");
            values.push(id(channel).into());
        }
        if let Some(author) = &query.author {
            let Some(author) = known_user_ref(db, author)? else {
                return Ok(None);
            };
            conditions.push("author = ?");
            values.push(author.into());
        }
        if let Some(kind) = query.kind {
            conditions.push("kind = ?");
            values.push((kind as i64).into());
        }
        for (text, condition) in [(&query.repo, "repo = ?"), (&query.branch, "branch = ?")] {
            if let Some(text) = text {
                let Some(word) = known_word_ref(db, text)? else {
                    return Ok(None);
                };
                conditions.push(condition);
                values.push(word.into());
            }
        }
        if let Some(since) = query.since {
            conditions.push("created_at >= ?");
            values.push(since.as_micros().into());
        }
        Ok(Some(Self {
            sql: format!(
                "SELECT EXISTS(SELECT 1 FROM message WHERE {})",
                conditions.join(" AND ")
            ),
            values,
        }))
    }

    fn admits(&self, db: &Connection, message_id: i64) -> rusqlite::Result<bool> {
        let message_id = Value::from(message_id);
        let values = std::iter::once(&message_id).chain(&self.values);
        db.prepare_cached(&self.sql)?
            .query_row(params_from_iter(values), |row| row.get(0))
    }
}

/// People's text as an expression that the search engine cannot misread: each
/// word or phrase quoted, joined by an implicit "and". None when there is no
/// word in it.
fn match_expression(text: &str) -> Option<String> {
    let mut terms = Vec::new();
    for (place, part) in text.split('"').enumerate() {
        // What stands between two quotation marks is a phrase.
        if place % 2 == 1 {
            push_term(&mut terms, part, false);
        } else {
            for word in part.split_whitespace() {
                let stem = word.trim_end_matches('*');
                push_term(&mut terms, stem, stem.len() < word.len());
            }
        }
    }
    (!terms.is_empty()).then(|| terms.join(" "))
}

fn push_term(terms: &mut Vec<String>, text: &str, prefix: bool) {
    // A term of punctuation alone has no tokens and would match nothing.
    if text.chars().any(char::is_alphanumeric) {
        let star = if prefix { "*" } else { "" };
        // SQLite ends a text at a NUL; it is no part of a word either.
        terms.push(format!("\"{}\"{star}", text.replace('\0', " ")));
    }
}

#[cfg(test)]
mod tests {
    use super::match_expression;

    #[test]
    fn quotes_everything_that_people_may_type() {
        let cases = [
            ("deploy failed", Some(r#""deploy" "failed""#)),
            (r#""rate limit" retry"#, Some(r#""rate limit" "retry""#)),
            ("migrat*", Some(r#""migrat"*"#)),
            ("a OR b NOT (c", Some(r#""a" "OR" "b" "NOT" "(c""#)),
            (r#"an open "quote"#, Some(r#""an" "open" "quote""#)),
            ("content:secret", Some(r#""content:secret""#)),
            ("  - * ^ ", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(match_expression(text).as_deref(), expected, "{text}");
        }
    }
}
