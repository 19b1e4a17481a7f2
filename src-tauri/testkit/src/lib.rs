//! What Nonevent's own tests share.

pub mod sample;
