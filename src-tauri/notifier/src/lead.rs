//! Where a notice leads, and what may be done from it.

use nonevent_engine::Engine;
use nonevent_engine::model::{Notice, NoticeWeight};
use nonevent_engine::project::Project;

use crate::address::{Address, Screen};

/// Returns the screen that shows what a notice is about.
pub fn address_of(engine: &Engine, notice: &Notice) -> Address {
    let (project, environment) = (notice.project.clone(), notice.environment.clone());
    let screen = match notice.about.split_once('-') {
        Some(("incident", id)) => Screen::Incident(environment, id.to_owned()),
        Some(("rollout", id)) => {
            let rollouts = engine.rollouts(&project).unwrap_or_default();
            let run = rollouts.into_iter().find(|rollout| rollout.id.as_str() == id).map(|rollout| rollout.run);
            run.map_or(Screen::Environment(environment), Screen::Run)
        }
        Some(("exception", _) | ("errors", _)) => Screen::Logs(environment),
        Some(("job", _)) => Screen::Environment(environment),
        _ => Screen::Health(environment),
    };
    Address { project, screen }
}

/// Tells whether a press may go back to the last known good release: an outage, and no environment that asks for its name.
pub fn may_go_back(engine: &Engine, notice: &Notice) -> bool {
    if notice.weight != NoticeWeight::Outage || !notice.about.starts_with("incident-") {
        return false;
    }
    let project = engine.folder_of(&notice.project).ok().and_then(|folder| Project::open(&folder).ok());
    let environment = project.as_ref().and_then(|project| project.settings.environments.get(&notice.environment));
    environment.is_some_and(|environment| !environment.protected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use nonevent_engine::Home;
    use tempfile::TempDir;

    use super::*;

    fn notice(about: &str, environment: &str, weight: NoticeWeight) -> Notice {
        Notice {
            about: about.into(),
            project: "shop".into(),
            environment: environment.into(),
            release: None,
            weight,
            ends: None,
            title: String::new(),
            text: String::new(),
            url: None,
            at: String::new(),
        }
    }

    fn engine() -> (TempDir, Engine) {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("shop");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("app.py"), "from flask import Flask\napp = Flask(__name__)\n").unwrap();
        std::fs::write(project.join("requirements.txt"), "flask==3.1.2\ngunicorn==23.0.0\n").unwrap();
        std::fs::write(project.join("nonevent.toml"), "[app]\nname = \"shop\"\n[environments.production]\nprotected = true\n")
            .unwrap();
        let engine = Engine::open(Home { data: folder.path().join("home"), cache: folder.path().join("cache") }).unwrap();
        engine.add_project(&project).unwrap();
        (folder, engine)
    }

    #[test]
    fn each_notice_leads_to_what_it_is_about() {
        let (_folder, engine) = engine();
        for (about, address) in [
            ("incident-7", "nonevent://project/shop/health/local/7"),
            ("rollout-of-which-nothing-is-known", "nonevent://project/shop/environment/local"),
            ("exception-local-00ff", "nonevent://project/shop/logs/local"),
            ("errors-local", "nonevent://project/shop/logs/local"),
            ("job-local-backup", "nonevent://project/shop/environment/local"),
            ("test", "nonevent://project/shop/health/local"),
        ] {
            assert_eq!(address_of(&engine, &notice(about, "local", NoticeWeight::Outage)).to_string(), address);
        }
    }

    #[test]
    fn an_outage_may_be_gone_back_from_unless_its_environment_is_protected() {
        let (_folder, engine) = engine();
        let may = |about, environment, weight| may_go_back(&engine, &notice(about, environment, weight));
        assert!(may("incident-7", "local", NoticeWeight::Outage));
        assert!(!may("incident-7", "production", NoticeWeight::Outage));
        assert!(!may("incident-7", "nowhere", NoticeWeight::Outage));
        assert!(!may("incident-7", "local", NoticeWeight::Warning));
        assert!(!may("rollout-7", "local", NoticeWeight::Outage));
    }
}
