//! A list with one chosen item.

/// Items of which one is chosen, as long as there are any.
#[derive(Clone, Debug)]
pub struct Chooser<T> {
    items: Vec<T>,
    at: usize,
}

impl<T> Default for Chooser<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            at: 0,
        }
    }
}

impl<T> Chooser<T> {
    /// With the first item chosen.
    pub fn new(items: Vec<T>) -> Self {
        Self { items, at: 0 }
    }

    /// The items.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The place of the chosen item; none while there are no items.
    pub fn at(&self) -> Option<usize> {
        (self.at < self.items.len()).then_some(self.at)
    }

    /// The chosen item.
    pub fn chosen(&self) -> Option<&T> {
        self.items.get(self.at)
    }

    /// Puts other items in, and keeps the chosen one chosen if it is among them.
    pub fn replace(&mut self, items: Vec<T>, same: impl Fn(&T, &T) -> bool) {
        let at = self
            .chosen()
            .and_then(|chosen| items.iter().position(|item| same(item, chosen)));
        self.at = at.unwrap_or_else(|| self.at.min(items.len().saturating_sub(1)));
        self.items = items;
    }

    /// Chooses the first item of which this is true.
    pub fn choose(&mut self, wanted: impl Fn(&T) -> bool) {
        if let Some(at) = self.items.iter().position(wanted) {
            self.at = at;
        }
    }

    /// Moves the choice, at most to either end.
    pub fn step(&mut self, by: isize) {
        let last = self.items.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::Chooser;

    #[test]
    fn the_choice_stays_on_its_item_when_the_list_changes() {
        let mut chooser = Chooser::new(vec!["a", "b", "c"]);
        chooser.step(1);
        chooser.replace(vec!["x", "y", "b"], |one, other| one == other);
        assert_eq!(chooser.chosen(), Some(&"b"));
        chooser.replace(vec!["x"], |one, other| one == other);
        assert_eq!(chooser.chosen(), Some(&"x"));
        chooser.replace(vec![], |one, other| one == other);
        assert_eq!((chooser.chosen(), chooser.at()), (None, None));
        chooser.step(-1);
        chooser.step(3);
        assert_eq!(chooser.at(), None);
    }

    #[test]
    fn steps_end_at_the_ends() {
        let mut chooser = Chooser::new(vec![1, 2, 3]);
        chooser.step(-5);
        assert_eq!(chooser.at(), Some(0));
        chooser.step(isize::MAX);
        assert_eq!(chooser.at(), Some(2));
        chooser.choose(|item| *item == 2);
        assert_eq!(chooser.chosen(), Some(&2));
    }
}
