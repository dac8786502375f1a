//! Whole drawings that change: an element whose content is [`super::markup`].
//!
//! A view of tables and pictures compiles to a type with code of its own for making, waking and changing each element of
//! it; text has one way for all (docs/decisions/0002-wasm-diet.md).

use std::sync::{Arc, Mutex};

use leptos::prelude::*;
use leptos::reactive::effect::RenderEffect;
use leptos::tachys::html::element::InnerHtmlValue;
use leptos::tachys::reactive_graph::{ReactiveFunction, SharedReactiveFunction};
use leptos::tachys::renderer::types::Element;

/// Everything inside an element, as [`super::markup`]; for `inner_html`. The server draws it into the page; in the
/// browser nodes that stay what they are keep their focus, their motion and whether they are folded out.
pub fn drawn(draw: impl Fn() -> String + Send + 'static) -> Drawn {
    Drawn(Arc::new(Mutex::new(draw)))
}

/// A drawing that is made anew only when what it is made `from` has changed: for what costs more to draw than to ask about.
pub fn kept(from: impl Fn() -> Vec<f64>, draw: impl Fn() -> String) -> impl Fn() -> String {
    let last = StoredValue::new((Vec::new(), String::new()));
    move || {
        let now = from();
        if last.with_value(|(before, _)| *before != now) {
            last.set_value((now, draw()));
        }
        last.with_value(|(_, markup)| markup.clone())
    }
}

/// Made by [`drawn`].
#[derive(Clone)]
pub struct Drawn(SharedReactiveFunction<String>);

impl IntoAttributeValue for Drawn {
    type Output = Self;

    fn into_attribute_value(self) -> Self::Output {
        self
    }
}

impl InnerHtmlValue for Drawn {
    type AsyncOutput = Self;
    type State = (Element, RenderEffect<String>);
    type Cloneable = Self;
    type CloneableOwned = Self;

    fn html_len(&self) -> usize {
        0
    }

    fn to_html(mut self, page: &mut String) {
        page.push_str(&self.0.invoke());
    }

    fn to_template(_page: &mut String) {}

    fn hydrate<const FROM_SERVER: bool>(mut self, element: &Element) -> Self::State {
        let host = element.clone();
        let effect = RenderEffect::new(move |before: Option<String>| {
            let markup = self.0.invoke();
            match before {
                Some(before) if before == markup => {}
                None if FROM_SERVER => {}
                before => super::browser::patch(&host, before.as_deref(), &markup),
            }
            markup
        });
        (element.clone(), effect)
    }

    fn build(self, element: &Element) -> Self::State {
        self.hydrate::<false>(element)
    }

    fn rebuild(self, state: &mut Self::State) {
        *state = self.build(&state.0.clone());
    }

    fn into_cloneable(self) -> Self::Cloneable {
        self
    }

    fn into_cloneable_owned(self) -> Self::CloneableOwned {
        self
    }

    fn dry_resolve(&mut self) {
        self.0.invoke();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self
    }
}
