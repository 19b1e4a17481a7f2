//! Who holds an environment, and taking its lock away.

use std::path::Path;

use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::EnvironmentName;
use crate::target::Held;

impl Engine {
    /// Returns who holds an environment's lock, dead or alive; none where nobody does.
    ///
    /// # Errors
    /// When the environment does not exist, or the target does not answer.
    pub async fn lock_of(&self, folder: &Path, name: &EnvironmentName) -> Result<Option<Held>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        Ok(target.held(&place(&project, name)).await?)
    }

    /// Takes the lock away from the holder of a number, and from no other; false when that one does not hold it any more. Whatever it
    /// does next is refused by the target.
    ///
    /// # Errors
    /// When the environment does not exist, or the target does not answer.
    pub async fn unlock(&self, folder: &Path, name: &EnvironmentName, number: u64) -> Result<bool, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        Ok(target.depose(&place(&project, name), number).await?)
    }
}
