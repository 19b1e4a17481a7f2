//! What a window asks for that cannot be undone: what must be typed by hand is asked for here, so that no page forgets it.

use super::Engine;
use super::begin::name_wanted;
use crate::error::EngineError;
use crate::model::{EnvironmentName, ProjectName, SecretScope};
use crate::pages::HeldPage;
use crate::target::Life;

impl Engine {
    /// Returns who holds an environment, dead or alive; none where nobody does.
    ///
    /// # Errors
    /// When the environment does not exist, or the target does not answer.
    pub async fn held_page(&self, project: &ProjectName, name: &EnvironmentName) -> Result<Option<HeldPage>, EngineError> {
        Ok(self.lock_of(&self.folder_of(project)?, name).await?.map(HeldPage::from))
    }

    /// Takes the lock away from the holder of a number; false when that one does not hold it any more. The environment's name must have
    /// been typed when the holder lives.
    ///
    /// # Errors
    /// When the name is needed and another or none was typed (`name_wanted`), or the target does not answer.
    pub async fn take_lock_away(
        &self,
        project: &ProjectName,
        name: &EnvironmentName,
        number: u64,
        typed: Option<&str>,
    ) -> Result<bool, EngineError> {
        let folder = self.folder_of(project)?;
        let lives = self.lock_of(&folder, name).await?.is_some_and(|held| held.life == Life::Living);
        if lives && typed != Some(name.as_str()) {
            return Err(name_wanted(name));
        }
        self.unlock(&folder, name, number).await
    }

    /// Forgets a secret whose name was typed: its value cannot be brought back.
    ///
    /// # Errors
    /// When another name was typed (`name_wanted`); otherwise as [`Engine::unset_secret`].
    pub async fn forget_secret(
        &self,
        project: &ProjectName,
        scope: &SecretScope,
        name: &str,
        typed: &str,
    ) -> Result<(), EngineError> {
        if typed != name {
            return Err(EngineError::user("name_wanted", format!("{name} asks for its name before its value is forgotten"))
                .with_hint(format!("type `{name}`")));
        }
        self.unset_secret(&self.folder_of(project)?, scope, name).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::Home;

    #[tokio::test]
    async fn a_value_goes_only_when_its_name_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(Home { data: folder.path().join("home"), cache: folder.path().join("cache") }).unwrap();
        let project = ProjectName::new("shop");
        for typed in ["", "stripe_key", "DATABASE_URL"] {
            let error = engine.forget_secret(&project, &SecretScope::Every, "STRIPE_KEY", typed).await.unwrap_err();
            assert_eq!(error.problem.code, "name_wanted", "{typed}");
        }
    }
}
