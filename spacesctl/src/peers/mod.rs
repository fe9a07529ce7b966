//! What others wrote, made ready to stand in an agent's context: each text
//! cleaned, and in a marked block that says who wrote it.

mod entry;
mod page;
mod text;

pub use entry::{Entry, place};
pub use page::{Keep, Page, freshness};
pub use text::{Blocks, Head, clean, inline, minute, printable};
