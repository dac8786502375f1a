//! Proxies of the environment, and which of our addresses they would catch.
//!
//! HTTP requests and the Zerobus SDK read different variables and match `no_proxy` by rules of their own; what either would
//! send through a proxy counts as caught. Values of the variables are not shown: they may hold a password.

use reqwest::Url;

/// Variables that HTTP requests read, by the scheme of the address; the first that is set counts.
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Variables that the Zerobus SDK reads for its streams, whatever the scheme.
const STREAMS: [&str; 6] = ["grpc_proxy", "GRPC_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The variables that are set.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<&'static str>,
    https: Option<&'static str>,
    streams: Option<&'static str>,
    /// `no_proxy` as it is written.
    exceptions: String,
}

impl Proxies {
    /// Reads them; `value` gives the value of a variable.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| names.iter().copied().find(|name| value(name).is_some());
        Self {
            http: first(&HTTP),
            https: first(&HTTPS),
            streams: first(&STREAMS),
            exceptions: NO_PROXY.iter().find_map(|name| value(name)).unwrap_or_default(),
        }
    }

    /// The variable whose proxy requests to that address would go through.
    pub(super) fn catch(&self, address: &Url) -> Option<&'static str> {
        let variable = if address.scheme() == "http" { self.http } else { self.https };
        variable.filter(|_| !self.excepts(address))
    }

    /// The variable whose proxy streams to that address would go through.
    pub(super) fn catch_stream(&self, address: &Url) -> Option<&'static str> {
        self.streams.filter(|_| !self.excepts(address))
    }

    /// Whether an entry names the host or a domain that it is in; that is understood by both.
    fn excepts(&self, address: &Url) -> bool {
        let host = host(address).to_ascii_lowercase();
        self.exceptions.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
            let entry = entry.trim_start_matches('.').to_ascii_lowercase();
            entry == "*" || host == entry || host.ends_with(&format!(".{entry}"))
        })
    }

    /// `NO_PROXY=...` with these hosts added to those that are there.
    pub(super) fn setting_with(&self, hosts: &[String]) -> String {
        let before = self.exceptions.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned);
        let mut all: Vec<String> = before.collect();
        for host in hosts {
            if !all.contains(host) {
                all.push(host.clone());
            }
        }
        format!("NO_PROXY={}", all.join(","))
    }
}

/// The host of an address without brackets.
pub(super) fn host(address: &Url) -> &str {
    address.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(address: &Url) -> bool {
    let host = host(address);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| pairs.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned()))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn what_either_kind_of_client_would_send_through_a_proxy_is_caught() {
        let some = proxies(&[("HTTPS_PROXY", "http://p:3128"), ("NO_PROXY", "internal.example, 127.0.0.1")]);
        assert_eq!(some.catch(&url("https://dbc-1.cloud.databricks.com")), Some("HTTPS_PROXY"));
        assert_eq!(some.catch(&url("http://dbc-1.cloud.databricks.com")), None);
        assert_eq!(some.catch_stream(&url("http://10.0.0.1:7077")), Some("HTTPS_PROXY"), "the SDK ignores the scheme");
        assert_eq!(some.catch(&url("https://a.internal.example")), None);
        assert_eq!(some.catch_stream(&url("https://127.0.0.1:7077")), None);
        assert_eq!(proxies(&[]).catch(&url("https://a")), None);
        let hosts = ["127.0.0.1".to_owned(), "a.b".to_owned()];
        assert_eq!(some.setting_with(&hosts), "NO_PROXY=internal.example,127.0.0.1,a.b");
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for here in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:2"] {
            assert!(is_loopback(&url(here)), "{here}");
        }
        assert!(!is_loopback(&url("http://10.0.0.1")));
    }
}
