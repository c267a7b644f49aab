//! Group commit: a thread of its own writes for everybody, and one fsync acknowledges all that waited for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::journal::{Durability, JournalWriter};
use super::{RedactedBytes, StoreError};
use crate::world::Clock;

/// Requests that may wait before `append` blocks: the disk sets the pace, memory stays bounded.
const QUEUE: usize = 1024;
/// Requests that share one fsync at most.
const GROUP: usize = 4096;
/// How long grouped events wait for company when nobody asks for a sync.
const LINGER: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Request {
    event: RedactedBytes,
    durability: Durability,
    answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// Acknowledgement to come: waits until the event is on disk. Await it, or block on [`Receipt::wait`].
///
/// Dropping it does not take the event back.
#[derive(Debug)]
pub struct Receipt {
    answer: oneshot::Receiver<Result<u64, StoreError>>,
}

impl Receipt {
    /// Blocks until the event is durable; gives its number. Not for use on an async thread.
    pub fn wait(self) -> Result<u64, StoreError> {
        self.answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(writer_is_gone()))
    }
}

impl Future for Receipt {
    type Output = Result<u64, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer)
            .poll(context)
            .map(|answer| answer.unwrap_or_else(|_| Err(writer_is_gone())))
    }
}

/// Appends to a journal from anywhere; clones write to the same one.
#[derive(Clone, Debug)]
pub struct Appender {
    requests: SyncSender<Request>,
}

impl Appender {
    /// Hands an event over, in the order of the calls. Blocks only while the queue is full.
    pub fn append(&self, event: RedactedBytes, durability: Durability) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        let request = Request {
            event,
            durability,
            answer,
        };
        // A writer that is gone drops the request, and with it the sender: the receipt then says so.
        drop(self.requests.send(request));
        Receipt { answer: receipt }
    }
}

/// The writing thread.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<JournalWriter>,
}

impl Writer {
    /// Starts the thread; events are stamped by `clock` as they are written.
    pub fn spawn(
        journal: JournalWriter,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<(Self, Appender)> {
        let (appender, queue) = queue();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_all_groups(journal, &queue, clock.as_ref()))?;
        Ok((Self { thread }, appender))
    }

    /// Waits until every appender is dropped and everything is on disk; gives the journal back, for its head.
    pub fn finish(self) -> Result<JournalWriter, StoreError> {
        let mut journal = self.thread.join().map_err(|_| writer_is_gone())?;
        journal.sync()?;
        Ok(journal)
    }
}

pub(super) fn queue() -> (Appender, Receiver<Request>) {
    let (requests, queue) = sync_channel(QUEUE);
    (Appender { requests }, queue)
}

pub(super) fn write_all_groups(
    mut journal: JournalWriter,
    queue: &Receiver<Request>,
    clock: &dyn Clock,
) -> JournalWriter {
    while let Ok(first) = queue.recv() {
        write_group(&mut journal, first, queue, clock);
    }
    journal
}

/// Takes what is there, and while nobody needs a sync what comes within a moment; then syncs once and answers all.
fn write_group(
    journal: &mut JournalWriter,
    first: Request,
    queue: &Receiver<Request>,
    clock: &dyn Clock,
) {
    let mut waiting = Vec::new();
    let mut next = Some(first);
    let mut urgent = false;
    let began = clock.monotonic();
    while let Some(request) = next.take() {
        urgent |= request.durability == Durability::Synced;
        match journal.append(&request.event, clock.now(), Durability::Grouped) {
            Ok(seq) => waiting.push((seq, request.answer)),
            Err(error) => {
                drop(request.answer.send(Err(error)));
            }
        }
        if waiting.len() < GROUP {
            next = match queue.try_recv() {
                Ok(request) => Some(request),
                Err(_) if urgent || waiting.is_empty() => None,
                Err(_) => {
                    let waited = clock.monotonic().saturating_sub(began);
                    queue.recv_timeout(LINGER.saturating_sub(waited)).ok()
                }
            };
        }
    }
    let synced = journal.sync();
    for (seq, answer) in waiting {
        // Nobody may be waiting any more; the event stands all the same.
        drop(answer.send(synced.clone().map(|_| seq)));
    }
}

fn writer_is_gone() -> StoreError {
    StoreError::Stopped {
        path: "the journal".into(),
        why: "its writing thread has ended".into(),
    }
}
