//! Starts a run from one request, as the window does: what must be typed by hand is asked for here, so that no face forgets it.

use super::{Engine, environment};
use crate::error::EngineError;
use crate::model::{EnvironmentName, ProjectName};
use crate::pages::{RunRequest, Said};
use crate::project::Project;
use crate::request::{Asked, CheckRequest, Consent, Run, ShipRequest};
use crate::target::Leave;

impl Engine {
    /// Starts what is asked for. The environment's name must have been typed where it is protected, and where its data goes for good. A
    /// rollout that cannot promise that no request is lost waits for [`Run::approval`].
    ///
    /// # Errors
    /// When the name is needed and another or none was typed (`name_wanted`); otherwise as the use case itself.
    pub async fn begin(&self, project: &ProjectName, request: RunRequest, said: Said) -> Result<Run, EngineError> {
        let folder = self.folder_of(project)?;
        if let Some(name) = request.environment() {
            let asked = matches!(request, RunRequest::Down { leave: Leave::Nothing, .. })
                || environment(&Project::open(&folder)?, name)?.1.protected;
            if asked && said.typed.as_deref() != Some(name.as_str()) {
                return Err(name_wanted(name));
            }
        }
        let Said { held, anyway, message, .. } = said;
        let engine = self.asked(Asked { held, message, anyway, consent: Consent::Ask });
        match request {
            RunRequest::Ship { environment, untested, dirty, gates, after_red, preview, bake } => {
                engine.ship(&folder, ShipRequest { environment, untested, dirty, bake, gates, after_red, preview })
            }
            RunRequest::Check { gates, after_red } => engine.check(&folder, CheckRequest { gates, after_red }),
            RunRequest::Rollback { environment, release } => {
                engine.rollback(&folder, &environment, release.as_ref().map(|release| release.as_str())).await
            }
            RunRequest::Restart { environment } => engine.restart(&folder, &environment).await,
            RunRequest::Down { environment, leave } => engine.down(&folder, &environment, leave).await,
        }
    }
}

pub(super) fn name_wanted(name: &EnvironmentName) -> EngineError {
    EngineError::user("name_wanted", format!("`{name}` asks for its name before anything is done to it"))
        .with_hint(format!("type `{name}`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::engine::Home;

    fn engine(folder: &Path) -> (Engine, ProjectName) {
        let project = folder.join("shop");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("app.py"), "from flask import Flask\napp = Flask(__name__)\n").unwrap();
        std::fs::write(project.join("requirements.txt"), "flask==3.1.2\ngunicorn==23.0.0\n").unwrap();
        std::fs::write(project.join("nonevent.toml"), "[app]\nname = \"shop\"\n[environments.production]\nprotected = true\n")
            .unwrap();
        let engine = Engine::open(Home { data: folder.join("home"), cache: folder.join("cache") }).unwrap();
        let name = engine.add_project(&project).unwrap();
        (engine, name)
    }

    fn typed_as(name: Option<&str>) -> Said {
        Said { typed: name.map(str::to_owned), ..Said::default() }
    }

    #[tokio::test]
    async fn a_protected_environment_asks_for_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, project) = engine(folder.path());
        let restart = RunRequest::Restart { environment: EnvironmentName::new("production") };
        for typed in [None, Some(""), Some("Production"), Some("local")] {
            let error = engine.begin(&project, restart.clone(), typed_as(typed)).await.unwrap_err();
            assert_eq!(error.problem.code, "name_wanted", "{typed:?}");
        }
    }

    #[tokio::test]
    async fn data_goes_only_when_the_name_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, project) = engine(folder.path());
        let down = RunRequest::Down { environment: EnvironmentName::new("local"), leave: Leave::Nothing };
        let error = engine.begin(&project, down, Said::default()).await.unwrap_err();
        assert_eq!(error.problem.code, "name_wanted");
    }
}
