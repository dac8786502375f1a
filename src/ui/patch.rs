//! Makes what is on the page equal to new markup, node by node, touching only what differs.
//!
//! In the browser only. Where texts and attributes are all that differs, only these are touched. Otherwise children are matched by
//! their place: good for drawings that change a little at a time.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

use super::edits::{Change, Edit, edits};

/// Elements that a reader can tick or choose.
const CHOICES: &str = "input, option";

/// Makes the content of `host` what `markup` says; `before` is what it was made of, if that is known.
pub(super) fn patch(host: &Element, before: Option<&str>, markup: &str) -> Result<(), JsValue> {
    if let Some(edits) = before.and_then(|before| edits(before, markup))
        && apply_all(host, &edits).is_some()
    {
        return Ok(());
    }
    // A copy of the host, so that SVG inside SVG is read as such.
    let wanted: Element = host.clone_node()?.unchecked_into();
    wanted.set_inner_html(markup);
    match_children(host, &wanted)
}

/// Changes these nodes; `None` as soon as one is not what the markup speaks of.
fn apply_all(host: &Node, edits: &[Edit<'_>]) -> Option<()> {
    // The nodes on the way to the last one: the next is rarely far from it.
    let mut way: Vec<(u32, Node)> = Vec::new();
    for edit in edits {
        let shared = way.iter().zip(&edit.path).take_while(|((place, _), wanted)| place == *wanted).count();
        let sibling = way.get(shared).zip(edit.path.get(shared)).filter(|((place, _), wanted)| *place < **wanted);
        let sibling = sibling.map(|(known, _)| known.clone());
        way.truncate(shared);
        for (depth, wanted) in edit.path.iter().enumerate().skip(shared) {
            let (mut place, mut node) = match &sibling {
                Some(known) if depth == shared => known.clone(),
                _ => (0, way.last().map_or(host, |(_, node)| node).first_child()?),
            };
            while place < *wanted {
                node = node.next_sibling()?;
                place += 1;
            }
            way.push((place, node));
        }
        apply(&way.last()?.1, &edit.change)?;
    }
    Some(())
}

/// Changes one node; `None` when it is not the one that the markup speaks of.
fn apply(node: &Node, change: &Change<'_>) -> Option<()> {
    match change {
        Change::Text { from, to } => {
            (node.node_type() == Node::TEXT_NODE && node.node_value().as_ref() == Some(from)).then_some(())?;
            node.set_node_value(Some(to));
        }
        Change::Attribute { tag, name, to } => {
            let element = node.dyn_ref::<Element>()?;
            (element.local_name() == *tag && element.has_attribute(name)).then_some(())?;
            element.set_attribute(name, to).ok()?;
        }
    }
    Some(())
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
