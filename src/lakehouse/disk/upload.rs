//! A file that comes in parts: written around the page cache by a thread of its own, complete when it and its directory entry
//! are on the disk. Until then it has another name, and what is left of an upload that was given up is removed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use async_trait::async_trait;
use deltalake::logstore::object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use futures::FutureExt;
use tokio::sync::oneshot;

use super::pages::{self, PageBuffer, Pages};
use super::{create_folders, failed, sync_folder};

type Answer = oneshot::Sender<std::io::Result<()>>;

/// What the thread is told.
enum Step {
    Part(PutPayload, Answer),
    Complete(Answer),
}

/// A file under way.
#[derive(Debug)]
pub(super) struct DurableUpload {
    target: PathBuf,
    /// None when it is over.
    steps: Option<mpsc::Sender<Step>>,
}

impl DurableUpload {
    pub(super) fn begin(target: PathBuf) -> Self {
        let (steps, told) = mpsc::channel();
        let path = target.clone();
        tokio::task::spawn_blocking(move || write(&path, &told));
        Self { target, steps: Some(steps) }
    }

    /// Tells the thread; its answer comes when it is done.
    fn tell(&self, step: impl FnOnce(Answer) -> Step) -> UploadPart {
        let (answer, done) = oneshot::channel();
        let told = self.steps.as_ref().is_some_and(|steps| steps.send(step(answer)).is_ok());
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
        self.tell(|answer| Step::Part(data, answer))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.tell(Step::Complete).await?;
        self.steps = None;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.steps = None;
        Ok(())
    }
}

/// Writes what comes, in the order in which it comes, until the upload is complete or given up.
fn write(target: &Path, steps: &mpsc::Receiver<Step>) {
    let staging = target.with_file_name(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    let mut buffer = PageBuffer::default();
    let mut open: Option<(File, u64)> = None;
    let mut rest = Vec::new();
    for step in steps {
        let (done, answer, is_last) = match step {
            Step::Part(part, answer) => (append(&staging, &mut open, &mut buffer, &mut rest, &part), answer, false),
            Step::Complete(answer) => (complete(target, &staging, open.take(), &mut buffer, &rest), answer, true),
        };
        let is_over = is_last || done.is_err();
        // Whoever asked may have gone away.
        let _ = answer.send(done);
        if is_over {
            break;
        }
    }
    // Under its real name, or given up: in both cases nobody needs this one.
    let _ = std::fs::remove_file(&staging);
}

/// Writes the whole pages of what there is; `rest` keeps what is behind them.
fn append(
    staging: &Path,
    open: &mut Option<(File, u64)>,
    buffer: &mut PageBuffer,
    rest: &mut Vec<u8>,
    part: &PutPayload,
) -> std::io::Result<()> {
    let bytes = rest.len() + part.content_length();
    if open.is_none() {
        if let Some(folder) = staging.parent() {
            create_folders(folder)?;
        }
        // Direct I/O may be refused at the first write only: that is tried with the header of nothing.
        let file = pages::create(staging, |file| {
            let mut probe = PageBuffer::default();
            let mut first = Pages::at(file, 0, pages::PAGE, &mut probe);
            first.push(&[0; pages::PAGE])?;
            first.finish()
        })?;
        *open = Some((file, 0));
    }
    let Some((file, position)) = open else { return Ok(()) };
    let mut pages = Pages::at(file, *position, bytes, buffer);
    pages.push(rest)?;
    part.iter().try_for_each(|piece| pages.push(piece))?;
    (*position, *rest) = pages.write_whole_and_keep_rest()?;
    Ok(())
}

fn complete(
    target: &Path,
    staging: &Path,
    open: Option<(File, u64)>,
    buffer: &mut PageBuffer,
    rest: &[u8],
) -> std::io::Result<()> {
    let (file, position) = match open {
        Some(open) => open,
        None => {
            if let Some(folder) = staging.parent() {
                create_folders(folder)?;
            }
            (File::create_new(staging)?, 0)
        }
    };
    let mut pages = Pages::at(&file, position, rest.len(), buffer);
    pages.push(rest)?;
    pages.finish()?;
    file.set_len(position + rest.len() as u64)?;
    file.sync_all()?;
    std::fs::rename(staging, target)?;
    target.parent().map_or(Ok(()), sync_folder)
}
