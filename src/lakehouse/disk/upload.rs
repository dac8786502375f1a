//! A file that comes in parts: written by a thread of its own, complete when it and its directory entry are on the disk.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use async_trait::async_trait;
use deltalake::logstore::object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use futures::FutureExt;
use tokio::sync::oneshot;

use super::failed;
use super::precedence::Precedence;
use super::staging::Staging;

type Answer = oneshot::Sender<std::io::Result<()>>;

/// What the thread is told.
struct Step {
    /// What comes next; `None` when nothing does and the file is complete.
    part: Option<PutPayload>,
    answer: Answer,
}

/// A file under way.
#[derive(Debug)]
pub(super) struct DurableUpload {
    target: PathBuf,
    /// None when it is over.
    steps: Option<mpsc::Sender<Step>>,
}

impl DurableUpload {
    pub(super) fn begin(target: PathBuf, precedence: Precedence) -> Self {
        let (steps, told) = mpsc::channel();
        let path = target.clone();
        tokio::task::spawn_blocking(move || write(&path, &told, &precedence));
        Self { target, steps: Some(steps) }
    }

    /// Tells the thread; its answer comes when it is done.
    fn tell(&self, part: Option<PutPayload>) -> UploadPart {
        let (answer, done) = oneshot::channel();
        let told = self.steps.as_ref().is_some_and(|steps| steps.send(Step { part, answer }).is_ok());
        let target = self.target.clone();
        async move {
            let over = || std::io::Error::other("the upload is over");
            let done = if told { done.await.unwrap_or_else(|_| Err(over())) } else { Err(over()) };
            done.map_err(|source| failed(&target, source))
        }
        .boxed()
    }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.tell(Some(data))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.tell(None).await?;
        self.steps = None;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.steps = None;
        Ok(())
    }
}

/// Carries out what comes, in the order in which it comes, until the upload is complete, given up or has failed.
fn write(target: &Path, steps: &mpsc::Receiver<Step>, precedence: &Precedence) {
    let mut staging = None;
    for Step { part, answer } in steps {
        if part.is_some() {
            precedence.give_way();
        }
        let (done, next) = match carry_out(target, staging, part) {
            Ok(next) => (Ok(()), next),
            Err(error) => (Err(error), None),
        };
        let failed = done.is_err();
        // Whoever asked may have gone away.
        let _ = answer.send(done);
        if failed {
            break;
        }
        staging = next;
    }
}

fn carry_out(target: &Path, staging: Option<Staging>, part: Option<PutPayload>) -> std::io::Result<Option<Staging>> {
    let mut staging = staging.map_or_else(|| Staging::begin(target, true), Ok)?;
    let Some(part) = part else { return staging.complete(target, false).map(|()| None) };
    staging.append(&part)?;
    Ok(Some(staging))
}
