//! Where examinations are asked for while the program serves: one at a time, with its report as far as it has come.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Examination, Surroundings};
use crate::model::doctor::DoctorReport;
use crate::workspace::WorkspaceConfig;

/// The latest examination.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What it has found so far; `None` before the first one.
    pub report: Option<DoctorReport>,
    /// Whether it still goes on.
    pub running: bool,
}

/// Takes wishes for examinations. Clones share it.
#[derive(Clone)]
pub struct Desk {
    workspace: WorkspaceConfig,
    surroundings: Surroundings,
    view: Arc<watch::Sender<View>>,
    /// Held while it is decided whether one more begins.
    beginning: Arc<Mutex<()>>,
}

impl Desk {
    /// A desk for one workspace, at which nothing was asked for yet.
    pub fn new(workspace: WorkspaceConfig, surroundings: Surroundings) -> Self {
        let view = Arc::new(watch::Sender::new(View::default()));
        Self { workspace, surroundings, view, beginning: Arc::default() }
    }

    /// The same desk with other surroundings.
    #[must_use]
    pub fn in_surroundings(self, surroundings: Surroundings) -> Self {
        Self { surroundings, ..self }
    }

    /// The latest examination as far as it has come.
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Begins an examination in the background; `false` when one goes on already. `streams` and `writes` are what whoever asks
    /// is allowed and wishes.
    pub fn begin(&self, streams: bool, writes: bool) -> bool {
        let _one_at_a_time = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.view.borrow().running {
            return false;
        }
        self.view.send_replace(View { report: None, running: true });
        let workspace = Some(self.workspace.clone());
        let examination = Examination { streams, writes, ..Examination::of(workspace, self.surroundings.clone()) };
        let view = Ending(self.view.clone());
        tokio::spawn(async move {
            let show = |report: &DoctorReport| {
                view.0.send_replace(View { report: Some(report.clone()), running: true });
            };
            examination.make(show).await;
        });
        true
    }

    /// Begins one, unless one goes on, and waits for its report.
    pub async fn examine(&self, streams: bool, writes: bool) -> Option<DoctorReport> {
        let mut views = self.view.subscribe();
        self.begin(streams, writes);
        // The sender is this desk's own, so it does not go away.
        let ended = views.wait_for(|view| !view.running).await.ok()?;
        ended.report.clone()
    }
}

/// However an examination ends, it does not seem to go on.
struct Ending(Arc<watch::Sender<View>>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_modify(|view| view.running = false);
    }
}
