//! With paused time: every pause is exact, and nothing waits.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;

/// Remembers what it hears.
#[derive(Default)]
struct Log {
    retried: Mutex<Vec<&'static str>>,
    circuit: Mutex<Vec<CircuitChange>>,
}

impl BatchProgress for Log {
    fn sent(&self, _: Instant) {}

    fn retried(&self, error: &WriterError) {
        self.retried.lock().unwrap().push(error.code());
    }

    fn circuit(&self, change: &CircuitChange) {
        self.circuit.lock().unwrap().push(change.clone());
    }
}

fn busy(retry_after: Option<u64>) -> AttemptFailed {
    let error = WriterError::Busy { message: "429".to_owned(), retry_after: retry_after.map(Duration::from_secs) };
    AttemptFailed::new(error, true)
}

fn lost() -> AttemptFailed {
    AttemptFailed::new(WriterError::Unreachable("reset".to_owned()), true)
}

fn seeded(mut resilience: Resilience) -> Resilience {
    resilience.pauses = resilience.pauses.with_jitter_seed(7);
    resilience
}

/// One call that fails as listed and is answered then; `None` in the list is a call that is never answered.
async fn call(resilience: &Resilience, log: &Log, failures: Vec<AttemptFailed>) -> Result<u64, GaveUp> {
    let failures = Mutex::new(VecDeque::from(failures));
    let attempt = || {
        let next = failures.lock().unwrap().pop_front();
        async move { next.map_or(Ok(()), Err) }
    };
    resilience.call(log, attempt).await.map(|answered| answered.calls)
}

#[tokio::test(start_paused = true)]
async fn what_time_cannot_heal_is_not_repeated() {
    let log = Log::default();
    let resilience = Resilience::at_least_once();
    let refused = || AttemptFailed::new(WriterError::PermissionDenied("no".to_owned()), true);
    let gave_up = call(&resilience, &log, vec![refused()]).await.unwrap_err();
    assert_eq!((gave_up.error.code(), gave_up.in_doubt), ("PERMISSION_DENIED", false));
    assert_eq!(gave_up.error.to_string(), "no");
    assert!(log.retried.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn pauses_double_with_jitter_and_honour_what_the_workspace_asks() {
    let log = Log::default();
    let resilience = seeded(Resilience::at_least_once());
    let began = Instant::now();
    assert_eq!(call(&resilience, &log, vec![busy(None), lost(), busy(None)]).await.unwrap(), 4);
    let waited = began.elapsed();
    let without_jitter = FIRST_PAUSE * (1 + 2 + 4);
    assert!(without_jitter < waited && waited < without_jitter * 2, "{waited:?}");
    assert_eq!(*log.retried.lock().unwrap(), ["TEMPORARILY_UNAVAILABLE", "UNAVAILABLE", "TEMPORARILY_UNAVAILABLE"]);

    let began = Instant::now();
    assert_eq!(call(&resilience, &log, vec![busy(Some(7))]).await.unwrap(), 2);
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_given_up_when_waiting_would_take_too_long() {
    let log = Log::default();
    let resilience = Resilience::at_least_once();
    let gave_up = call(&resilience, &log, vec![busy(Some(61))]).await.unwrap_err();
    assert_eq!(gave_up.error.to_string(), "429; given up after 1 attempts");
    assert!(!gave_up.in_doubt, "a 429 is not carried out");

    let began = Instant::now();
    let forever = (0..1000).map(|_| lost()).collect();
    let gave_up = call(&resilience, &log, forever).await.unwrap_err();
    assert!(gave_up.in_doubt);
    assert_eq!(gave_up.of_rows(3, 5).in_doubt, 5);
    assert!(began.elapsed() <= PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn the_doubt_of_an_earlier_attempt_stays() {
    let log = Log::default();
    let gave_up = call(&Resilience::at_least_once(), &log, vec![lost(), busy(Some(100))]).await.unwrap_err();
    assert_eq!((gave_up.error.code(), gave_up.in_doubt), ("TEMPORARILY_UNAVAILABLE", true));

    let never_twice = Resilience::never_twice();
    assert_eq!(call(&never_twice, &log, vec![busy(None)]).await.unwrap(), 2, "a 429 is not carried out");
    let unsent = AttemptFailed::new(WriterError::Unreachable("refused".to_owned()), false);
    assert_eq!(call(&never_twice, &log, vec![unsent]).await.unwrap(), 2, "what was not sent may be sent");
    let gave_up = call(&never_twice, &log, vec![lost()]).await.unwrap_err();
    assert!(gave_up.in_doubt);
}

#[tokio::test(start_paused = true)]
async fn a_run_has_a_budget_of_retries() {
    let log = Log::default();
    let resilience = Resilience::at_least_once();
    for _ in 0..FEWEST_RETRIES {
        call(&resilience, &log, vec![busy(None)]).await.unwrap();
    }
    let gave_up = call(&resilience, &log, vec![busy(None)]).await.unwrap_err();
    assert!(gave_up.error.to_string().ends_with("budget of retries"), "{}", gave_up.error);

    for _ in 0..300 - FEWEST_RETRIES {
        call(&resilience, &log, Vec::new()).await.unwrap();
    }
    for _ in 0..10 {
        call(&resilience, &log, vec![busy(None)]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_the_circuit_and_an_answer_closes_it() {
    let log = Log::default();
    let resilience = seeded(Resilience::at_least_once());
    for _ in 0..2 {
        call(&resilience, &log, (0..4).map(|_| lost()).collect()).await.unwrap();
    }
    assert!(log.circuit.lock().unwrap().is_empty(), "an answer in between starts the count anew");

    call(&resilience, &log, (0..7).map(|_| lost()).collect()).await.unwrap();
    let changes = log.circuit.lock().unwrap();
    let pauses = changes.iter().filter_map(|change| match change {
        CircuitChange::Opened { pause, reason } => {
            assert_eq!(reason, "reset");
            Some(pause.as_secs())
        }
        CircuitChange::Closed { .. } => None,
    });
    assert_eq!(pauses.collect::<Vec<_>>(), [1, 2, 4]);
    assert!(matches!(changes.last(), Some(CircuitChange::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_lets_one_call_through() {
    let circuit = Circuit::new();
    let error = WriterError::Unreachable("reset".to_owned());
    let far = Instant::now() + PATIENCE;
    for _ in 0..5 {
        circuit.enter(far).await.ok().unwrap().failed(&error);
    }
    assert!(circuit.enter(Instant::now() + Duration::from_millis(999)).await.is_err(), "it would still be open");

    let probe = circuit.enter(far).await.ok().unwrap();
    let soon = Instant::now() + Duration::from_secs(1);
    assert!(circuit.enter(soon).await.is_err(), "one is out, and nobody knows yet");
    drop(probe);
    let probe = circuit.enter(Instant::now() + Duration::from_millis(1)).await.ok().unwrap();

    let waiting = circuit.enter(far);
    tokio::pin!(waiting);
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    assert!(probe.answered().is_some());
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_circuit_that_has_long_been_open() {
    let log = Log::default();
    let resilience = Resilience::at_least_once();
    let began = Instant::now();
    let forever = || (0..1000).map(|_| lost()).collect();
    let (first, second) = tokio::join!(call(&resilience, &log, forever()), call(&resilience, &log, forever()));
    for gave_up in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(gave_up.error.to_string(), "reset; the circuit is open: no attempt was made for too long");
    }
    assert!(began.elapsed() < PATIENCE * 2 / 3, "{:?}", began.elapsed());

    let later = Instant::now();
    assert!(call(&resilience, &log, forever()).await.is_err());
    assert_eq!(later.elapsed(), Duration::ZERO);
}
