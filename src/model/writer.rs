//! Ways into a table, as the page and the API name them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One way into a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriterKind {
    /// Zerobus Ingest over gRPC, by the official SDK.
    Zerobus,
    /// Zerobus Ingest over HTTP, one request for each batch.
    ZerobusRest,
    /// SQL inserts through a warehouse, by the Statement Execution API.
    Sql,
    /// Files into a volume, then `COPY INTO` through a warehouse.
    CopyInto,
}

impl WriterKind {
    /// Every writer, in the order they are listed.
    pub const ALL: [Self; 4] = [Self::Zerobus, Self::ZerobusRest, Self::Sql, Self::CopyInto];

    /// The name used in configuration, addresses and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zerobus => "zerobus",
            Self::ZerobusRest => "zerobus-rest",
            Self::Sql => "sql",
            Self::CopyInto => "copy-into",
        }
    }

    /// Reads a name; `direct_delta` is what the original app called `sql`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "zerobus" => Some(Self::Zerobus),
            "zerobus-rest" => Some(Self::ZerobusRest),
            "sql" | "direct_delta" => Some(Self::Sql),
            "copy-into" => Some(Self::CopyInto),
            _ => None,
        }
    }

    /// The name people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Zerobus => "Zerobus",
            Self::ZerobusRest => "Zerobus REST",
            Self::Sql => "SQL warehouse",
            Self::CopyInto => "COPY INTO",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Zerobus => "Protobuf records over one long-lived gRPC stream, by the official Zerobus SDK.",
            Self::ZerobusRest => "JSON records in one HTTP request for each batch, to the REST door of Zerobus Ingest.",
            Self::Sql => "INSERT statements through a SQL warehouse: one row each or many, in four modes.",
            Self::CopyInto => "One file for each batch in a volume, loaded by COPY INTO through a SQL warehouse.",
        }
    }

    /// What it promises about delivery.
    pub fn promise(self) -> &'static str {
        match self {
            Self::Zerobus => {
                "At least once, in order on its stream. Durable when acknowledged; visible to queries a little later."
            }
            Self::ZerobusRest => {
                "At least once: a request is taken whole or not at all. Durable when answered; visible a little later."
            }
            Self::Sql => "Each statement commits whole or not at all. Durable and visible at the same moment.",
            Self::CopyInto => {
                "Each file is loaded whole, and once even when the statement is repeated. Durable and visible when it has succeeded."
            }
        }
    }
}

impl fmt::Display for WriterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a writer can be used, and if not, why not and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WriterState {
    /// Configured; whether the workspace answers is what a probe finds out.
    Ready,
    /// Not configured.
    Unavailable {
        /// What is missing.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// What the page shows of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterCard {
    /// Which.
    pub kind: WriterKind,
    /// Whether it can be used.
    #[serde(flatten)]
    pub state: WriterState,
}

/// Which workspace this is; never hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceBadge {
    /// `Local lakehouse`, or the host of a Databricks workspace.
    pub name: String,
    /// Whether it is the embedded lakehouse.
    pub local: bool,
    /// Its address.
    pub url: String,
    /// The client id that everything is done as; empty when none is configured.
    pub principal: String,
}
