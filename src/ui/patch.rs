//! Makes what is on the page equal to new markup, node by node, touching only what differs.
//!
//! In the browser only. Children are matched by their place: good for drawings that change a little at a time.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

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
    for name in ["checked", "selected"] {
        // These attributes only say how an element begins.
        let name_in_js = JsValue::from_str(name);
        if Reflect::has(present, &name_in_js)? {
            Reflect::set(present, &name_in_js, &wanted.has_attribute(name).into())?;
        }
    }
    Ok(())
}
