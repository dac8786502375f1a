//! Follows something on the server: server-sent events while they come through, asking once a second when they do not, be it that
//! the stream breaks or that a proxy holds it back.
//!
//! Uses the browser's `EventSource` directly: wrappers hide the errors between two attempts to reconnect, and
//! the page has to say "reconnecting" then. Each event is a whole snapshot, so a lost one costs nothing. Knows nothing of
//! what it follows.

use serde_json::Value;

use crate::model::EdgeError;

/// How news arrives.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// By events, or nothing more is expected.
    Live,
    /// Events do not come through and asking has not worked yet; for that many seconds.
    Reconnecting(u32),
    /// The server no longer knows it.
    Lost(EdgeError),
}

/// Who follows something.
pub trait Follower: 'static {
    /// Whether the page still waits for news of it.
    fn is_waiting(&self) -> bool;
    /// A snapshot has come.
    fn accept(&self, snapshot: &Value);
    /// How news arrives has changed.
    fn linked(&self, link: Link);
}

/// Begins to follow what is at `path`; whatever was followed before is let go. The address answers the snapshot, and below it
/// `/events` sends each that replaces it.
pub fn follow(path: String, follower: impl Follower) {
    #[cfg(feature = "hydrate")]
    real::follow(path, std::rc::Rc::new(follower));
    #[cfg(not(feature = "hydrate"))]
    let _ = (path, follower);
}

#[cfg(feature = "hydrate")]
mod real {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventSource, MessageEvent};

    use super::{Follower, Link};
    use crate::api;

    /// Failed attempts in a row after which events are given up for asking.
    const ATTEMPTS: u32 = 3;
    const PAUSE: Duration = Duration::from_secs(1);
    /// The server sends a snapshot at once: a stream that is open and brings none by then is held back by a proxy.
    const FIRST_NEWS: Duration = Duration::from_secs(5);
    /// A stream that brought some and then nothing for so long is asked past, whether it is held back or nothing happens.
    const MORE_NEWS: Duration = Duration::from_secs(30);

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

    pub(super) fn follow(path: String, follower: Rc<dyn Follower>) {
        SOURCE.with(|source| drop(source.borrow_mut().take()));
        let Ok(stream) = EventSource::new(&format!("{path}/events")) else {
            ask(path, follower, 0);
            return;
        };
        let failures = Rc::new(RefCell::new(0));
        let heard = Rc::new(Cell::new(0_u32));
        expect_news(path.clone(), follower.clone(), stream.clone(), heard.clone());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let (failures, follower, stream) = (failures.clone(), follower.clone(), stream.clone());
            move |event: MessageEvent| {
                *failures.borrow_mut() = 0;
                heard.set(heard.get() + 1);
                let text = event.data().as_string().unwrap_or_default();
                if let Ok(snapshot) = serde_json::from_str(&text) {
                    follower.linked(Link::Live);
                    follower.accept(&snapshot);
                }
                if !follower.is_waiting() {
                    stream.close();
                }
            }
        });
        let on_error = Closure::<dyn FnMut(Event)>::new({
            let stream = stream.clone();
            move |_: Event| {
                if !follower.is_waiting() {
                    stream.close();
                    return;
                }
                *failures.borrow_mut() += 1;
                // The server ends a stream every now and then, and the browser is back at once: only what fails again is news.
                if *failures.borrow() > 1 {
                    follower.linked(Link::Reconnecting(0));
                }
                if *failures.borrow() >= ATTEMPTS || stream.ready_state() == EventSource::CLOSED {
                    stream.close();
                    ask(path.clone(), follower.clone(), 0);
                }
            }
        });
        stream.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        stream.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        SOURCE.with(|source| {
            *source.borrow_mut() = Some(Source { stream, _on_message: on_message, _on_error: on_error })
        });
    }

    /// Gives a stream up for asking when it brings nothing new in time. One that was closed has been given up already.
    fn expect_news(path: String, follower: Rc<dyn Follower>, stream: EventSource, heard: Rc<Cell<u32>>) {
        let before = heard.get();
        let patience = if before == 0 { FIRST_NEWS } else { MORE_NEWS };
        let look = move || {
            if stream.ready_state() == EventSource::CLOSED {
                return;
            }
            if heard.get() == before {
                stream.close();
                ask(path, follower, 0);
            } else {
                expect_news(path, follower, stream, heard);
            }
        };
        set_timeout(look, patience);
    }

    /// Asks for the snapshot, and again a second later until there is nothing more to wait for.
    fn ask(path: String, follower: Rc<dyn Follower>, silent_for: u32) {
        spawn_local(async move {
            if !follower.is_waiting() {
                return;
            }
            let answer = api::snapshot_at(&path).await;
            if !follower.is_waiting() {
                return;
            }
            let silent_for = match answer {
                Ok(snapshot) => {
                    follower.linked(Link::Live);
                    follower.accept(&snapshot);
                    0
                }
                Err(error) if error.error_code == "NOT_FOUND" => {
                    follower.linked(Link::Lost(error));
                    return;
                }
                Err(_) => {
                    follower.linked(Link::Reconnecting(silent_for));
                    silent_for + 1
                }
            };
            set_timeout(move || ask(path, follower, silent_for), PAUSE);
        });
    }
}
