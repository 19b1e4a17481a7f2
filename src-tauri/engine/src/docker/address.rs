//! Addresses of engines as the docker CLI writes them.

use std::path::PathBuf;

use super::ConnectError;

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// The host's name or address.
        host: String,
        /// The port, when it was written.
        port: Option<u16>,
    },
    /// A named pipe of Windows.
    Pipe(String),
}

/// The address that the docker CLI uses when nothing says otherwise.
pub(super) const DEFAULT_HOST: &str =
    if cfg!(windows) { "npipe:////./pipe/docker_engine" } else { "unix:///var/run/docker.sock" };

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_PIPE: &str = "//./pipe/docker_engine";

impl Address {
    /// Reads `unix://…`, `tcp://…`, `npipe://…`; text without a scheme is a TCP host, as the docker CLI takes it.
    ///
    /// # Errors
    /// `ConnectError::SshUnsupported` for `ssh://`, `ConnectError::AddressInvalid` for anything else.
    pub(super) fn parse(host: &str) -> Result<Self, ConnectError> {
        let invalid = |reason: &str| ConnectError::AddressInvalid { host: host.to_owned(), reason: reason.to_owned() };
        let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
        match scheme {
            "unix" if cfg!(windows) => Err(invalid("this platform has named pipes (`npipe://`), no Unix sockets")),
            "unix" if rest.is_empty() => Ok(Self::Unix(PathBuf::from(DEFAULT_SOCKET))),
            "unix" => Ok(Self::Unix(PathBuf::from(rest))),
            "npipe" if !cfg!(windows) => Err(invalid("named pipes exist only on Windows")),
            "npipe" if rest.is_empty() => Ok(Self::Pipe(DEFAULT_PIPE.replace('/', "\\"))),
            "npipe" => Ok(Self::Pipe(rest.replace('/', "\\"))),
            "tcp" => Self::parse_tcp(rest).ok_or_else(|| invalid("it is not of the form `tcp://host:port`")),
            "ssh" => Err(ConnectError::SshUnsupported { host: host.to_owned() }),
            _ => Err(invalid("only `unix://`, `tcp://` and `npipe://` are known")),
        }
    }

    fn parse_tcp(rest: &str) -> Option<Self> {
        // A URL parser knows bracketed IPv6 addresses and refuses nonsense; `http` has a default port, which must not hide.
        let rest = rest.trim_end_matches('/');
        let host = if rest.is_empty() || rest.starts_with(':') { "localhost" } else { "" };
        let url = url::Url::parse(&format!("docker://{host}{rest}")).ok()?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || !url.username().is_empty() {
            return None;
        }
        Some(Self::Tcp { host: url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned(), port: url.port() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_docker_cli_are_read() {
        let tcp = |host: &str, port| Address::Tcp { host: host.into(), port };
        let table = [
            ("unix:///run/user/1000/docker.sock", Address::Unix("/run/user/1000/docker.sock".into())),
            ("unix://", Address::Unix("/var/run/docker.sock".into())),
            ("tcp://build.example.com:2376", tcp("build.example.com", Some(2376))),
            ("tcp://build.example.com", tcp("build.example.com", None)),
            ("tcp://:2375", tcp("localhost", Some(2375))),
            ("tcp://[::1]:2375/", tcp("::1", Some(2375))),
            ("127.0.0.1:2375", tcp("127.0.0.1", Some(2375))),
        ];
        for (text, expected) in table {
            match Address::parse(text) {
                Ok(address) => assert_eq!(address, expected, "{text}"),
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        for text in ["ftp://host", "tcp://host:port", "tcp://host:2375/path", "npipe:////./pipe/docker_engine"] {
            assert!(matches!(Address::parse(text), Err(ConnectError::AddressInvalid { .. })), "{text}");
        }
        let ssh = Address::parse("ssh://deploy@shop.example.com").expect_err("ssh");
        assert_eq!(
            ssh.to_string(),
            "the engine at `ssh://deploy@shop.example.com` would be reached over SSH, which does not work yet"
        );
    }
}
