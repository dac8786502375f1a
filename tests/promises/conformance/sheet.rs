//! The table client x case: cells that run beside one another, and what came of them.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// Cells that run at the same time.
const BESIDE: usize = 8;
/// A cell that takes longer is one that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of a cell; the reason when it failed.
pub type Verdict = Result<(), String>;

/// Something to run that gives cells: most give one, a script of another language its whole column.
pub struct Cell {
    run: BoxFuture<'static, Vec<(String, String, Verdict)>>,
}

impl Cell {
    /// One cell; it fails by a panic, as tests do.
    pub fn new(client: &str, case: &str, run: impl Future<Output = ()> + Send + 'static) -> Self {
        let (client, case) = (client.to_owned(), case.to_owned());
        let run = async move { vec![(client, case, judged(run).await)] };
        Self { run: run.boxed() }
    }

    /// Many cells of one client, by case.
    pub fn column(client: &str, run: impl Future<Output = Vec<(String, Verdict)>> + Send + 'static) -> Self {
        let client = client.to_owned();
        let run = async move {
            let column = match tokio::spawn(run).await {
                Ok(column) => column,
                Err(error) => vec![("the script goes through its cases".to_owned(), Err(said(error)))],
            };
            column.into_iter().map(|(case, verdict)| (client.clone(), case, verdict)).collect()
        };
        Self { run: run.boxed() }
    }
}

/// Runs to the end, whatever that is.
pub async fn judged(run: impl Future<Output = ()> + Send + 'static) -> Verdict {
    let outcome = tokio::spawn(tokio::time::timeout(PATIENCE, run)).await;
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_late)) => Err(format!("not over after {PATIENCE:?}")),
        Err(error) => Err(said(error)),
    }
}

/// The words of a panic.
fn said(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "cancelled".to_owned() };
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

/// The table. Cases are in the order in which they were named first.
pub struct Sheet {
    clients: Vec<String>,
    cases: Vec<String>,
    verdicts: BTreeMap<(String, String), Verdict>,
}

impl Sheet {
    /// Runs the cells. A case that some client has no cell for cannot be expressed with it.
    pub async fn of(clients: &[&str], cells: Vec<Cell>) -> Self {
        let clients = clients.iter().map(|&client| client.to_owned()).collect();
        let mut sheet = Self { clients, cases: Vec::new(), verdicts: BTreeMap::new() };
        let turns = Arc::new(Semaphore::new(BESIDE));
        let mut running = Vec::new();
        for cell in cells {
            let turns = Arc::clone(&turns);
            running.push(tokio::spawn(async move {
                let _turn = turns.acquire_owned().await.unwrap();
                cell.run.await
            }));
        }
        for one in running {
            for (client, case, verdict) in one.await.unwrap() {
                sheet.enter(&client, &case, verdict);
            }
        }
        sheet
    }

    /// Enters what came of a cell.
    pub fn enter(&mut self, client: &str, case: &str, verdict: Verdict) {
        assert!(self.clients.iter().any(|known| known == client), "{client} is no column");
        if !self.cases.iter().any(|known| known == case) {
            self.cases.push(case.to_owned());
        }
        let twice = self.verdicts.insert((case.to_owned(), client.to_owned()), verdict);
        assert!(twice.is_none(), "{client} has '{case}' twice");
    }

    /// Whether no cell failed.
    pub fn is_good(&self) -> bool {
        self.verdicts.values().all(Result::is_ok)
    }

    fn cell(&self, case: &str, client: &str) -> &str {
        match self.verdicts.get(&(case.to_owned(), client.to_owned())) {
            None => "-",
            Some(Ok(())) => "ok",
            Some(Err(_)) => "FAILED",
        }
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<(&str, &str)> =
            self.clients.iter().map(|client| client.split_once(' ').unwrap_or((client, ""))).collect();
        let widths: Vec<usize> = names.iter().map(|(above, below)| above.len().max(below.len()).max(6)).collect();
        let first = self.cases.iter().map(String::len).max().unwrap_or_default();
        let mut line = |left: &str, cells: &mut dyn Iterator<Item = &str>| {
            let mut text = format!("{left:first$}");
            for (cell, width) in cells.zip(&widths) {
                text.push_str(&format!("  {cell:width$}"));
            }
            writeln!(f, "{}", text.trim_end())
        };
        line("", &mut names.iter().map(|(above, _)| *above))?;
        line("", &mut names.iter().map(|(_, below)| *below))?;
        for case in &self.cases {
            line(case, &mut self.clients.iter().map(|client| self.cell(case, client)))?;
        }
        let count = |wanted: &str| {
            let cells = self.cases.iter().flat_map(|case| self.clients.iter().map(move |client| (case, client)));
            cells.filter(|(case, client)| self.cell(case, client) == wanted).count()
        };
        writeln!(
            f,
            "\n{} ok, {} failed, {} that cannot be expressed with the client",
            count("ok"),
            count("FAILED"),
            count("-")
        )?;
        for ((case, client), verdict) in &self.verdicts {
            if let Err(why) = verdict {
                writeln!(f, "\nFAILED  {client} / {case}: {why}")?;
            }
        }
        Ok(())
    }
}
