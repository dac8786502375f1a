//! How often one caller may ask: a bucket of requests for each, which fills again over a minute.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::refusal::refuse_until;
use super::statics::is_static;
use crate::api::caller::Caller;
use crate::model::EdgeError;

/// Callers that are remembered; beyond that, those who have not asked for longest are forgotten first.
const MOST_CALLERS: usize = 10_000;
const MINUTE: f64 = 60.0;

/// The buckets.
#[derive(Debug)]
pub(super) struct Rates {
    per_minute: NonZeroU32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// Requests left at a moment.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rates {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Counts a request; or in how many seconds there is room for it.
    fn take(&self, who: &str) -> Result<(), u64> {
        let now = Instant::now();
        let full = f64::from(self.per_minute.get());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_CALLERS && !buckets.contains_key(who) {
            // Whoever has not asked for a minute has a full bucket: forgetting it changes nothing.
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs_f64() < MINUTE);
            if buckets.len() >= MOST_CALLERS {
                let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(who, _)| who.clone());
                if let Some(oldest) = oldest {
                    buckets.remove(&oldest);
                }
            }
        }
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: full, at: now });
        let filled = now.duration_since(bucket.at).as_secs_f64() * full / MINUTE;
        *bucket = Bucket { left: (bucket.left + filled).min(full), at: now };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - bucket.left) * MINUTE / full).ceil();
        // Between one second and a minute.
        Err((seconds as u64).max(1))
    }
}

/// Refuses callers who ask too often. Health and the page's files are free.
pub(super) async fn limit(State(rates): State<Arc<Rates>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_static(path) || path.ends_with("/health") {
        return next.run(request).await;
    }
    match rates.take(&name_of(&request)) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let message = format!(
                "More than {} requests came from you within a minute. This one was not looked at and nothing was changed. Try again \
                 in {seconds} s.",
                rates.per_minute
            );
            refuse_until(path, EdgeError::new("RESOURCE_EXHAUSTED", message), seconds)
        }
    }
}

/// Who asks, as far as that is known: the platform's user, else the address.
fn name_of(request: &Request) -> String {
    if let Some(caller) = request.extensions().get::<Caller>().filter(|caller| !caller.name().is_empty()) {
        return caller.name().to_owned();
    }
    // Outside the platform the header was taken off.
    let forwarded = request.headers().get("x-real-ip").and_then(|value| value.to_str().ok());
    let peer = || request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
    forwarded.map(str::to_owned).or_else(peer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rates(per_minute: u32) -> Rates {
        Rates::new(NonZeroU32::new(per_minute).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_a_bucket_that_fills_over_a_minute() {
        let rates = rates(2);
        assert_eq!([rates.take("ann"), rates.take("ann"), rates.take("ann")], [Ok(()), Ok(()), Err(30)]);
        assert_eq!(rates.take("bob"), Ok(()), "another caller");
        tokio::time::advance(Duration::from_secs(29)).await;
        assert_eq!(rates.take("ann"), Err(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([rates.take("ann"), rates.take("ann")], [Ok(()), Err(30)]);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(
            [rates.take("ann"), rates.take("ann"), rates.take("ann")],
            [Ok(()), Ok(()), Err(30)],
            "no more than full"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_fill_the_memory() {
        let rates = rates(1);
        for caller in 0..MOST_CALLERS + 10 {
            assert_eq!(rates.take(&caller.to_string()), Ok(()));
        }
        assert_eq!(rates.buckets.lock().unwrap().len(), MOST_CALLERS);
    }
}
