//! The scripted engine as the contract's world.

use async_trait::async_trait;
use nonevent_engine::model::{CommandLine, Digest};
use nonevent_engine::target::Target;

use super::app::{Script, print_and_end};
use super::{ScriptedEngine, ScriptedTarget};
use crate::contract::{Behaviour, Held, Reply, World};

/// A scripted engine with two processes.
#[derive(Debug)]
pub struct ScriptedWorld {
    engine: ScriptedEngine,
    target: ScriptedTarget,
    impatient: ScriptedTarget,
}

impl ScriptedEngine {
    /// The world in which the contract is run on it.
    pub fn world(&self) -> ScriptedWorld {
        ScriptedWorld { engine: self.clone(), target: self.process(), impatient: self.impatient_process() }
    }

    fn reply(&self, domain: &str) -> Reply {
        let answered = self.state().request(domain);
        match answered {
            Some(release) => Reply { status: 200, body: release.to_string() },
            None => Reply { status: 503, body: "nothing is served here".to_owned() },
        }
    }
}

struct HeldRequest {
    engine: ScriptedEngine,
    number: u64,
    reply: Reply,
}

#[async_trait]
impl Held for HeldRequest {
    async fn finish(self: Box<Self>) -> Reply {
        self.engine.state().held.remove(&self.number);
        self.engine.changed.notify_waiters();
        self.reply.clone()
    }
}

#[async_trait]
impl World for ScriptedWorld {
    fn target(&self) -> &dyn Target {
        &self.target
    }

    fn impatient(&self) -> &dyn Target {
        &self.impatient
    }

    async fn everything(&self) -> Vec<String> {
        self.engine.everything()
    }

    fn image(&self) -> Digest {
        "sha256:5c".into()
    }

    fn app(&self, behaviour: Behaviour) -> CommandLine {
        match behaviour {
            Behaviour::Healthy => Script::Healthy,
            Behaviour::Sick => Script::Sick,
            Behaviour::Crash => Script::Crash,
            Behaviour::Idle => Script::Idle,
        }
        .command()
    }

    fn command(&self, text: &str, exit_code: u8) -> CommandLine {
        print_and_end(text, i64::from(exit_code))
    }

    async fn request(&self, domain: &str) -> Reply {
        self.engine.reply(domain)
    }

    async fn hold(&self, domain: &str) -> Box<dyn Held> {
        let reply = self.engine.reply(domain);
        let number = {
            let mut state = self.engine.state();
            let (instance, _) = state.answer(domain).unwrap();
            let number = state.number();
            state.held.insert(number, instance);
            number
        };
        Box::new(HeldRequest { engine: self.engine.clone(), number, reply })
    }
}
