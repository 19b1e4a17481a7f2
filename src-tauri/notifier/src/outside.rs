//! Handing something to the system: what it shows an address or a folder with is found and started, and left to itself.

use std::ffi::OsStr;
use std::io;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nonevent_engine::process;

/// What cannot open something says so at once; what still goes on then has taken it.
const AT_ONCE: Duration = Duration::from_millis(250);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Opens an address or a folder with the program that the system has for it. Takes a moment.
///
/// # Errors
/// When there is none, or every one refused it.
pub fn open(what: impl AsRef<OsStr>) -> io::Result<()> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the system names no program for it");
    for command in open::commands(what) {
        match process::start_apart(command).and_then(taken) {
            Ok(()) => return Ok(()),
            // What is not there says less than what refused.
            Err(error) if error.kind() == io::ErrorKind::NotFound && failed.kind() != io::ErrorKind::NotFound => {}
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn taken(mut child: Child) -> io::Result<()> {
    let until = Instant::now() + AT_ONCE;
    while Instant::now() < until {
        match child.try_wait()? {
            // Windows' own ends with 1 when all is well.
            Some(status) if status.success() || cfg!(windows) => return Ok(()),
            Some(status) => return Err(io::Error::other(status.to_string())),
            None => thread::sleep(LOOK),
        }
    }
    process::see_off(child);
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::*;

    #[test]
    fn what_refuses_is_told_from_what_takes_it() {
        let started = |program: &str| process::start_apart(Command::new(program)).unwrap();
        taken(started("true")).unwrap();
        assert!(taken(started("false")).unwrap_err().to_string().contains('1'));
        let mut long = Command::new("sleep");
        long.arg("2");
        taken(process::start_apart(long).unwrap()).unwrap();
    }
}
