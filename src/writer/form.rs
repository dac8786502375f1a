//! Writes of forms through the sessions that runs use: once, and never again by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::{BatchProgress, Progress, WriterError};

/// Tells a form's progress the first time that its rows were sent; with a fresh token they may be sent twice.
pub(super) struct FormProgress {
    form: Arc<dyn Progress>,
    sent: AtomicBool,
}

impl FormProgress {
    pub(super) fn hear(form: Arc<dyn Progress>) -> Arc<dyn BatchProgress> {
        Arc::new(Self { form, sent: AtomicBool::new(false) })
    }
}

impl BatchProgress for FormProgress {
    fn sent(&self, _: Instant) {
        if !self.sent.swap(true, Ordering::Relaxed) {
            self.form.sent();
        }
    }

    fn retried(&self, _: &WriterError) {}
}
