//! Compiles `proto/` with protox, so that no `protoc` is needed.

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

const PROTOS: [&str; 3] =
    ["psycache/v1/cache.proto", "psycache/v1/peer.proto", "psycache/v1/admin.proto"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    // A client calls the first service, and serves none.
    let is_node = std::env::var_os("CARGO_FEATURE_NODE").is_some();
    let protos = if is_node { &PROTOS[..] } else { &PROTOS[..1] };
    let mut descriptors = protox::compile(protos, ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    // Reflection shows the proto as it is written.
    let described = prost::Message::encode_to_vec(&descriptors);
    std::fs::write(out.join("descriptors.bin"), described)?;
    keys_as_bytes(&mut descriptors);
    tonic_prost_build::configure()
        .build_server(is_node)
        .bytes(".")
        .codec_path("crate::transport::codec::Messages")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Keys and group names are `string` on the wire contract, but the node reads
/// them as bytes: a slice of the request's buffer instead of a fresh `String`,
/// and text that is not UTF-8 becomes our own INVALID_ARGUMENT instead of the
/// transport's INTERNAL. Both encode alike.
fn keys_as_bytes(descriptors: &mut FileDescriptorSet) {
    fn visit(message: &mut DescriptorProto) {
        let is_map_entry = message.options.as_ref().is_some_and(|o| o.map_entry());
        if is_map_entry {
            return;
        }
        for field in &mut message.field {
            let raw = matches!(field.name(), "group" | "key" | "keys");
            if raw && field.r#type() == Type::String {
                field.set_type(Type::Bytes);
            }
        }
        message.nested_type.iter_mut().for_each(visit);
    }
    for file in &mut descriptors.file {
        file.message_type.iter_mut().for_each(visit);
    }
}
