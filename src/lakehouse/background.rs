//! Work that may wait, in a thread of its own that leaves the processors to whoever acknowledges rows.
//!
//! Encoding Parquet costs more than making rows durable. When clients keep all processors busy, rows then become visible a
//! little later, and durable as soon as before; the bounds of the log say how much later.

use std::io;

use thread_priority::ThreadPriority;
use tokio::sync::oneshot;

/// Of 0 to 99. Niceness 10 on Linux: a tenth of the share of a thread that does not yield (sched(7), each step of niceness is a
/// factor of about 1.25).
const PRIORITY: u8 = 22;

/// Runs blocking work in the background and returns what it did.
///
/// # Errors
/// No thread could be started, or the work panicked.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().name("lakehouse-commit".to_owned()).spawn(move || {
        yield_to_others();
        // Whoever asked may have gone away.
        let _ = done.send(work());
    })?;
    result.await.map_err(|_panicked| io::Error::other("the thread ended before its work was done"))
}

fn yield_to_others() {
    let priority = PRIORITY.try_into().map(ThreadPriority::Crossplatform);
    let set = priority
        .and_then(|priority| thread_priority::set_current_thread_priority(priority).map_err(|error| error.to_string()));
    if let Err(error) = set {
        tracing::debug!(error, "a background thread does not yield to others");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_elsewhere_and_a_panic_is_an_error() {
        let here = std::thread::current().id();
        assert_ne!(run(move || std::thread::current().id()).await.expect("done"), here);
        assert!(run(|| panic!("as planned")).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_that_thread_yields() {
        // The 19th field of proc_pid_stat(5); the second is a name in brackets.
        let niceness = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("readable");
            stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(16)?.parse::<i32>().ok())
        };
        let before = niceness();
        let there = run(niceness).await.expect("done");
        assert!(there == Some(10) || before >= Some(10), "{there:?}");
        assert_eq!(niceness(), before);
    }
}
