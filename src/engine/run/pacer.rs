//! When each record of a run is due: its intended send time, as a pure function of its ordinal.
//!
//! Nothing here waits, reads a clock or knows how the writer is doing: a stall changes no intended time, so what was due
//! during the stall is late by as much as it is late.

use std::time::Duration;

use crate::model::RateSpec;

/// Under a rate, batches leave at most this often unless they are full. A record waits this long at most for others to share
/// its batch; a batch holds what became due meanwhile, more when the writer is behind, and never more than the plan's `batch`.
const SPACING: Duration = Duration::from_millis(2);

/// What is never due is due this much later: about a hundred years.
const NEVER: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Records per second over time, from the first record on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) enum Pacer {
    /// As fast as the writer takes them: every record is due at once.
    Unlimited,
    /// The same all the time.
    Constant {
        /// Records per second, above 0.
        per_second: f64,
    },
    /// Rises or falls evenly, then goes on at the last rate.
    Ramp {
        /// Records per second at the beginning.
        from: f64,
        /// Records per second at the end; the two are not both 0.
        to: f64,
        /// How long it takes.
        over: Duration,
    },
    /// Many at once, then silence.
    Burst {
        /// Records in a burst, at least 1.
        records: u64,
        /// From the beginning of one burst to the next, above 0.
        every: Duration,
    },
}

impl From<RateSpec> for Pacer {
    fn from(rate: RateSpec) -> Self {
        match rate {
            RateSpec::Unlimited => Self::Unlimited,
            RateSpec::Constant(per_second) => Self::Constant { per_second },
            RateSpec::Ramp { from, to, over_ms } => Self::Ramp { from, to, over: Duration::from_millis(over_ms) },
            RateSpec::Burst { burst, every_ms } => {
                Self::Burst { records: burst, every: Duration::from_millis(every_ms) }
            }
        }
    }
}

impl Pacer {
    /// Whether records have times of their own.
    pub(super) fn is_limited(&self) -> bool {
        *self != Self::Unlimited
    }

    /// When the record with this ordinal is due, from the beginning of the run.
    pub(super) fn offset(&self, ordinal: u64) -> Duration {
        match *self {
            Self::Unlimited => Duration::ZERO,
            Self::Constant { per_second } => seconds(ordinal as f64 / per_second),
            Self::Ramp { from, to, over } => seconds(ramp_offset(ordinal as f64, from, to, over.as_secs_f64())),
            Self::Burst { records, every } => {
                let bursts = u32::try_from(ordinal / records).unwrap_or(u32::MAX);
                every.checked_mul(bursts).unwrap_or(NEVER).min(NEVER)
            }
        }
    }

    /// How many records are due when this much of the run is over: those with an offset not above it.
    pub(super) fn due(&self, elapsed: Duration) -> u64 {
        let estimate = match *self {
            Self::Unlimited => return u64::MAX,
            Self::Burst { records, every } => {
                let bursts = elapsed.as_nanos() / every.as_nanos().max(1) + 1;
                return records.saturating_mul(u64::try_from(bursts).unwrap_or(u64::MAX));
            }
            Self::Constant { per_second } => elapsed.as_secs_f64() * per_second,
            Self::Ramp { from, to, over } => ramp_count(elapsed.as_secs_f64(), from, to, over.as_secs_f64()),
        };
        // Rounding may be off by one; the offsets decide.
        let mut count = estimate as u64;
        while count > 0 && self.offset(count - 1) > elapsed {
            count -= 1;
        }
        while self.offset(count) <= elapsed {
            count += 1;
        }
        count
    }

    /// How many records are due before `duration` is over; `None` when that depends on the writer.
    pub(super) fn total(&self, duration: Duration) -> Option<u64> {
        self.is_limited().then(|| duration.checked_sub(Duration::from_nanos(1)).map_or(0, |last| self.due(last)))
    }

    /// When the batch that begins with record `next` leaves, if the one before left at `before`: when its first record is due,
    /// but not within [`SPACING`] of the one before unless all `most` records are due.
    pub(super) fn departure(&self, next: u64, before: Option<Duration>, most: u64) -> Duration {
        let first_due = self.offset(next);
        let Some(before) = before else { return first_due };
        let full = self.offset(next.saturating_add(most.saturating_sub(1)));
        first_due.max(before.saturating_add(SPACING).min(full))
    }
}

/// When the `count`-th record of a ramp is due, in seconds: the inverse of [`ramp_count`].
fn ramp_offset(count: f64, from: f64, to: f64, over: f64) -> f64 {
    let during = (from + to) / 2.0 * over;
    if count > during || over == 0.0 {
        return over + (count - during) / to;
    }
    let growth = (to - from) / over;
    // Of the two ways to write the root of a quadratic, the one that subtracts no near equals.
    let root = (from * from + 2.0 * growth * count).max(0.0).sqrt();
    if count == 0.0 { 0.0 } else { 2.0 * count / (from + root) }
}

/// How many records a ramp has sent after that many seconds: the area under the rate.
fn ramp_count(elapsed: f64, from: f64, to: f64, over: f64) -> f64 {
    if elapsed >= over {
        return (from + to) / 2.0 * over + (elapsed - over) * to;
    }
    from * elapsed + (to - from) / over * elapsed * elapsed / 2.0
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(NEVER).min(NEVER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn records_of_a_constant_rate_are_evenly_spaced() {
        let pacer = Pacer::Constant { per_second: 100.0 };
        assert_eq!(pacer.offset(0), Duration::ZERO);
        assert_eq!(pacer.offset(250), millis(2500));
        assert_eq!(pacer.due(Duration::ZERO), 1);
        assert_eq!(pacer.due(millis(2499)), 250);
        assert_eq!(pacer.due(millis(2500)), 251);
        assert_eq!(pacer.total(Duration::from_secs(30)), Some(3000));
    }

    #[test]
    fn a_ramp_sends_the_area_under_its_rate() {
        let pacer = Pacer::Ramp { from: 0.0, to: 100.0, over: Duration::from_secs(10) };
        assert_eq!(pacer.total(Duration::from_secs(10)), Some(500));
        assert_eq!(pacer.offset(125), Duration::from_secs(5), "a quarter of the area is at half the time");
        assert_eq!(pacer.offset(600), Duration::from_secs(11), "behind the ramp it goes on at 100 per second");
        let falling = Pacer::Ramp { from: 100.0, to: 0.0, over: Duration::from_secs(10) };
        assert_eq!(falling.offset(375), Duration::from_secs(5));
        assert_eq!(falling.offset(501), NEVER, "a rate of 0 sends nothing more");
    }

    #[test]
    fn a_burst_is_due_all_at_once() {
        let pacer = Pacer::Burst { records: 40, every: Duration::from_secs(5) };
        assert_eq!([pacer.offset(39), pacer.offset(40)], [Duration::ZERO, Duration::from_secs(5)]);
        assert_eq!([pacer.due(millis(4999)), pacer.due(millis(5000))], [40, 80]);
        assert_eq!(pacer.total(Duration::from_secs(15)), Some(120));
    }

    #[test]
    fn without_a_limit_everything_is_due_and_the_total_is_open() {
        assert_eq!(Pacer::Unlimited.due(Duration::ZERO), u64::MAX);
        assert_eq!(Pacer::Unlimited.total(Duration::from_secs(1)), None);
    }

    #[test]
    fn batches_leave_when_due_but_not_close_together_unless_full() {
        let slow = Pacer::Constant { per_second: 100.0 };
        assert_eq!(slow.departure(7, Some(millis(60)), 500), millis(70), "nothing waits for company that is far off");
        let quick = Pacer::Constant { per_second: 1000.0 };
        assert_eq!(quick.departure(11, Some(millis(10)), 500), millis(12));
        assert_eq!(quick.departure(11, Some(millis(10)), 1), millis(11), "a batch of one is full at once");
        let late = quick.departure(11, Some(millis(900)), 500);
        assert_eq!(late, millis(510), "what is overdue and full leaves at once");
    }

    fn pacers() -> impl Strategy<Value = Pacer> {
        prop_oneof![
            (0.1..1e6_f64).prop_map(|per_second| Pacer::Constant { per_second }),
            (0.0..1e5_f64, 0.1..1e5_f64, 1..100_000_u64).prop_map(|(from, to, over)| Pacer::Ramp {
                from,
                to,
                over: millis(over)
            }),
            (1..10_000_u64, 1..10_000_u64).prop_map(|(records, every)| Pacer::Burst { records, every: millis(every) }),
        ]
    }

    proptest! {
        #[test]
        fn due_is_the_inverse_of_offset(pacer in pacers(), ordinal in 0..5_000_000_u64, elapsed in 0..200_000_u64) {
            prop_assert!(pacer.offset(ordinal) <= pacer.offset(ordinal + 1));
            prop_assert!(pacer.due(pacer.offset(ordinal)) > ordinal);
            let due = pacer.due(millis(elapsed));
            prop_assert!(pacer.offset(due) > millis(elapsed));
            prop_assert!(due == 0 || pacer.offset(due - 1) <= millis(elapsed));
        }
    }
}
