//! project

pub mod lock;
pub mod pins;
