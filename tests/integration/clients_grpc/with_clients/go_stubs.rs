//! The stubs of the example in Go are those of `proto/`. A plugin of protoc reads descriptors from
//! its standard input, so no protoc is needed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use prost::Message;
use psycache::proto::DESCRIPTORS;

const PROTO: &str = "psycache/v1/cache.proto";
const PARAMETER: &str = "module=example,Mpsycache/v1/cache.proto=example/psycachev1";
const PLUGINS: [&str; 2] = ["protoc-gen-go", "protoc-gen-go-grpc"];

/// Has the test write the stubs in place of comparing them.
const WRITE: &str = "PSYCACHE_WRITE_STUBS";

/// google.protobuf.FileDescriptorSet.
#[derive(Message)]
struct Descriptors {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

/// google.protobuf.FileDescriptorProto.
#[derive(Message)]
struct Descriptor {
    #[prost(string, tag = "1")]
    name: String,
}

/// google.protobuf.compiler.CodeGeneratorRequest.
#[derive(Message)]
struct Request {
    #[prost(string, repeated, tag = "1")]
    files_to_generate: Vec<String>,
    #[prost(string, tag = "2")]
    parameter: String,
    #[prost(bytes = "vec", repeated, tag = "15")]
    files: Vec<Vec<u8>>,
}

/// google.protobuf.compiler.CodeGeneratorResponse.
#[derive(Message)]
struct Response {
    #[prost(string, tag = "1")]
    error: String,
    #[prost(message, repeated, tag = "15")]
    files: Vec<File>,
}

#[derive(Message)]
struct File {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "15")]
    content: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients/go")
}

fn generate(plugin: &str) -> Vec<File> {
    let mut files = Descriptors::decode(DESCRIPTORS).unwrap().files;
    files.retain(|file| Descriptor::decode(&**file).unwrap().name == PROTO);
    let parameter = PARAMETER.to_owned();
    let request = Request { files_to_generate: vec![PROTO.to_owned()], parameter, files };
    let mut go = Command::new("go");
    go.args(["tool", plugin]).current_dir(folder());
    go.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut go = go.spawn().expect("`cargo xtask test` installs Go");
    let mut input = go.stdin.take().unwrap();
    thread::spawn(move || input.write_all(&request.encode_to_vec()));
    // It compiles the plugin first, for as long as that takes.
    let output = go.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let response = Response::decode(&*output.stdout).unwrap();
    assert_eq!(response.error, "");
    response.files
}

#[test]
fn the_stubs_in_go_are_those_of_the_proto() {
    let stubs: Vec<_> = PLUGINS.into_iter().flat_map(generate).collect();
    assert_eq!(stubs.len(), 2);
    for stub in stubs {
        let path = folder().join(&stub.name);
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, &stub.content).unwrap();
        }
        let is = fs::read_to_string(&path).unwrap_or_default();
        assert!(is == stub.content, "{WRITE}=1 would have this test write {}", path.display());
    }
}
