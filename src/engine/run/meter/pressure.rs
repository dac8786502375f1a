//! How hard the writer pushes back: from how much of the time all its places in flight were taken, and from how late the next
//! record is against its intended time.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Pressure, PressureLevel};

/// Records that are this late wait for the writer.
const LATE: Duration = Duration::from_millis(100);
const VERY_LATE: Duration = Duration::from_secs(1);

/// Share of the time with all places taken.
const BUSY: f64 = 0.5;
const FULL: f64 = 0.9;

/// How much the newest measurement counts against the ones before.
const NEWEST: f64 = 0.5;

/// Measures it.
pub(super) struct Gauge {
    limit: u64,
    /// Since when all places are taken.
    taken_since: Option<Instant>,
    /// How long they were, since the last reading.
    taken: Duration,
    read_at: Option<Instant>,
    /// Smoothed.
    share: f64,
    lateness: Duration,
    limited_rate: bool,
}

impl Gauge {
    /// For a writer with `limit` places in flight; under a rate, lateness counts too.
    pub(super) fn new(limit: u64, limited_rate: bool) -> Self {
        let (taken, lateness) = (Duration::ZERO, Duration::ZERO);
        Self { limit, taken_since: None, taken, read_at: None, share: 0.0, lateness, limited_rate }
    }

    /// So many batches are in flight from now on.
    pub(super) fn in_flight(&mut self, batches: u64, now: Instant) {
        match self.taken_since {
            None if batches >= self.limit => self.taken_since = Some(now),
            Some(since) if batches < self.limit => {
                self.taken += now.saturating_duration_since(since);
                self.taken_since = None;
            }
            _ => (),
        }
    }

    /// Takes the time since the last reading into account; `lateness` is that of the next record.
    pub(super) fn tick(&mut self, now: Instant, lateness: Duration) {
        if let Some(since) = &mut self.taken_since {
            self.taken += now.saturating_duration_since(*since);
            *since = now;
        }
        let over = self.read_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if over > Duration::ZERO {
            let share = (self.taken.as_secs_f64() / over.as_secs_f64()).min(1.0);
            self.share = NEWEST * share + (1.0 - NEWEST) * self.share;
        }
        self.taken = Duration::ZERO;
        self.read_at = Some(now);
        self.lateness = lateness;
    }

    /// In words.
    pub(super) fn pressure(&self) -> Pressure {
        let percent = (self.share * 100.0).round();
        let places = match self.limit {
            1 => "The one place in flight was taken".to_owned(),
            limit => format!("All {limit} places in flight were taken"),
        };
        let late = format!("The next record is {:.1} s late", self.lateness.as_secs_f64());
        if self.limited_rate && self.lateness >= VERY_LATE {
            return Pressure { level: PressureLevel::High, reason: format!("{late}: the writer does not keep up.") };
        }
        if self.share >= FULL {
            return Pressure { level: PressureLevel::High, reason: format!("{places} {percent} % of the time.") };
        }
        if self.limited_rate && self.lateness >= LATE {
            return Pressure { level: PressureLevel::Medium, reason: format!("{late}.") };
        }
        let level = if self.share >= BUSY { PressureLevel::Medium } else { PressureLevel::Low };
        Pressure { level, reason: format!("{places} {percent} % of the time.") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_after(taken_ms: u64, lateness: Duration, limited: bool) -> PressureLevel {
        let start = Instant::now();
        let mut gauge = Gauge::new(2, limited);
        gauge.tick(start, Duration::ZERO);
        for second in 0..8 {
            let from = start + Duration::from_secs(second);
            gauge.in_flight(2, from);
            gauge.in_flight(1, from + Duration::from_millis(taken_ms));
            gauge.tick(from + Duration::from_secs(1), lateness);
        }
        gauge.pressure().level
    }

    #[test]
    fn places_that_are_taken_press() {
        assert_eq!(level_after(100, Duration::ZERO, true), PressureLevel::Low);
        assert_eq!(level_after(600, Duration::ZERO, true), PressureLevel::Medium);
        assert_eq!(level_after(1000, Duration::ZERO, true), PressureLevel::High);
    }

    #[test]
    fn lateness_presses_under_a_rate_only() {
        assert_eq!(level_after(0, Duration::from_millis(300), true), PressureLevel::Medium);
        assert_eq!(level_after(0, Duration::from_secs(3), true), PressureLevel::High);
        assert_eq!(level_after(0, Duration::from_secs(3), false), PressureLevel::Low);
    }

    #[test]
    fn a_writer_that_takes_nothing_at_all_presses_too() {
        let start = Instant::now();
        let mut gauge = Gauge::new(1, false);
        gauge.in_flight(1, start);
        for second in 0..8 {
            gauge.tick(start + Duration::from_secs(second), Duration::ZERO);
        }
        let pressure = gauge.pressure();
        assert_eq!(pressure.level, PressureLevel::High);
        assert_eq!(pressure.reason, "The one place in flight was taken 99 % of the time.");
    }
}
