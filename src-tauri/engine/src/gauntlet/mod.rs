//! gauntlet
