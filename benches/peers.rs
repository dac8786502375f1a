//! What is compared with.

pub mod bare_loop;
pub mod delta_append;
pub mod null_server;
