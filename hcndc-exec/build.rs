//! Makes Rust of the protocol, without any program that must be installed for it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/hcndc.proto");
    let files = protox::compile(["proto/hcndc.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .btree_map(".")
        .compile_fds(files)?;
    Ok(())
}
