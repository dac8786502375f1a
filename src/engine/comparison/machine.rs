//! What a comparison ran on.

use crate::model::Machine;

/// This program on this machine.
pub(super) fn machine() -> Machine {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Machine {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        optimized: !cfg!(debug_assertions),
    }
}
