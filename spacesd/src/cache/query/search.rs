//! Full-text search over the cached messages.

use rusqlite::types::Value;
use rusqlite::{Connection, ToSql, params_from_iter};
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
    let mut conditions = vec!["NOT m.deleted", "m.channel_id NOT IN doomed"];
    let mut values: Vec<Value> = vec![expression.to_owned().into(), MATCHES_CONSIDERED.into()];
    if let Some(channel) = query.channel_id {
        conditions.push("m.channel_id = ?");
        values.push(id(channel).into());
    }
    if let Some(author) = &query.author {
        let Some(author) = known_user_ref(db, author)? else {
            return Ok(Vec::new());
        };
        conditions.push("m.author = ?");
        values.push(author.into());
    }
    if let Some(kind) = query.kind {
        conditions.push("m.kind = ?");
        values.push((kind as i64).into());
    }
    for (text, condition) in [(&query.repo, "m.repo = ?"), (&query.branch, "m.branch = ?")] {
        if let Some(text) = text {
            let Some(word) = known_word_ref(db, text)? else {
                return Ok(Vec::new());
            };
            conditions.push(condition);
            values.push(word.into());
        }
    }
    if let Some(since) = query.since {
        conditions.push("m.created_at >= ?");
        values.push(since.as_micros().into());
    }
    values.push(i64::from(query.limit).into());
    let found: Vec<i64> = db
        .prepare_cached(&format!(
            "SELECT m.id FROM
               (SELECT rowid FROM message_text WHERE message_text MATCH ? ORDER BY rowid DESC LIMIT ?) t
               CROSS JOIN message m ON m.id = t.rowid
             WHERE {} ORDER BY m.id DESC LIMIT ?",
            conditions.join(" AND ")
        ))?
        .query_map(params_from_iter(&values), |row| row.get(0))?
        .collect::<Result<_, _>>()?;

    let mut hits = Vec::with_capacity(found.len());
    for message_id in found {
        let snippet: String = db
            .prepare_cached(
                "SELECT snippet(message_text, 0, '[', ']', '…', 24) FROM message_text
                 WHERE message_text MATCH ?1 AND rowid = ?2",
            )?
            .query_row([&expression as &dyn ToSql, &message_id], |row| row.get(0))?;
        if let Some(message) = super::message::by_id(db, message_id.cast_unsigned())? {
            hits.push(SearchHit { message, snippet });
        }
    }
    Ok(hits)
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
