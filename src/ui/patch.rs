//! Makes what is on the page equal to new markup, node by node, touching only what differs.
//!
//! In the browser only. Children are matched by their place: good for drawings that change a little at a time.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

/// Elements that a reader can tick or choose.
const CHOICES: &str = "input, option";

/// Makes the content of `host` what `markup` says.
pub(super) fn patch(host: &Element, markup: &str) -> Result<(), JsValue> {
    // A copy of the host, so that SVG inside SVG is read as such.
    let wanted: Element = host.clone_node()?.unchecked_into();
    wanted.set_inner_html(markup);
    match_children(host, &wanted)
}

fn match_children(present: &Node, wanted: &Node) -> Result<(), JsValue> {
    let mut old = present.first_child();
    let mut new = wanted.first_child();
    while let Some(node) = new {
        new = node.next_sibling();
        let Some(kept) = old.take() else {
            present.append_child(&node)?;
            continue;
        };
        old = kept.next_sibling();
        if is_settled(&kept, &node)? {
            continue;
        }
        if kept.node_name() != node.node_name() {
            present.replace_child(&node, &kept)?;
        } else if kept.node_type() == Node::ELEMENT_NODE {
            match_attributes(kept.unchecked_ref(), node.unchecked_ref())?;
            match_children(&kept, &node)?;
        } else if kept.node_value() != node.node_value() {
            kept.set_node_value(node.node_value().as_deref());
        }
    }
    while let Some(surplus) = old {
        old = surplus.next_sibling();
        present.remove_child(&surplus)?;
    }
    Ok(())
}

/// Whether there is nothing to do: most of a drawing stays as it is, and the browser sees that faster than we do. What a reader has
/// ticked or chosen is not in the markup, so elements that hold such things are always gone through.
fn is_settled(kept: &Node, node: &Node) -> Result<bool, JsValue> {
    if !kept.is_equal_node(Some(node)) {
        return Ok(false);
    }
    match kept.dyn_ref::<Element>() {
        Some(element) => Ok(!element.matches(CHOICES)? && element.query_selector(CHOICES)?.is_none()),
        None => Ok(true),
    }
}

fn match_attributes(present: &Element, wanted: &Element) -> Result<(), JsValue> {
    for name in wanted.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        let value = wanted.get_attribute(&name);
        if present.get_attribute(&name) != value {
            present.set_attribute(&name, &value.unwrap_or_default())?;
        }
    }
    for name in present.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        // Whether `<details>` are folded out is the reader's business.
        if name != "open" && !wanted.has_attribute(&name) {
            present.remove_attribute(&name)?;
        }
    }
    if !present.matches(CHOICES)? {
        return Ok(());
    }
    for name in ["checked", "selected"] {
        // These attributes only say how an element begins.
        let name_in_js = JsValue::from_str(name);
        if Reflect::has(present, &name_in_js)? {
            Reflect::set(present, &name_in_js, &wanted.has_attribute(name).into())?;
        }
    }
    Ok(())
}
