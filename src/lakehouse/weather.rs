//! Bad weather on request: faults that a test, a chaos run or the page switches on, for a table or for all.
//!
//! Only a lakehouse started with `--weather` has any, and the admin routes below; otherwise [`Faults::none`] is what
//! everybody holds, and asking it costs a comparison.
//!
//! | route | does |
//! |---|---|
//! | `GET /weather` | what is in force |
//! | `PUT /weather/{table}` | puts a [`Forecast`] in force for `catalog.schema.table`, or for everything with `*` |
//! | `DELETE /weather/{table}` | fair weather again |
//! | `POST /weather/{table}/{event}` | once, now: `close-streams`, `rotate-streams`, `expire-tokens` |

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

mod routes;

pub(crate) use routes::{refusal, refuse, router};

/// Everything, when it stands in place of a table's name.
pub(crate) const EVERYWHERE: &str = "*";
/// Events that a stream may be behind with; one that is further behind missed them, which is weather too.
const EVENTS: usize = 64;

/// A place where the process can be made to die, as by `kill -9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashPoint {
    /// A group commit is about to be written.
    BeforeLogWrite,
    /// Half of it is written.
    InLogWrite,
    /// It is written and not synced.
    AfterLogWrite,
    /// It is synced and nobody was told.
    AfterLogSync,
    /// A segment is about to be sealed.
    BeforeSeal,
    /// A segment is sealed and not handed on.
    AfterSeal,
    /// A segment's rows are in a Parquet file that no commit names.
    AfterDataFile,
    /// The Delta commit is done, the segment is still there.
    AfterCommit,
    /// Small files are about to be put together.
    BeforeCompaction,
    /// They were, and what they replaced is still there.
    AfterCompaction,
    /// An acknowledgement is about to be sent.
    BeforeAck,
    /// An acknowledgement was handed to the connection.
    AfterAck,
}

impl CrashPoint {
    /// All of them, in the order a row meets them.
    pub const ALL: [Self; 12] = [
        Self::BeforeLogWrite,
        Self::InLogWrite,
        Self::AfterLogWrite,
        Self::AfterLogSync,
        Self::BeforeAck,
        Self::AfterAck,
        Self::BeforeSeal,
        Self::AfterSeal,
        Self::AfterDataFile,
        Self::AfterCommit,
        Self::BeforeCompaction,
        Self::AfterCompaction,
    ];
}

/// The weather at a table. What is left out is fair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forecast {
    /// Milliseconds before each answer and each acknowledgement.
    pub latency_ms: u64,
    /// Up to so many more, at random.
    pub jitter_ms: u64,
    /// So many acknowledgements are never sent; those after them acknowledge the same records, as the protocol allows.
    pub drop_acks: u32,
    /// So many requests are refused over HTTP.
    pub refusals: u32,
    /// With this status: 429 or 503.
    pub refusal_status: Option<u16>,
    /// And this `Retry-After`.
    pub retry_after_s: u32,
    /// So long a statement is PENDING, as with a warehouse that has to start.
    pub cold_warehouse_ms: u64,
    /// Whether the disk looks full to the log.
    pub disk_full: bool,
    /// So many seconds the clock of the HTTP APIs is ahead, as their `Date` says; behind when negative.
    pub clock_skew_s: i64,
    /// Whether the token endpoint refuses everybody, as a principal that was disabled.
    pub token_denied: bool,
    /// Whether nobody may look at the warehouse.
    pub warehouse_denied: bool,
    /// Whether streams are not opened: UNAVAILABLE.
    pub refuse_streams: bool,
    /// Whether Zerobus has no REST door, as in a region without one.
    pub rest_door_closed: bool,
    /// Where the process dies.
    pub crash: Option<CrashPoint>,
    /// How often it passes there before.
    pub crash_after: u32,
}

/// What happens once, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Streams end with UNAVAILABLE, whatever is under way.
    CloseStreams,
    /// Streams are told to go elsewhere, as at the end of their time.
    RotateStreams,
    /// Tokens given out until now are no longer good.
    ExpireTokens,
}

/// The weather of a lakehouse. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    inner: Option<Arc<Inner>>,
}

#[derive(Debug)]
struct Inner {
    forecasts: RwLock<BTreeMap<String, Forecast>>,
    events: broadcast::Sender<(String, Event)>,
    /// Microseconds since 1970 before which tokens were given out that are no longer good.
    tokens_from: AtomicU64,
}

impl Weather {
    /// Weather that can be changed.
    pub fn changeable() -> Self {
        let inner = Inner {
            forecasts: RwLock::default(),
            events: broadcast::channel(EVENTS).0,
            tokens_from: AtomicU64::new(0),
        };
        Self { inner: Some(Arc::new(inner)) }
    }

    /// The faults at a table; [`EVERYWHERE`] for what is not about one.
    pub(crate) fn at(&self, table: impl Into<String>) -> Faults {
        Faults { inner: self.inner.clone().map(|weather| (weather, table.into().into())) }
    }

    /// What is in force.
    pub fn forecasts(&self) -> BTreeMap<String, Forecast> {
        let read = |inner: &Arc<Inner>| inner.forecasts.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.inner.as_ref().map(read).unwrap_or_default()
    }

    /// Puts weather in force; `None` is fair weather.
    pub fn set(&self, table: &str, forecast: Option<Forecast>) {
        let Some(inner) = &self.inner else { return };
        let mut forecasts = inner.forecasts.write().unwrap_or_else(PoisonError::into_inner);
        match forecast {
            Some(forecast) => forecasts.insert(table.to_owned(), forecast),
            None => forecasts.remove(table),
        };
    }

    /// Makes something happen.
    pub fn happen(&self, table: &str, event: Event) {
        let Some(inner) = &self.inner else { return };
        if event == Event::ExpireTokens {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            inner.tokens_from.store(u64::try_from(now.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        // No stream is open when nobody listens.
        let _ = inner.events.send((table.to_owned(), event));
    }

    /// Microseconds since 1970; tokens that were given out before are not good any more.
    pub(crate) fn tokens_from(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.tokens_from.load(Ordering::Relaxed))
    }

    fn exists(&self) -> bool {
        self.inner.is_some()
    }
}

/// The faults of one table.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Option<(Arc<Inner>, Arc<str>)>,
}

/// Events of one table, as a stream hears them.
pub(crate) struct Events {
    receiver: Option<broadcast::Receiver<(String, Event)>>,
    table: Arc<str>,
}

impl Faults {
    /// Fair weather.
    pub fn none() -> Self {
        Self::default()
    }

    /// Changes the forecast in force here: the table's, else everybody's. Returns what `change` makes of it.
    fn with<T>(&self, change: impl FnOnce(&mut Forecast) -> T) -> Option<T> {
        let (weather, table) = self.inner.as_ref()?;
        let mut forecasts = weather.forecasts.write().unwrap_or_else(PoisonError::into_inner);
        if forecasts.is_empty() {
            return None;
        }
        let name = if forecasts.contains_key(table.as_ref()) { table.as_ref() } else { EVERYWHERE };
        forecasts.get_mut(name).map(change)
    }

    /// Dies here when told to.
    pub(crate) fn reach(&self, point: CrashPoint) {
        self.reach_after(point, || ());
    }

    /// Dies here when told to, after doing something.
    pub(crate) fn reach_after<T>(&self, point: CrashPoint, action: impl FnOnce() -> T) {
        let dies = self.with(|forecast| {
            if forecast.crash != Some(point) {
                return false;
            }
            let now = forecast.crash_after == 0;
            forecast.crash_after = forecast.crash_after.saturating_sub(1);
            now
        });
        if dies == Some(true) {
            action();
            // Like kill -9: no destructor runs, nothing is flushed.
            std::process::abort();
        }
    }

    /// Whether the disk is to look full.
    pub(crate) fn disk_is_full(&self) -> bool {
        self.with(|forecast| forecast.disk_full).unwrap_or(false)
    }

    /// How long an answer takes longer.
    pub(crate) fn latency(&self) -> Option<Duration> {
        let (fixed, jitter) = self.with(|forecast| (forecast.latency_ms, forecast.jitter_ms))?;
        let random = if jitter == 0 { 0 } else { rand::rng().random_range(0..=jitter) };
        Some(Duration::from_millis(fixed + random)).filter(|latency| !latency.is_zero())
    }

    /// Whether the next acknowledgement gets lost; counts it.
    pub(crate) fn loses_ack(&self) -> bool {
        let lost = self.with(|forecast| {
            let lost = forecast.drop_acks > 0;
            forecast.drop_acks = forecast.drop_acks.saturating_sub(1);
            lost
        });
        lost.unwrap_or(false)
    }

    /// Whether the next request is refused, and how: the status and `Retry-After` in seconds; counts it.
    pub(crate) fn refuses(&self) -> Option<(u16, u32)> {
        self.with(|forecast| {
            (forecast.refusals > 0).then(|| {
                forecast.refusals -= 1;
                (forecast.refusal_status.unwrap_or(503), forecast.retry_after_s)
            })
        })?
    }

    /// How long a statement waits for its warehouse.
    pub(crate) fn cold_warehouse(&self) -> Option<Duration> {
        self.with(|forecast| Duration::from_millis(forecast.cold_warehouse_ms)).filter(|wait| !wait.is_zero())
    }

    /// The warehouse runs from now on.
    pub(crate) fn start_warehouse(&self) {
        self.with(|forecast| forecast.cold_warehouse_ms = 0);
    }

    /// Whether nobody may look at the warehouse.
    pub(crate) fn denies_warehouse(&self) -> bool {
        self.with(|forecast| forecast.warehouse_denied).unwrap_or(false)
    }

    /// Whether nobody gets a token.
    pub(crate) fn denies_tokens(&self) -> bool {
        self.with(|forecast| forecast.token_denied).unwrap_or(false)
    }

    /// Whether streams are not opened.
    pub(crate) fn refuses_streams(&self) -> bool {
        self.with(|forecast| forecast.refuse_streams).unwrap_or(false)
    }

    /// Whether there is no REST door.
    pub(crate) fn closes_rest_door(&self) -> bool {
        self.with(|forecast| forecast.rest_door_closed).unwrap_or(false)
    }

    /// Seconds that the clock is ahead.
    pub(crate) fn clock_skew(&self) -> i64 {
        self.with(|forecast| forecast.clock_skew_s).unwrap_or(0)
    }

    /// What will happen from now on.
    pub(crate) fn events(&self) -> Events {
        match &self.inner {
            Some((weather, table)) => Events { receiver: Some(weather.events.subscribe()), table: Arc::clone(table) },
            None => Events { receiver: None, table: "".into() },
        }
    }

    /// Weather with a full disk.
    #[cfg(test)]
    pub(crate) fn full_disk() -> Self {
        let weather = Weather::changeable();
        weather.set(EVERYWHERE, Some(Forecast { disk_full: true, ..Default::default() }));
        weather.at("main.s.t")
    }
}

impl Events {
    /// The next event; never, in fair weather.
    pub(crate) async fn next(&mut self) -> Event {
        let Some(receiver) = &mut self.receiver else { return std::future::pending().await };
        loop {
            match receiver.recv().await {
                Ok((table, event)) if table == EVERYWHERE || *table == *self.table => return event,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_own_weather_comes_before_everybodys_and_counts_down() {
        let weather = Weather::changeable();
        let (here, there) = (weather.at("main.s.here"), weather.at("main.s.there"));
        assert!(!here.loses_ack() && here.latency().is_none() && here.refuses().is_none());
        weather.set(EVERYWHERE, Some(Forecast { disk_full: true, ..Default::default() }));
        let forecast =
            Forecast { drop_acks: 2, refusals: 1, refusal_status: Some(429), retry_after_s: 3, ..Default::default() };
        weather.set("main.s.here", Some(forecast));
        assert!(there.disk_is_full() && !here.disk_is_full());
        assert_eq!([here.loses_ack(), here.loses_ack(), here.loses_ack()], [true, true, false]);
        assert_eq!((here.refuses(), here.refuses()), (Some((429, 3)), None));
        weather.set("main.s.here", None);
        assert!(here.disk_is_full());
    }

    #[tokio::test]
    async fn events_reach_their_table_only() {
        let weather = Weather::changeable();
        let (mut here, mut there) = (weather.at("main.s.here").events(), weather.at("main.s.there").events());
        weather.happen("main.s.here", Event::CloseStreams);
        weather.happen(EVERYWHERE, Event::RotateStreams);
        assert_eq!((here.next().await, here.next().await), (Event::CloseStreams, Event::RotateStreams));
        assert_eq!(there.next().await, Event::RotateStreams);
    }

    #[test]
    fn a_forecast_is_read_from_json_and_typing_errors_are_not_swallowed() {
        let forecast: Forecast = serde_json::from_str(r#"{"crash": "after-log-sync", "latency_ms": 5}"#).expect("json");
        assert_eq!((forecast.crash, forecast.latency_ms), (Some(CrashPoint::AfterLogSync), 5));
        assert!(serde_json::from_str::<Forecast>(r#"{"latency": 5}"#).is_err());
    }
}
