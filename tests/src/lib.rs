//! End-to-end tests of Spaces: a real hub, real daemons, the real command line
