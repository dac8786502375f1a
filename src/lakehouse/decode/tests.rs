//! What the decoders promise: every type, every refusal, and that no bytes whatever harm the rows before them.

mod arrow;
mod builder;
mod encoders;
mod json;
mod model;
mod protobuf;
mod random;
