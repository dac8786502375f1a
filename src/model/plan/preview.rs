//! What follows from a plan that is being composed.

use serde::{Deserialize, Serialize};

/// What is shown beside a plan before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPreview {
    /// What would run, or what has to be corrected; a sentence.
    pub summary: String,
    /// The plan file; empty while there are errors.
    pub plan: String,
}
