//! From what people call a thing to the thing.

use strsim::normalized_damerau_levenshtein;

/// Names that are offered where a name is unknown.
const SUGGESTIONS: usize = 5;

/// What a name or id stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved<T> {
    /// Exactly one thing.
    One(T),
    /// More than one; each is given in a form that is not ambiguous.
    Ambiguous(Vec<String>),
    /// None; the nearest names, best first, if any is near.
    Unknown(Vec<String>),
}

impl<T> Resolved<T> {
    /// The one thing, if it is one.
    pub fn one(self) -> Option<T> {
        match self {
            Self::One(thing) => Some(thing),
            Self::Ambiguous(_) | Self::Unknown(_) => None,
        }
    }

    /// Changes the thing and keeps everything else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Resolved<U> {
        match self {
            Self::One(thing) => Resolved::One(change(thing)),
            Self::Ambiguous(names) => Resolved::Ambiguous(names),
            Self::Unknown(names) => Resolved::Unknown(names),
        }
    }
}

/// The names most like `wanted`, best first. `name` of a pair is compared, the
/// other is what is offered.
pub(super) fn nearest(
    wanted: &str,
    known: impl IntoIterator<Item = (String, String)>,
) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(f64, String)> = known
        .into_iter()
        .filter_map(|(name, offered)| {
            let name = name.to_lowercase();
            let mut likeness = normalized_damerau_levenshtein(&wanted, &name);
            if !wanted.is_empty() && (name.contains(&wanted) || wanted.contains(&name)) {
                likeness = likeness.max(0.6);
            }
            (likeness >= 0.5).then_some((likeness, offered))
        })
        .collect();
    near.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
    near.truncate(SUGGESTIONS);
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn offers_what_was_perhaps_meant_and_nothing_else() {
        let known = ["general", "agent-logs", "announcements"]
            .map(|name| (name.to_owned(), format!("#{name}")));
        assert_eq!(nearest("genral", known.clone()), ["#general"]);
        assert_eq!(nearest("logs", known.clone()), ["#agent-logs"]);
        assert!(nearest("zzzzzz", known).is_empty());
    }
}
