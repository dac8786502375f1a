//! Zerobus Ingest over HTTP: a JSON array of records in each request.

use std::sync::Arc;

use super::Writer;
use super::registry::{Unavailable, WriterFactory};
use crate::model::WriterKind;
use crate::workspace::Workspace;

/// Says that this writer is missing.
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::ZerobusRest
    }

    fn build(&self, _: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        let reason = "This writer is not in this build yet.".to_owned();
        Err(Unavailable { reason, remedy: "Choose another.".to_owned() })
    }
}
