mod digest;
mod ranking;
