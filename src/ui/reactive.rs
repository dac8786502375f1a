//! What changes in a view: text, flags, and whole drawings. Each kind is one type for all its uses.
//!
//! A closure written straight into `view!` is a type of its own, and Leptos is compiled for each of them. Through
//! [`text`], [`flag`], [`perhaps`] and [`drawn`] it is compiled once (docs/decisions/0002-wasm-diet.md).

use std::sync::{Arc, Mutex};

use leptos::prelude::*;
use leptos::reactive::effect::RenderEffect;
use leptos::tachys::html::element::InnerHtmlValue;
use leptos::tachys::reactive_graph::{ReactiveFunction, SharedReactiveFunction};
use leptos::tachys::renderer::types::Element;

/// Text: the content of an element, or the value of an attribute or property.
pub fn text<T: Into<String>>(value: impl Fn() -> T + Send + 'static) -> SharedReactiveFunction<String> {
    Arc::new(Mutex::new(move || value().into()))
}

/// Whether an attribute such as `disabled` or `hidden` is there.
pub fn flag(value: impl Fn() -> bool + Send + 'static) -> SharedReactiveFunction<bool> {
    Arc::new(Mutex::new(value))
}

/// The value of an attribute that is left out for `None`.
pub fn perhaps(value: impl Fn() -> Option<String> + Send + 'static) -> SharedReactiveFunction<Option<String>> {
    Arc::new(Mutex::new(value))
}

/// Everything inside an element, as [`super::markup`]; for `inner_html`. The server draws it into the page; in the
/// browser nodes that stay what they are keep their focus, their motion and whether they are folded out.
pub fn drawn(draw: impl Fn() -> String + Send + 'static) -> Drawn {
    Drawn(Arc::new(Mutex::new(draw)))
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
            if before.map_or(!FROM_SERVER, |before| before != markup) {
                super::browser::patch(&host, &markup);
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
