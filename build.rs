//! Compiles `proto/` for the server. Also runs for the browser build, which needs none of it.

#![allow(clippy::print_stdout, reason = "that is how a build script talks to cargo")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=proto");
    #[cfg(feature = "ssr")]
    compile_protos()?;
    Ok(())
}

/// protox is a protobuf compiler in Rust: no `protoc` needs to be installed.
#[cfg(feature = "ssr")]
fn compile_protos() -> Result<(), Box<dyn std::error::Error>> {
    let product = protox::compile(["product_record.proto"], ["proto"])?;
    // The writer announces the message to the table with this descriptor.
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("product_record.desc"), prost::Message::encode_to_vec(&product))?;
    let builder =
        || tonic_prost_build::configure().emit_rerun_if_changed(false).build_client(false).build_transport(false);
    builder().build_server(false).compile_fds(product)?;
    if std::env::var_os("CARGO_FEATURE_LOCAL").is_some() {
        let zerobus = protox::compile(["zerobus.proto"], ["proto"])?;
        builder().bytes(".").build_server(true).compile_fds(zerobus.clone())?;
        // The client is in a folder of its own, where the tests include it and the program does not.
        let client = out.join("client");
        std::fs::create_dir_all(&client)?;
        builder().bytes(".").build_server(false).build_client(true).out_dir(client).compile_fds(zerobus)?;
    }
    Ok(())
}
