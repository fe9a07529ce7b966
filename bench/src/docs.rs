//! The measured figures in the documentation: what is between two marks is
//! replaced by what the files of the last run hold.

use std::fs;
use std::path::{Path, PathBuf};

use crate::growth;
use crate::picture;
use crate::report::{self, Results, number, verdict};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Files that show the table, below the root of the repository.
const SHOW_THE_TABLE: [&str; 2] = ["README.md", "docs/performance.md"];

const PICTURE: &str = "docs/growth.svg";

/// Writes table and picture into the documentation; what could not be done, in
/// words.
pub fn render() -> Result<(), Vec<String>> {
    let mut failed = Vec::new();
    match results() {
        Ok(results) => {
            let table = table(&results);
            for file in SHOW_THE_TABLE {
                if let Err(error) = replace(&root().join(file), &table) {
                    failed.push(format!("{file}: {error}"));
                }
            }
        }
        Err(error) => failed.push(format!(
            "bench/results.json: {error}; run `make bench` first"
        )),
    }
    match growth::read() {
        Ok(growth) => {
            if let Err(error) = picture::draw(&growth, &root().join(PICTURE)) {
                failed.push(format!("{PICTURE}: {error}"));
            }
        }
        Err(error) => failed.push(format!(
            "bench/growth.json: {error}; run `make scale` first"
        )),
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed)
    }
}

/// The table in Markdown, with what it was measured on.
fn table(results: &Results) -> String {
    let mut text = format!(
        "Measured on {}: {}.\n\n| measure | p50 | reference in the same run | p50 | ratio | goal | met |\n|---|--:|---|--:|--:|--:|---|\n",
        results.date,
        results.machine.in_words()
    );
    for row in &results.rows {
        text += &format!(
            "| {} | {} | {} | {} | {:.2} x | {} | {} |\n",
            row.name,
            number(row.value, &row.unit),
            row.reference,
            number(row.reference_value, &row.unit),
            row.ratio,
            row.goal.as_deref().unwrap_or("-"),
            match row.met {
                Some(_) => verdict(row.met),
                None => "-",
            },
        );
    }
    text
}

fn results() -> std::io::Result<Results> {
    let text = fs::read_to_string(report::directory().join("results.json"))?;
    serde_json::from_str(&text).map_err(std::io::Error::other)
}

fn replace(file: &Path, table: &str) -> std::io::Result<()> {
    let text = fs::read_to_string(file)?;
    let new = between_marks(&text, table)
        .ok_or_else(|| std::io::Error::other(format!("no `{BEGIN}` followed by `{END}` in it")))?;
    fs::write(file, new)
}

fn between_marks(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn root() -> PathBuf {
    report::directory().join("..")
}

#[cfg(test)]
mod tests {
    use super::between_marks;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "# Page\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nrest\n";
        let new = between_marks(page, "| new |\n").unwrap();
        assert_eq!(
            new,
            "# Page\n<!-- bench:begin -->\n| new |\n<!-- bench:end -->\nrest\n"
        );
        assert_eq!(between_marks(&new, "| new |\n"), Some(new.clone()));
        assert_eq!(between_marks("no marks", "| new |\n"), None);
    }
}
