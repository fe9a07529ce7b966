//! The small modules in `tests/modules/`, compiled once per run of the tests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The compiled module of that name.
pub fn module(name: &str) -> PathBuf {
    // Cargo would serialise the builds anyway, with a line of text for each.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let hub = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = match std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => dir.join("test-modules"),
        _ => hub.join("target/test-modules"),
    };
    match spaces_module_wasm::compile::compile(&hub.join("tests/modules").join(name), &target) {
        Ok(wasm) => wasm,
        Err(error) => panic!("{error}"),
    }
}
