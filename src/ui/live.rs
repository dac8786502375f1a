//! Follows a submission: server-sent events while they come through, asking once a second when they do not.
//!
//! Uses the browser's `EventSource` directly: wrappers hide the errors between two attempts to reconnect, and
//! the page has to say "reconnecting" then. Each event is a whole snapshot, so a lost one costs nothing.

use super::bench::Bench;

/// Begins to follow; whatever was followed before is let go.
pub fn follow(bench: Bench, id: String) {
    #[cfg(feature = "hydrate")]
    real::follow(bench, id);
    #[cfg(not(feature = "hydrate"))]
    let _ = (bench, id);
}

#[cfg(feature = "hydrate")]
mod real {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventSource, MessageEvent};

    use super::super::bench::{Bench, Link};
    use crate::api;
    use crate::model::SubmissionSnapshot;
    use crate::model::receive::receive;

    /// Failed attempts in a row after which events are given up for asking.
    const ATTEMPTS: u32 = 3;
    const PAUSE: Duration = Duration::from_secs(1);

    thread_local! {
        static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
    }

    /// A stream with its handlers. The handlers close the stream but live on until the next one is followed: a
    /// closure must not be dropped while it runs.
    struct Source {
        stream: EventSource,
        _on_message: Closure<dyn FnMut(MessageEvent)>,
        _on_error: Closure<dyn FnMut(Event)>,
    }

    impl Drop for Source {
        fn drop(&mut self) {
            self.stream.close();
            self.stream.set_onmessage(None);
            self.stream.set_onerror(None);
        }
    }

    /// Whether the page still waits for news of that submission.
    fn is_awaited(bench: Bench, id: &str) -> bool {
        bench.snapshot.with_untracked(|known| known.as_ref().is_some_and(|known| known.id == id && !known.finished))
    }

    pub(super) fn follow(bench: Bench, id: String) {
        SOURCE.with(|source| drop(source.borrow_mut().take()));
        let Ok(stream) = EventSource::new(&api::submission_events_path(&id)) else {
            ask(bench, id, 0);
            return;
        };
        let failures = Rc::new(RefCell::new(0));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let (failures, id, stream) = (failures.clone(), id.clone(), stream.clone());
            move |event: MessageEvent| {
                *failures.borrow_mut() = 0;
                let text = event.data().as_string().unwrap_or_default();
                if let Some(snapshot) = receive::<SubmissionSnapshot>(&text) {
                    bench.link.set(Link::Live);
                    bench.accept(snapshot);
                }
                if !is_awaited(bench, &id) {
                    stream.close();
                }
            }
        });
        let on_error = Closure::<dyn FnMut(Event)>::new({
            let stream = stream.clone();
            move |_: Event| {
                if !is_awaited(bench, &id) {
                    stream.close();
                    return;
                }
                *failures.borrow_mut() += 1;
                bench.link.set(Link::Reconnecting(0));
                if *failures.borrow() >= ATTEMPTS || stream.ready_state() == EventSource::CLOSED {
                    stream.close();
                    ask(bench, id.clone(), 0);
                }
            }
        });
        stream.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        stream.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        SOURCE.with(|source| {
            *source.borrow_mut() = Some(Source { stream, _on_message: on_message, _on_error: on_error })
        });
    }

    /// Asks for the snapshot, and again a second later until it is finished.
    fn ask(bench: Bench, id: String, silent_for: u32) {
        spawn_local(async move {
            if !is_awaited(bench, &id) {
                return;
            }
            let answer = api::submission(id.clone()).await;
            if !is_awaited(bench, &id) {
                return;
            }
            let silent_for = match answer {
                Ok(snapshot) => {
                    bench.link.set(Link::Live);
                    bench.accept(snapshot);
                    0
                }
                Err(error) if error.error_code == "NOT_FOUND" => {
                    bench.announcement.set("The server no longer knows this submission.".to_owned());
                    bench.link.set(Link::Lost(error));
                    return;
                }
                Err(_) => {
                    bench.link.set(Link::Reconnecting(silent_for));
                    silent_for + 1
                }
            };
            set_timeout(move || ask(bench, id, silent_for), PAUSE);
        });
    }
}
