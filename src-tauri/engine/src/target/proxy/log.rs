//! The proxy's log of requests: how a line is written, and how it is read. Pure.

/// What HAProxy writes for each request (configuration manual, 8.2.6).
pub(super) const FORMAT: &str = r#""%ci %[var(txn.host)] %b/%s %HM %HPO %ST %TR/%Tw/%Tc/%Tr/%Ta %B %ts""#;

/// One request, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged<'a> {
    /// The backend that it was sent to.
    pub backend: &'a str,
    /// How it was answered, by whomever.
    pub status: u16,
    /// Milliseconds from sending it to the first byte of the instance's answer, if there was one.
    pub answered_ms: Option<u64>,
}

/// Reads a line; none when it is no request. It is read from its end, because clients write what stands at its beginning.
pub fn logged(line: &str) -> Option<Logged<'_>> {
    let mut words = line.trim_end().rsplit(' ');
    let (_ends, _bytes, times, status) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (_path, _method, server) = (words.next()?, words.next()?, words.next()?);
    let (backend, _) = server.rsplit_once('/')?;
    let answered: i64 = times.split('/').nth(3)?.parse().ok()?;
    Some(Logged { backend, status: status.parse().ok()?, answered_ms: u64::try_from(answered).ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read() {
        let line = "10.0.0.1 shop.localhost shop_local.blue/s1 GET /slugs?a=b/c 200 0/0/1/12/13 512 --";
        assert_eq!(logged(line), Some(Logged { backend: "shop_local.blue", status: 200, answered_ms: Some(12) }));
        let refused = "10.0.0.1 shop.localhost shop_local.green/<NOSRV> POST / 503 0/0/-1/-1/3004 217 SC";
        assert_eq!(logged(refused), Some(Logged { backend: "shop_local.green", status: 503, answered_ms: None }));
    }

    #[test]
    fn a_host_name_cannot_pass_for_a_request() {
        let line = "10.0.0.1 x shop_local.green/s1 GET / 500 0/0/0/1/1 1 -- shop_local.blue/s1 GET / 200 0/0/1/1/2 512 --";
        assert_eq!(logged(line).map(|logged| (logged.backend, logged.status)), Some(("shop_local.blue", 200)));
    }

    #[test]
    fn chatter_is_no_request() {
        for line in ["", "[NOTICE] (1) : New worker (9) forked", "Proxy public started.", "a/b c d e f g h"] {
            assert_eq!(logged(line), None, "{line}");
        }
    }
}
