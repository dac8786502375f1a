//! What a workspace itself says that Zerobus took, beside what a comparison counted.

use serde::{Deserialize, Serialize};

use super::TableName;

/// The two counts of one comparison. Shapes only: whoever asks the workspace fills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The comparison's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Into which table.
    pub table: TableName,
    /// The time that is asked for, ISO 8601 in UTC: the runs through Zerobus, and some minutes after them.
    pub from: String,
    /// Its end.
    pub to: String,
    /// The runs through Zerobus, by their writer's label.
    pub writers: Vec<String>,
    /// Records that they counted as durable.
    pub durable: u64,
    /// Records that were sent and never answered: they may have been taken.
    pub in_doubt: u64,
    /// What the workspace's system tables say; `None` when they could not be read.
    pub service: Option<ServiceCounts>,
    /// Why they could not be read, and what to do, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The statement that was asked, with its values, to be pasted into an editor.
    pub statement: String,
}

/// What the system tables say of the table in that time, whoever wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCounts {
    /// Records that were committed to the table.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Commits.
    pub commits: u64,
    /// Streams that committed.
    pub streams: u64,
    /// Events of streams that carried an error.
    pub stream_errors: u64,
}

impl Delivered {
    /// The verdict, in words.
    pub fn words(&self) -> String {
        let Some(service) = &self.service else {
            return "The workspace's own records could not be read, so nothing is confirmed and nothing is refuted."
                .to_owned();
        };
        let (ours, theirs) = (self.durable, service.records);
        let at_most = ours + self.in_doubt;
        if theirs == ours {
            return format!("Both say {ours}.");
        }
        if theirs > ours && theirs <= at_most {
            let more = theirs - ours;
            return format!("The workspace took {more} of the {} records that were in doubt.", self.in_doubt);
        }
        if theirs > at_most {
            let more = theirs - at_most;
            return format!(
                "The workspace says {more} more: others wrote to the table meanwhile, or records were sent twice."
            );
        }
        let fewer = ours - theirs;
        format!("The workspace says {fewer} fewer. Its records come some minutes late, up to hours: ask again later.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(durable: u64, in_doubt: u64, service: Option<u64>) -> String {
        let counts = |records| ServiceCounts { records, ..ServiceCounts::default() };
        let delivered = Delivered {
            id: String::new(),
            name: String::new(),
            table: TableName::parse("a.b.c").unwrap(),
            from: String::new(),
            to: String::new(),
            writers: Vec::new(),
            durable,
            in_doubt,
            service: service.map(counts),
            problem: None,
            statement: String::new(),
        };
        delivered.words()
    }

    #[test]
    fn each_relation_of_the_counts_has_its_words() {
        assert_eq!(said(7, 0, Some(7)), "Both say 7.");
        assert!(said(7, 3, Some(9)).contains("took 2 of the 3"));
        assert!(said(7, 3, Some(12)).contains("2 more"));
        assert!(said(7, 0, Some(5)).contains("2 fewer"));
        assert!(said(7, 0, None).contains("could not be read"));
    }
}
