//! What went wrong, by class: the first message of each, how often, and for bad records which rules they broke.

use crate::model::{ErrorCount, FieldError};

/// Classes that are told apart.
const MOST_CLASSES: usize = 32;

/// Broken rules that are listed of a class.
const MOST_DETAILS: usize = 100;

/// The class of everything behind the last that is told apart.
const OTHER: &str = "other";

/// Errors of a run.
#[derive(Default)]
pub(super) struct Errors {
    classes: Vec<ErrorCount>,
}

impl Errors {
    /// Adds `count` errors of a class.
    pub(super) fn add(&mut self, class: &str, message: &str, count: u64, retryable: bool, details: &[FieldError]) {
        let known = |classes: &[ErrorCount], class: &str| classes.iter().position(|known| known.class == class);
        let full = self.classes.len() + 1 >= MOST_CLASSES;
        let class = if full && known(&self.classes, class).is_none() { OTHER } else { class };
        let index = known(&self.classes, class).unwrap_or_else(|| {
            self.classes.push(ErrorCount {
                class: class.to_owned(),
                message: message.to_owned(),
                count: 0,
                retryable,
                details: Vec::new(),
            });
            self.classes.len() - 1
        });
        let error = &mut self.classes[index];
        error.count += count;
        let room = MOST_DETAILS.saturating_sub(error.details.len());
        error.details.extend(details.iter().take(room).cloned());
    }

    /// Whether more details of a class are of use.
    pub(super) fn wants_details(&self, class: &str) -> bool {
        self.classes.iter().find(|known| known.class == class).is_none_or(|known| known.details.len() < MOST_DETAILS)
    }

    /// Most frequent first.
    pub(super) fn counts(&self) -> Vec<ErrorCount> {
        let mut counts = self.classes.clone();
        counts.sort_by_key(|error| std::cmp::Reverse(error.count));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_details_are_bounded_and_no_error_is_lost() {
        let mut errors = Errors::default();
        for number in 0..1000 {
            let detail = FieldError::new("a", "type", "must be a number", None);
            errors.add(
                &format!("class {}", number % 50),
                &format!("message {number}"),
                1,
                true,
                &[detail.clone(), detail],
            );
        }
        errors.add("class 0", "again", 500, true, &[]);
        let counts = errors.counts();
        assert_eq!(counts.len(), MOST_CLASSES);
        assert_eq!(counts.iter().map(|error| error.count).sum::<u64>(), 1500);
        assert_eq!(
            (counts[0].class.as_str(), counts[0].message.as_str(), counts[0].count),
            ("class 0", "message 0", 520)
        );
        assert_eq!((counts[1].class.as_str(), counts[1].details.len()), (OTHER, MOST_DETAILS));
        assert!(!errors.wants_details(OTHER) && errors.wants_details("class 0") && errors.wants_details("new"));
    }
}
