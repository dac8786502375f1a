//! Whether a principal may write to a table through Zerobus, which is asked when a token is made out and when a stream
//! or a request comes with it.

use super::Grants;
use super::securable::Securable;
use super::state;
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::oidc::TokenInfo;
use crate::model::TableName;

/// The service's code for everything about grants.
const CODE: &str = "Error Code: 4024, Error State: 1.";

impl Grants {
    /// Checks that a token is for that table and that its principal may still write there.
    ///
    /// # Errors
    /// [`LakehouseError::Denied`] in the service's text format, [`LakehouseError::NotFound`].
    pub fn check_zerobus(&self, token: &TokenInfo, table: &TableName) -> Result<(), LakehouseError> {
        match &token.table {
            Some(bound) if bound == table => self.check_zerobus_grants(&token.client_id, table),
            Some(bound) => Err(LakehouseError::Denied(format!(
                "The token was issued for table '{bound}', not for '{table}'. Ask for one for each table. {CODE}"
            ))),
            None => Err(LakehouseError::Denied(format!(
                "The token was issued without authorization_details, so it is not for table '{table}'. Ask for one with \
                 USE CATALOG, USE SCHEMA and SELECT, MODIFY on the table in authorization_details. {CODE}"
            ))),
        }
    }

    /// Checks that a principal has USE CATALOG and USE SCHEMA, and SELECT and MODIFY by name on the table itself.
    ///
    /// # Errors
    /// As [`Grants::check_zerobus`].
    pub fn check_zerobus_grants(&self, who: &str, table: &TableName) -> Result<(), LakehouseError> {
        let table = Securable::Table(table.clone());
        let missing = self.state().missing_for_zerobus(who, &table);
        self.judge(&table, &missing, |missing| {
            format!(
                "{} Zerobus counts SELECT and MODIFY only where they are granted on the table itself, not by ALL \
                 PRIVILEGES or from its schema or catalog. {CODE}",
                state::describe(missing, who)
            )
        })
    }
}
