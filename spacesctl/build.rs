//! How the program is linked.
//!
//! Hooks and prompts start it at every turn, and nearly all of that time is the
//! system mapping the program into memory, a page at a time.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}"));
    if target("OS").as_deref() != Ok("linux") || target("ENV").as_deref() != Ok("gnu") {
        return;
    }
    // With the unwinder in the program itself one shared library goes: gcc has
    // both forms side by side.
    println!("cargo::rustc-link-lib=dylib=gcc_eh");
    // At a fixed address no pointer in its tables has to be changed at the start,
    // which touches each of their pages: a sixth of the time of a short command.
    // Stack, heap and libraries are at random places all the same.
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
