//! What was perhaps meant by a misspelt word.

/// Words this far apart, in edits, are no longer taken for a slip of the hand.
const MOST_EDITS: usize = 3;

/// The known word that is closest to a misspelt one, if any is close enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let edits = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            (edits, candidate)
        })
        .filter(|(edits, candidate)| *edits <= MOST_EDITS && *edits < candidate.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_slip_and_leaves_a_stranger() {
        let known = ["channel", "content", "kind"];
        assert_eq!(nearest("chanel", known), Some("channel"));
        assert_eq!(nearest("Contnet", known), Some("content"));
        assert_eq!(nearest("zebra", known), None);
    }
}
