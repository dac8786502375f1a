//! Which writers there are for a workspace. One that is not configured stays in the list and says why.

use std::sync::Arc;

use super::{Writer, WriterError, copy_into, sql, zerobus, zerobus_rest};
use crate::model::{WriterCard, WriterKind, WriterState};
use crate::workspace::Workspace;

/// Why a writer cannot be used, and what to do about it.
#[derive(Clone, Debug)]
pub struct Unavailable {
    /// What is missing.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Unavailable {
    fn not_built_in(kind: WriterKind) -> Self {
        Self { reason: format!("{kind} is not built in"), remedy: "Choose another.".to_owned() }
    }

    /// A setting that is missing.
    pub(super) fn missing(setting: &str, purpose: &str) -> Self {
        Self {
            reason: format!("{setting} is not set; it {purpose}."),
            remedy: format!("Set {setting} and start again."),
        }
    }
}

impl From<&Unavailable> for WriterError {
    fn from(unavailable: &Unavailable) -> Self {
        Self::NotConfigured(unavailable.reason.clone())
    }
}

/// A writer, or why there is none.
type Built = Result<Arc<dyn Writer>, Unavailable>;

/// Makes the writer of one kind for a workspace, or says what is missing. Connects to nothing.
pub(super) trait WriterFactory {
    /// Which.
    fn kind(&self) -> WriterKind;
    /// The writer.
    fn build(&self, workspace: &Arc<Workspace>) -> Built;
}

const FACTORIES: [&(dyn WriterFactory + Sync); WriterKind::ALL.len()] =
    [&zerobus::Factory, &zerobus_rest::Factory, &sql::Factory, &copy_into::Factory];

/// Every writer for one workspace.
pub struct WriterRegistry {
    writers: Vec<(WriterKind, Built)>,
}

impl WriterRegistry {
    /// Asks every factory.
    pub fn new(workspace: &Arc<Workspace>) -> Self {
        Self { writers: FACTORIES.iter().map(|factory| (factory.kind(), factory.build(workspace))).collect() }
    }

    /// The writer of that kind for another workspace; nobody keeps it.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not configured.
    pub fn one(kind: WriterKind, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        let factory = FACTORIES.iter().find(|factory| factory.kind() == kind);
        factory.map_or_else(|| Err(Unavailable::not_built_in(kind)), |factory| factory.build(workspace))
    }

    /// The writer of that kind.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not configured.
    pub fn get(&self, kind: WriterKind) -> Built {
        match self.writers.iter().find(|(one, _)| *one == kind) {
            Some((_, built)) => built.clone(),
            None => Err(Unavailable::not_built_in(kind)),
        }
    }

    /// What the page shows of them.
    pub fn cards(&self) -> Vec<WriterCard> {
        let state = |built: &Built| match built {
            Ok(_) => WriterState::Ready,
            Err(Unavailable { reason, remedy }) => {
                WriterState::Unavailable { reason: reason.clone(), remedy: remedy.clone() }
            }
        };
        self.writers.iter().map(|(kind, built)| WriterCard { kind: *kind, state: state(built) }).collect()
    }

    /// Waits for what is under way and closes what is open.
    pub async fn close(&self) {
        futures::future::join_all(
            self.writers.iter().filter_map(|(_, built)| built.as_ref().ok()).map(|one| one.close()),
        )
        .await;
    }
}
