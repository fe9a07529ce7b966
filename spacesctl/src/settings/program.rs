//! How our program is called from the settings of others.

use anyhow::{Context, Result};

use super::Scope;

/// The program: by its path in a user's own settings (agent tools started from
/// a desktop have a short PATH), by name in a project's, which may be shared
/// with people who have it elsewhere or not at all.
///
/// # Errors
/// The path of this program can't be told.
pub fn program(scope: Scope) -> Result<String> {
    match scope {
        Scope::Project => Ok("spacesctl".to_owned()),
        Scope::User => {
            let path = std::env::current_exe().context("cannot tell where spacesctl is")?;
            let path = path
                .to_str()
                .context("the path of spacesctl is not UTF-8")?;
            Ok(path.to_owned())
        }
    }
}

/// As one word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_with_spaces_stays_one_word() {
        assert_eq!(quoted("/a/b"), "/a/b");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
