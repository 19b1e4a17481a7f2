//! Databases and queues that cannot be used, and tables that are not there.

use super::case::{Case, Crash, Situation};
use super::log::between;
use super::traceback::Link;
use super::words::{brief, shown};
use crate::model::{Cause, Certainty, DatabaseTrouble, Framework, MigrationTool, Suspect};

/// Recognises a table that is missing, or a migration that was not run.
pub(super) fn not_migrated(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    missing_table(case, crash.certainty, &link.exception, link.headline(), shown(case, link), is_of_alembic(link))
}

fn missing_table(
    case: &Case<'_>,
    certainty: Certainty,
    exception: &str,
    said: &str,
    evidence: Vec<String>,
    of_alembic: bool,
) -> Option<Suspect> {
    let table = between(said, "relation \"", "\" does not exist")
        .or_else(|| said.split_once("no such table: ").map(|(_, table)| table.split_whitespace().next().unwrap_or(table)))
        .or_else(|| between(said, "Table '", "' doesn't exist"))
        .map(str::to_owned);
    let behind = said.contains("Target database is not up to date") || said.contains("Can't locate revision identified by");
    if table.is_none() && !behind {
        return None;
    }
    let source = case.symptoms.source.as_ref();
    let tool = if exception.starts_with("django.") || case.symptoms.framework == Some(Framework::Django) {
        MigrationTool::Django
    } else if behind || of_alembic || source.is_some_and(|source| source.alembic) {
        MigrationTool::Alembic
    } else {
        MigrationTool::Unknown
    };
    let sentence = match &table {
        Some(table) => format!("the database has no table `{table}`: its migrations were not run"),
        None => "the database is not at the revision that the app expects: its migrations were not run".to_owned(),
    };
    let fix = match tool {
        MigrationTool::Django => {
            "let every release migrate first: `[release] before_start = \"python manage.py migrate --no-input\"`"
        }
        MigrationTool::Alembic => "let every release migrate first: `[release] before_start = \"alembic upgrade head\"`",
        MigrationTool::Unknown => "let every release make its tables first: `[release] before_start` with the command that does",
    };
    Some(case.suspect(Cause::NotMigrated { table, tool }, certainty, sentence, evidence, fix.to_owned()))
}

fn is_of_alembic(link: &Link) -> bool {
    link.exception.starts_with("alembic.") || link.frames.iter().any(|frame| frame.file.contains("/alembic/"))
}

/// Recognises a database, or a queue, that does not answer.
pub(super) fn unreachable(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let (trouble, address) = trouble(&link.message).or_else(|| {
        // Sockets say only that they were refused: what asked must be a client of databases.
        let clients =
            ["/asyncpg/", "/psycopg", "/redis/", "/pymysql/", "/MySQLdb/", "/pymongo/", "/aiomysql/", "/kombu/", "/amqp/"];
        let asked = link.frames.iter().any(|frame| clients.iter().any(|client| frame.file.contains(client)));
        let refused = link.name() == "ConnectionRefusedError" || link.headline().contains("Connection refused");
        let unknown = link.name() == "gaierror" || link.headline().contains("Name or service not known");
        match asked {
            true if refused => Some((DatabaseTrouble::Refused, None)),
            true if unknown => Some((DatabaseTrouble::UnknownHost, None)),
            _ => None,
        }
    })?;
    let address = address.or_else(|| pair(&link.message));
    Some(suspect(case, crash.certainty, trouble, address, shown(case, link)))
}

/// Recognises an app that waits for its database, or answers with what went wrong with it, without an exception.
pub(super) fn without_exception(case: &Case<'_>) -> Option<Suspect> {
    match case.situation {
        Situation::Answers(500..) => {
            let line = case.answer.lines().find(|line| !line.trim().is_empty())?;
            let evidence = || case.probe_line().into_iter().collect::<Vec<_>>();
            let found = trouble(line).map(|(trouble, address)| suspect(case, Certainty::Likely, trouble, address, evidence()));
            found.or_else(|| missing_table(case, Certainty::Likely, "", line, evidence(), false))
        }
        Situation::Silent if case.symptoms.examined.sockets.as_ref().is_some_and(Vec::is_empty) => {
            // The last thing that it said, and nothing came of it since.
            let line = case.log.lines.iter().rev().find(|line| !line.trim().is_empty())?;
            let (trouble, address) = trouble(line)?;
            Some(suspect(case, Certainty::Likely, trouble, address, vec![brief(line)]))
        }
        _ => None,
    }
}

/// Reads the words of drivers.
fn trouble(said: &str) -> Option<(DatabaseTrouble, Option<String>)> {
    let server = between(said, "connection to server at \"", "\"").map(|host| {
        let port = between(said, ", port ", " failed").unwrap_or_default();
        // libpq adds the address in brackets to a name.
        let port = port.split(' ').next().unwrap_or_default();
        if port.is_empty() { host.to_owned() } else { format!("{host}:{port}") }
    });
    let redis = between(said, " connecting to ", ". ")
        .or_else(|| said.split_once(" connecting to ").map(|(_, to)| to.trim_end_matches('.')));
    let mysql = between(said, "Can't connect to MySQL server on '", "'");
    if said.contains("password authentication failed")
        || said.contains("no password supplied")
        || said.contains("Access denied for user")
        || said.contains("WRONGPASS")
        || said.contains("NOAUTH")
    {
        return Some((DatabaseTrouble::Login, server));
    }
    if said.contains("database \"") && said.contains("\" does not exist") || said.contains("Unknown database '") {
        return Some((DatabaseTrouble::NoSuchDatabase, server));
    }
    let unknown = [
        "Name or service not known",
        "Temporary failure in name resolution",
        "could not translate host name",
        "nodename nor servname",
        "No address associated with hostname",
    ];
    if unknown.iter().any(|words| said.contains(words)) {
        let host = between(said, "host name \"", "\"").or_else(|| between(said, "resolve host '", "'"));
        let address =
            host.map(str::to_owned).or(server).or_else(|| redis.map(str::to_owned)).or_else(|| mysql.map(str::to_owned));
        // A host name that is not known may be any service's; only a client of databases says it in these words.
        return address.map(|address| (DatabaseTrouble::UnknownHost, Some(address)));
    }
    let refused = said.contains("Connection refused")
        || said.contains("Connect call failed")
        || said.contains("Can't connect to MySQL server");
    if refused {
        let address = server.or_else(|| redis.map(str::to_owned)).or_else(|| mysql.map(str::to_owned));
        let of_driver = said.contains("Connect call failed").then(|| pair(said)).flatten();
        return address.or(of_driver).map(|address| (DatabaseTrouble::Refused, Some(address)));
    }
    None
}

/// Reads an address as Python prints a pair: `('127.0.0.1', 5432)`.
fn pair(said: &str) -> Option<String> {
    let (host, rest) = said.split_once("('")?.1.split_once("', ")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{host}:{port}"))
}

fn suspect(
    case: &Case<'_>,
    certainty: Certainty,
    trouble: DatabaseTrouble,
    address: Option<String>,
    evidence: Vec<String>,
) -> Suspect {
    let at = address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
    let host = address.as_deref().map(|address| address.rsplit_once(':').map_or(address, |(host, _)| host)).unwrap_or_default();
    let own = matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0");
    let (sentence, fix) = match trouble {
        DatabaseTrouble::Refused if own => (
            format!("its database{at} refused the connection: inside a container that address is the container itself"),
            "keep the database beside it (`[services.db]`, and `services = [\"db\"]` in the environment), or give it the address of a real one".to_owned(),
        ),
        DatabaseTrouble::Refused => (
            format!("its database{at} refused the connection"),
            "see that the database runs and listens there, or correct the address in the app's variables".to_owned(),
        ),
        DatabaseTrouble::UnknownHost => (
            format!("the host of its database{at} is not known here"),
            "correct the host in the app's variables, or keep the service in this environment: `services = [\"…\"]`".to_owned(),
        ),
        DatabaseTrouble::Login => (
            format!("its database{at} does not accept the login"),
            "correct user and password in the app's variables or secrets; a kept volume knows the password of its first start".to_owned(),
        ),
        DatabaseTrouble::NoSuchDatabase => (
            format!("its server{at} has no such database"),
            "make the database, or correct its name in the app's variables".to_owned(),
        ),
    };
    case.suspect(Cause::DatabaseUnreachable { address, trouble }, certainty, sentence, evidence, fix)
}
