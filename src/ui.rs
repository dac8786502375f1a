//! The components of the page. Knows [`crate::model`] and the server functions of [`crate::api`], nothing of the server.

pub mod workbench;
