//! image

pub mod dockerfile;
