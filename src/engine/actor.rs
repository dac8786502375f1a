//! In whose name something is done.
//!
//! Where the operator asks for it, the SQL statements of a person's submissions and runs - INSERT, COPY INTO, and the SELECTs that look
//! for their rows - run with that person's own token; a run through Zerobus, the catalog and the files stay the app's. The token lives as
//! long as what was begun with it and is kept nowhere; when it is missing nothing is done in the app's name instead.

use std::sync::Arc;

use super::Engine;
use crate::model::{EdgeError, WriterKind};
use crate::workspace::{OnBehalf, Workspace};
use crate::writer::{Writer, WriterRegistry};

/// A writer, and the workspace that is asked for its rows.
pub(super) type Acting = (Arc<dyn Writer>, Arc<Workspace>);

/// Who asks for something.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// To show and to keep: an e-mail, or empty.
    pub name: String,
    /// Whose SQL statements these are.
    pub sql: SqlPrincipal,
}

/// Whose SQL statements these are.
#[derive(Clone, Debug, Default)]
pub enum SqlPrincipal {
    /// The app's.
    #[default]
    App,
    /// A person's.
    Person(OnBehalf),
    /// A person's, who sent no token.
    Missing,
}

impl From<&str> for Actor {
    /// Somebody for whom the app's principal acts.
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), sql: SqlPrincipal::App }
    }
}

impl Actor {
    /// Who the SQL statements run as, when that is not the app.
    pub fn sql_name(&self) -> &str {
        if let SqlPrincipal::Person(person) = &self.sql { person.name() } else { "" }
    }
}

/// Whether a writer's rows go by SQL statements.
pub(super) fn writes_by_sql(kind: WriterKind) -> bool {
    matches!(kind, WriterKind::Sql | WriterKind::CopyInto)
}

impl Engine {
    /// The workspace whose SQL statements run in the name of `actor`.
    ///
    /// # Errors
    /// `USER_TOKEN_REQUIRED`.
    pub(super) fn workspace_of(&self, actor: &Actor) -> Result<Arc<Workspace>, EdgeError> {
        match &actor.sql {
            SqlPrincipal::App => Ok(self.workspace.clone()),
            SqlPrincipal::Person(person) => Ok(Arc::new(self.workspace.on_behalf_of(person.clone()))),
            SqlPrincipal::Missing => {
                let message = "SQL statements run with your own token here (DIRECT_WRITE_ON_BEHALF_OF=sql), and none came with this request. \
                               Nothing was written. Ask whoever deploys this app to switch on user authorization with the scope \
                               sql, then sign in again and consent; or choose a writer that does not use SQL.";
                Err(EdgeError::new("USER_TOKEN_REQUIRED", message))
            }
        }
    }

    /// What writes in the name of `actor`.
    ///
    /// # Errors
    /// `NOT_CONFIGURED`, `USER_TOKEN_REQUIRED`.
    pub(super) fn acting(&self, actor: &Actor, kind: WriterKind) -> Result<Acting, EdgeError> {
        // First: what is not configured helps nobody.
        let writer = self.writer(kind)?;
        if !writes_by_sql(kind) {
            return Ok((writer, self.workspace.clone()));
        }
        let workspace = self.workspace_of(actor)?;
        if matches!(actor.sql, SqlPrincipal::App) {
            return Ok((writer, workspace));
        }
        let writer = WriterRegistry::one(kind, &workspace);
        let writer = writer.map_err(|unavailable| EdgeError::new("NOT_CONFIGURED", unavailable.reason))?;
        Ok((writer, workspace))
    }
}
