//! Whether an address answers, and what the clock there says.

use chrono::Utc;
use reqwest::Url;

use super::super::Room;
use super::super::finding::{Finding, sentence, trouble};
use super::super::proxies::{host as host_of, is_loopback};
use super::super::wire::{BadCertificate, Reached, Trouble, reach};
use super::Early;

/// Tokens are made for minutes: clocks that are so many seconds apart let them end too soon, or begin too late.
const CLOCKS_APART_S: i64 = 300;
/// So many are not usual.
const CLOCKS_DRIFT_S: i64 = 60;

/// An address that was set, for words about it.
pub(super) struct Address<'a> {
    /// `The workspace`
    pub(super) what: &'a str,
    /// The setting that it comes from.
    pub(super) setting: &'a str,
    pub(super) url: &'a str,
    /// A line that would be right when the name is wrong.
    pub(super) example: String,
}

/// Whether the workspace's address answers as its scheme says.
pub(super) async fn host(room: &Room<'_>) -> Early {
    let url = &room.patient()?.config().url;
    let parsed = Url::parse(url).ok();
    let through = parsed.as_ref().filter(|_| !room.patient.as_ref().is_ok_and(|patient| patient.config().local));
    if let Some(variable) = through.and_then(|url| room.examination.surroundings.proxies.catch(url)) {
        return behind_proxy(room, variable).await;
    }
    let example = "DATABRICKS_HOST=https://<your workspace>.cloud.databricks.com".to_owned();
    let address = Address { what: "The workspace", setting: "DATABRICKS_HOST", url, example };
    match reach(url).await {
        Ok(reached) => Ok(answers(&reached)),
        Err(trouble) => Err(cannot_reach(&address, &trouble)),
    }
}

pub(super) fn answers(reached: &Reached) -> Finding {
    Finding::passed(reached.words(), "The name is known, the connection is made, and the scheme is right.")
}

/// Names and connections are the proxy's affair then: only whether anything comes back can be told.
async fn behind_proxy(room: &Room<'_>, variable: &str) -> Early {
    let asked = room.patient()?.workspace.time().await;
    asked.map_err(|error| {
        let meaning = format!("The request went through the proxy that {variable} names; it does not lead there.");
        let url = room.examination.workspace.as_ref().map_or("", |config| config.url.as_str());
        let hosts: Vec<String> = Url::parse(url).iter().map(|url| host_of(url).to_owned()).collect();
        let paste = room.examination.surroundings.proxies.setting_with(&hosts);
        Finding::failed(sentence(&error), meaning).setting("Except this host, or correct the proxy.", paste)
    })?;
    Ok(Finding::passed(format!("It answers through the proxy that {variable} names."), "Requests get there."))
}

/// What is wrong with an address, and the line that corrects it.
pub(super) fn cannot_reach(address: &Address<'_>, trouble: &Trouble) -> Finding {
    let Address { what, setting, url, example } = address;
    let parsed = Url::parse(url).ok();
    let name = parsed.as_ref().map_or(*url, host_of);
    let with_scheme = |scheme: &str| {
        let rest = url.split_once("://").map_or(*url, |(_, rest)| rest);
        format!("{setting}={scheme}://{rest}")
    };
    let curl = || format!("curl -sv --max-time 10 {url}");
    match trouble {
        Trouble::NotAnAddress(why) => {
            Finding::failed(format!("'{url}' is not an address: {why}."), "Nothing can be sent there.")
                .setting("Write the whole address.", example.clone())
        }
        Trouble::NoSuchName { detail } => {
            let found = format!("There is no host {name} (name server: {detail}).");
            let meaning = format!("{what}'s address is misspelt, or this machine's name server does not know it.");
            Finding::failed(found, meaning).setting("Copy the address from the browser's address bar.", example.clone())
        }
        Trouble::Refused { addr } => {
            let finding = Finding::failed(
                format!("{name} is there, but nothing listens at {addr}."),
                format!("{what} is not running there, or the port is wrong."),
            );
            if parsed.as_ref().is_some_and(is_loopback) {
                return finding.command("Start the local lakehouse.", format!("direct-write lakehouse --addr {addr}"));
            }
            finding.setting("Correct the address; a workspace's has no port.", example.clone())
        }
        Trouble::NoWay { addr, detail } => Finding::failed(
            format!("{name} is {addr}, and no connection is made ({detail})."),
            "A firewall, an access list of the workspace, or a missing route is in the way; the name is right.",
        )
        .command("See how far it gets, and show that to whoever keeps the network.", curl()),
        Trouble::Silent { addr } => Finding::failed(
            format!("{addr} takes the connection and then says nothing."),
            "Something that is not it holds the port, or a firewall swallows what follows the connection.",
        )
        .command("See how far it gets, and show that to whoever keeps the network.", curl()),
        Trouble::ClearText { addr } => Finding::failed(
            format!("The address says https, and {addr} speaks plain HTTP."),
            "The scheme is wrong: TLS cannot be agreed on.",
        )
        .setting("Write the scheme that the port speaks.", with_scheme("http")),
        Trouble::SpeaksTls { addr } => Finding::failed(
            format!("The address says http, and {addr} speaks TLS."),
            "The scheme is wrong: a Zerobus client would end with “Stream creation timed out”.",
        )
        .setting("Write the scheme that the port speaks.", with_scheme("https")),
        Trouble::Certificate(bad) => certificate(address, name, bad),
        Trouble::Tls { detail } => Finding::failed(
            format!("TLS was not agreed on: {detail}."),
            "The port speaks TLS in a way that this program does not.",
        )
        .command("Look at what is offered.", format!("openssl s_client -connect {name}:{} -brief", port(address.url))),
    }
}

fn certificate(address: &Address<'_>, name: &str, bad: &BadCertificate) -> Finding {
    let setting = address.setting;
    match bad {
        BadCertificate::UnknownIssuer => Finding::failed(
            format!("The certificate of {name} is signed by nobody that this machine trusts."),
            "A proxy that looks into TLS, or an authority of your own, has signed it.",
        )
        .setting(
            "Name the file with that authority's certificate.",
            "SSL_CERT_FILE=<file with the authority's certificate, PEM>",
        ),
        BadCertificate::OtherName(names) => {
            let whose = if names.is_empty() { "another host".to_owned() } else { names.join(", ") };
            let found = format!("The certificate at {name} is for {whose}.");
            let finding = Finding::failed(found, "The address leads to another server than the one that was meant.");
            match names.iter().find(|name| !name.contains('*')) {
                Some(other) => finding
                    .setting("Write the name that the certificate is for.", with_host(setting, address.url, other)),
                None => finding.setting("Copy the address from the browser's address bar.", address.example.clone()),
            }
        }
        BadCertificate::Time => Finding::failed(
            format!("The certificate of {name} is not valid at this machine's time."),
            "This machine's clock is wrong, or the certificate was not renewed.",
        )
        .command(
            "Set the clock; if it is right, tell the workspace's administrators.",
            "sudo timedatectl set-ntp true",
        ),
        BadCertificate::Other(detail) => {
            Finding::failed(format!("The certificate of {name} is not taken: {detail}."), "TLS is refused for safety.")
                .command(
                    "Look at what is offered.",
                    format!("openssl s_client -connect {name}:{} -showcerts", port(address.url)),
                )
        }
    }
}

/// The port of an address that speaks TLS.
fn port(url: &str) -> u16 {
    Url::parse(url).ok().and_then(|url| url.port()).unwrap_or(443)
}

/// The setting with another host in the same address.
fn with_host(setting: &str, url: &str, host: &str) -> String {
    let port = Url::parse(url).ok().and_then(|url| url.port()).map_or_else(String::new, |port| format!(":{port}"));
    format!("{setting}=https://{host}{port}")
}

/// Whether the clocks agree.
pub(super) async fn clock(room: &Room<'_>) -> Early {
    let told = room.patient()?.workspace.time().await;
    let Some(theirs) = told.map_err(|error| trouble(&error, "the time there"))? else {
        return Ok(Finding::skipped("The workspace does not say what time it is.", "Clocks could not be compared."));
    };
    let seconds = (Utc::now() - theirs).num_seconds();
    let side = if seconds < 0 { "behind" } else { "ahead of" };
    let found = match seconds.abs() {
        0 => "This machine's clock and the workspace's agree to the second.".to_owned(),
        apart => format!("This machine's clock is {apart} s {side} the workspace's."),
    };
    let heal =
        |finding: Finding| finding.command("Let the clock be set by the network.", "sudo timedatectl set-ntp true");
    Ok(match seconds.abs() {
        apart if apart > CLOCKS_APART_S => heal(Finding::failed(
            found,
            "Tokens seem to end before they do, or not to have begun: requests are refused at random.",
        )),
        apart if apart > CLOCKS_DRIFT_S => {
            heal(Finding::warned(found, "Tokens still work; times in rows and reports are off by as much."))
        }
        _ => Finding::passed(found, "Tokens are renewed in time, and times in rows are right."),
    })
}
