//! A small blocking client of the Spaces socket
