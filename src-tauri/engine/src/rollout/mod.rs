//! Moves an environment from one release to another.
//!
//! `plan` is pure: desired and observed in, steps out. `run` does the steps and journals each before and after. `recover` looks at the
//! target alone and ends what an ended process left in the middle. Knows no Docker: everything goes through [`crate::target::Target`].

mod error;
mod lease;
mod plan;
mod recover;
mod run;
mod scene;
mod watch;

pub use error::RolloutError;
pub use lease::{HEARTBEAT, Lease};
pub use plan::{Change, Desired, change, plan};
pub use recover::{Leftover, leftovers, recover};
pub use run::{Finished, Order, Rollout};
pub use scene::Source;
