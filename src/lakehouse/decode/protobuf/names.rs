//! Type names in a descriptor that came without its file.
//!
//! A client sends the `DescriptorProto` alone, so its package is lost, and a field may call a nested type
//! `.shop.v1.Order.Item` where all that is known is `Order.Item`.

use std::collections::HashSet;

use prost_types::DescriptorProto;

/// Takes from each type name whatever stands before the message's own name, if what is left is a type it carries.
/// Other names stay as they are, and are not found later.
pub(super) fn without_package(message: &mut DescriptorProto) {
    let mut carried = HashSet::new();
    collect(message, "", &mut carried);
    shorten(message, &carried);
}

fn collect(message: &DescriptorProto, outer: &str, carried: &mut HashSet<String>) {
    let name = format!("{outer}.{}", message.name());
    carried.extend(message.enum_type.iter().map(|kind| format!("{name}.{}", kind.name())));
    message.nested_type.iter().for_each(|nested| collect(nested, &name, carried));
    carried.insert(name);
}

fn shorten(message: &mut DescriptorProto, carried: &HashSet<String>) {
    for field in &mut message.field {
        let Some(name) = field.type_name.as_mut().filter(|name| name.starts_with('.')) else { continue };
        // The longest first: a package may be called as the message is.
        let dots = name.match_indices('.').map(|(dot, _)| dot);
        let suffix = dots.filter_map(|dot| name.get(dot..)).find(|suffix| carried.contains(*suffix));
        if let Some(suffix) = suffix {
            *name = suffix.to_owned();
        }
    }
    message.nested_type.iter_mut().for_each(|nested| shorten(nested, carried));
}
