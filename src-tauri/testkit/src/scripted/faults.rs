//! Calls of one process, and what goes wrong with them.

use std::sync::Mutex;

use nonevent_engine::target::TargetError;
use tokio::sync::Notify;

use super::ScriptedTarget;

/// A method of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // They are the trait's names.
pub enum Method {
    Info,
    Observe,
    Lock,
    Beat,
    Unlock,
    Held,
    Depose,
    UntilFreed,
    Prepare,
    RunOnce,
    EndOnce,
    RunJob,
    Start,
    Stage,
    Probe,
    Switch,
    Share,
    Rest,
    Wake,
    Join,
    Traffic,
    Room,
    Rescale,
    Drain,
    Retire,
    Logs,
    Examine,
    Exec,
    Down,
    Earlier,
    Places,
    Garbage,
    Sweep,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the engine says so.
    Fail,
    /// It is done, but the answer is lost: the caller is told that the engine does not answer.
    FailAfter,
    /// The process dies before it is done.
    DieBefore,
    /// The process dies when half of it is done, where it has halves: `start` leaves a container that was never started, `retire` one
    /// that was stopped; elsewhere as `DieBefore`.
    DieHalfway,
    /// The process dies after it is done.
    DieAfter,
}

/// Where in a call a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    Halfway,
    After,
}

/// One process: what it called, and what will go wrong.
#[derive(Debug, Default)]
pub(super) struct Process {
    book: Mutex<Book>,
    death: Notify,
}

#[derive(Debug, Default)]
struct Book {
    calls: Vec<Method>,
    planned: Vec<(Trigger, Fault)>,
    dead: bool,
}

#[derive(Debug, Clone, Copy)]
enum Trigger {
    /// The nth call of a method.
    Method(Method, usize),
    /// The nth call of all.
    Call(usize),
}

impl ScriptedTarget {
    /// Plans a fault for the nth call of a method, counted from 1.
    pub fn fault(&self, method: Method, nth: usize, fault: Fault) {
        self.process.book.lock().unwrap().planned.push((Trigger::Method(method, nth), fault));
    }

    /// Plans a fault for the nth call of all, counted from 1 and without `Beat`, `Probe` and `UntilFreed`, whose number depends on time.
    pub fn fault_at(&self, nth: usize, fault: Fault) {
        self.process.book.lock().unwrap().planned.push((Trigger::Call(nth), fault));
    }

    /// What this process has called, in order.
    pub fn calls(&self) -> Vec<Method> {
        self.process.book.lock().unwrap().calls.clone()
    }

    /// What it has called without `Beat` and `Probe`: the calls that `fault_at` counts.
    pub fn counted_calls(&self) -> Vec<Method> {
        self.calls().into_iter().filter(|method| is_counted(*method)).collect()
    }

    /// Returns when this process has died.
    pub async fn died(&self) {
        loop {
            let death = self.process.death.notified();
            if self.is_dead() {
                return;
            }
            death.await;
        }
    }

    /// Tells whether this process has died.
    pub fn is_dead(&self) -> bool {
        self.process.book.lock().unwrap().dead
    }

    /// Notes a call and returns its fault.
    pub(super) async fn called(&self, method: Method) -> Result<Option<Fault>, TargetError> {
        let fault = {
            let mut book = self.process.book.lock().unwrap();
            if !book.dead {
                book.calls.push(method);
            }
            let of_method = book.calls.iter().filter(|call| **call == method).count();
            let of_all = book.calls.iter().filter(|call| is_counted(**call)).count();
            let due = book.planned.iter().position(|(trigger, _)| match *trigger {
                Trigger::Method(planned, nth) => planned == method && nth == of_method,
                Trigger::Call(nth) => is_counted(method) && nth == of_all,
            });
            due.map(|index| book.planned.remove(index).1)
        };
        self.live(fault, Moment::Before).await;
        match fault {
            Some(Fault::Fail) => Err(TargetError::Refused {
                operation: format!("{method:?}").to_lowercase(),
                reason: "the script says so".to_owned(),
            }),
            fault => Ok(fault),
        }
    }

    /// Goes on living, or dies: then it never returns.
    pub(super) async fn live(&self, fault: Option<Fault>, moment: Moment) {
        let fatal = matches!(
            (fault, moment),
            (Some(Fault::DieBefore), Moment::Before)
                | (Some(Fault::DieHalfway), Moment::Halfway)
                | (Some(Fault::DieAfter), Moment::After)
        );
        if fatal {
            self.process.book.lock().unwrap().dead = true;
            self.process.death.notify_waiters();
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends a call: the answer gets lost, or the process dies, or all is well.
    pub(super) async fn answered<T>(&self, fault: Option<Fault>, result: Result<T, TargetError>) -> Result<T, TargetError> {
        self.live(if fault == Some(Fault::DieHalfway) { Some(Fault::DieAfter) } else { fault }, Moment::After).await;
        match fault {
            Some(Fault::FailAfter) => Err(TargetError::Unreachable {
                host: "scripted".to_owned(),
                reason: "the answer was lost, as the script says".to_owned(),
            }),
            _ => result,
        }
    }
}

fn is_counted(method: Method) -> bool {
    !matches!(method, Method::Beat | Method::Probe | Method::UntilFreed)
}
