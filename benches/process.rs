//! Servers as processes of their own, so that their processor time and memory are theirs alone.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Linux counts processor time in hundredths of a second, whatever the kernel's own tick is (proc(5), USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that is stopped when dropped.
pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    /// The lakehouse over a folder, on a free port.
    pub fn lakehouse(data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_direct-write"));
        command.args(["lakehouse", "--addr", "127.0.0.1:0", "--data"]).arg(data);
        // Delta says of every conflict that it solved that there was one.
        command.env("RUST_LOG", "warn,deltalake_core=error").envs(settings.iter().copied());
        Self::start(command, "Local lakehouse")
    }

    /// The peer that only acknowledges.
    pub fn null_server() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["peer", "null-server"]);
        Self::start(command, "Null server")
    }

    fn start(mut command: Command, says: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let announced = lines.by_ref().map_while(Result::ok).find(|line| line.trim_start().starts_with(says));
        let announced = announced.unwrap_or_else(|| panic!("the {says} did not start"));
        let url = announced.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// Processor time used so far, of all its threads, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    /// Memory in use now, in MB.
    pub fn resident_mb(&self) -> f64 {
        resident_mb(self.child.id())
    }

    /// The sum of a metric over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = http().get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let name = format!("direct_write_lakehouse_{name}");
        let lines = text.lines().filter(|line| line.split([' ', '{']).next() == Some(&name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until so many rows are in Delta.
    pub async fn visible(&self, rows: f64) {
        while self.metric("rows_visible_total").await < rows {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of a process, in seconds.
pub fn cpu_seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The second field is the name in brackets; user and system time are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS_PER_SECOND
}

/// Memory that a process uses now, in MB.
pub fn resident_mb(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1.024e-3
}

/// Runs a peer to its end and returns what it printed.
pub fn peer(arguments: &[&str]) -> String {
    let done = Command::new(std::env::current_exe().unwrap()).arg("peer").args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
