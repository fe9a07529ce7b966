//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Hooks and prompts start it at every turn, and a good part of a start is
    // loading shared libraries. With the unwinder in the program itself one of
    // them goes: gcc has both forms side by side.
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}"));
    if target("OS").as_deref() == Ok("linux") && target("ENV").as_deref() == Ok("gnu") {
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
    }
}
