//! Builds `spacetime-module/` and puts the result where `src/lib.rs` includes it.

use std::env;
use std::path::{Path, PathBuf};

#[path = "src/compile.rs"]
mod compile;

fn main() {
    if let Err(error) = run() {
        // `cargo::error` prints the text alone, without a panic's backtrace.
        for line in error.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn run() -> Result<(), String> {
    let repository = repository()?;
    let module = repository.join("spacetime-module");
    let domain = repository.join("crates/spaces-domain");
    for watched in [
        module.join("src"),
        module.join("Cargo.toml"),
        module.join("Cargo.lock"),
        domain.join("src"),
        domain.join("Cargo.toml"),
        repository.join("Cargo.toml"),
    ] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    println!("cargo::rerun-if-changed=src/compile.rs");

    let target_dir = match env::var_os("CARGO_TARGET_DIR").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => dir.join("module"),
        // A relative one is relative to where cargo was started, which a build
        // script does not know.
        _ => module.join("target"),
    };
    let wasm = compile::compile(&module, &target_dir)?;
    let out =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo set no OUT_DIR")?).join("module.wasm");
    std::fs::copy(&wasm, &out).map_err(|error| {
        format!(
            "could not copy {} to {}: {error}",
            wasm.display(),
            out.display()
        )
    })?;
    Ok(())
}

fn repository() -> Result<PathBuf, String> {
    let manifest_dir =
        env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo set no CARGO_MANIFEST_DIR")?;
    Path::new(&manifest_dir)
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| "this crate is not in crates/ of the repository".to_owned())
}
