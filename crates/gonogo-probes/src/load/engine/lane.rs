//! One thread of a load: lets requests become due, sends them, reads the answers, waits, and accounts for every one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use super::clock::{Clock, ns};
use super::config::{Config, Model};
use super::connection::{Connection, Found, Phase};
use super::pool::{Pool, Ready, Token};
use super::response::{Answer, Rules};
use super::sample::{End, Ended, Proceed, Progress, Sample, Sink, Tally};
use super::schedule::{Due, Schedule, Share};
use super::spin::Spin;

/// Bytes read at a time.
const BUFFER: usize = 64 * 1024;
/// Samples handed over at a time.
const BATCH: usize = 256;
/// How often a lane looks whether it must stop.
const TICK_NS: u64 = 20_000_000;
/// How long a user waits after a connection failed, so that a dead target is not stormed.
const PAUSE_NS: u64 = 10_000_000;

/// What all lanes of a load share.
pub(super) struct Shared<'a, S: ?Sized> {
    pub(super) config: &'a Config,
    pub(super) cancel: &'a AtomicBool,
    pub(super) clock: Clock,
    pub(super) rules: Rules,
    pub(super) sink: Mutex<&'a mut S>,
    ended: AtomicU8,
    due: AtomicU64,
    done: AtomicU64,
    answers: AtomicU64,
    server_errors: AtomicU64,
}

/// How far the order to stop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// Nothing more becomes due; what is due is sent and answered.
    Scheduling,
    /// Nothing more is sent; what is under way is answered.
    Sending,
    /// Everything ends.
    Everything,
}

impl<'a, S: Sink + ?Sized> Shared<'a, S> {
    pub(super) fn new(
        config: &'a Config,
        sink: &'a mut S,
        cancel: &'a AtomicBool,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            cancel,
            clock,
            rules: Rules {
                caps: config.caps,
                to_head: config.request.is_head(),
                abort_header: config.stop_on.header.clone(),
            },
            sink: Mutex::new(sink),
            ended: AtomicU8::new(0),
            due: AtomicU64::new(0),
            done: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            server_errors: AtomicU64::new(0),
        }
    }

    /// Why the load ended.
    pub(super) fn ended(&self) -> Ended {
        match self.ended.load(Ordering::Relaxed) {
            0 => Ended::Completed,
            1 => Ended::Decided,
            2 => Ended::ServerErrors,
            3 => Ended::AbortHeader,
            4 => Ended::Deadline,
            _ => Ended::Cancelled,
        }
    }

    /// Ends the load for a reason, unless there was a weightier one before.
    fn end(&self, why: Ended) {
        let weight = match why {
            Ended::Completed => 0,
            Ended::Decided => 1,
            Ended::ServerErrors => 2,
            Ended::AbortHeader => 3,
            Ended::Deadline => 4,
            Ended::Cancelled => 5,
        };
        self.ended.fetch_max(weight, Ordering::Relaxed);
    }

    /// Stops every lane, since one could not go on.
    pub(super) fn give_up(&self) {
        self.end(Ended::Cancelled);
    }

    fn stop(&self) -> Option<Stop> {
        match self.ended() {
            Ended::Completed => None,
            Ended::Decided => Some(Stop::Scheduling),
            Ended::ServerErrors | Ended::AbortHeader => Some(Stop::Sending),
            Ended::Deadline | Ended::Cancelled => Some(Stop::Everything),
        }
    }
}

/// One thread's part of a load.
pub(super) struct Lane<'a, S: ?Sized> {
    shared: &'a Shared<'a, S>,
    pool: Pool,
    schedule: Schedule,
    tally: Tally,
    spin: Spin,
    buffer: Box<[u8]>,
    batch: Vec<Sample>,
    /// Connections that had more to read when others got their turn.
    unread: Vec<Ready>,
    opening: u64,
    under_way: u64,
    next_tick_ns: u64,
    /// No request or connection runs out of time before this.
    next_expiry_ns: u64,
    timeout_ns: u64,
    /// Whether requests are due at fixed times, so that the generator can be late.
    timed: bool,
    due_told: u64,
}

impl<'a, S: Sink + ?Sized> Lane<'a, S> {
    pub(super) fn new(shared: &'a Shared<'a, S>, share: Share) -> Result<Self, Errno> {
        let config = shared.config;
        let mut cap = share.of(u64::from(config.connections)).max(1);
        let mut timed = true;
        if let Model::Closed { users, pace } = config.model {
            cap = cap.min(share.of(u64::from(users)));
            timed = pace.is_some();
        }
        Ok(Self {
            shared,
            pool: Pool::new(cap as usize)?,
            schedule: Schedule::new(config, share),
            tally: Tally::new(),
            spin: Spin::default(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            batch: Vec::with_capacity(BATCH),
            unread: Vec::new(),
            opening: 0,
            under_way: 0,
            next_tick_ns: 0,
            next_expiry_ns: u64::MAX,
            timeout_ns: ns(config.timeout),
            timed,
            due_told: 0,
        })
    }

    /// Carries this lane's part of the load to its end.
    pub(super) fn run(mut self) -> Result<Tally, Errno> {
        // Without it a sleep ends up to 50 µs late, which would show as latency; where it fails, the spin learns it.
        let _set = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        self.shared.clock.wait_for_the_beginning();
        loop {
            let now = self.shared.clock.now_ns();
            if now >= self.next_tick_ns {
                self.tick(now);
            }
            if now >= self.next_expiry_ns.min(self.waiting_until()) {
                self.expire(now);
            }
            match self.shared.stop() {
                None => {}
                Some(Stop::Scheduling) => self.schedule.close(),
                Some(Stop::Sending) => {
                    self.schedule.close();
                    self.never_send_waiting();
                }
                Some(Stop::Everything) => break,
            }
            self.advance(now);
            if self.is_done(now) {
                break;
            }
            let found = self.wait()?;
            self.handle(found);
        }
        self.finish();
        Ok(self.tally)
    }

    /// Lets requests become due, and sends what can be sent.
    #[inline]
    fn advance(&mut self, now: u64) {
        let Self {
            schedule,
            tally,
            timed,
            ..
        } = self;
        schedule.release(now, |due| {
            tally.became_due(due.due_ns);
            if *timed {
                tally.lagged(now - due.due_ns);
            }
        });
        self.dispatch(now);
    }

    /// Sends waiting requests over connections that are free, and opens more where those do not suffice.
    #[inline]
    fn dispatch(&mut self, mut now: u64) {
        while let Some(due) = self.schedule.head() {
            if let Some(token) = self.pool.idle() {
                self.send(token, due, now);
                if self.schedule.waiting() == 0 {
                    return;
                }
                now = self.shared.clock.now_ns();
            } else if self.opening >= self.schedule.waiting()
                || self.pool.is_full()
                || !self.open(now)
            {
                return;
            }
        }
    }

    #[inline]
    fn send(&mut self, token: Token, due: Due, now: u64) {
        let request = self.shared.config.request.as_bytes();
        let Some(connection) = self.pool.get(token) else {
            return;
        };
        match connection.send(request, due, now) {
            Ok(()) => {
                self.schedule.take();
                self.under_way += 1;
                let until = due.due_ns.saturating_add(self.timeout_ns);
                self.next_expiry_ns = self.next_expiry_ns.min(until);
            }
            Err(failure) => {
                self.pool.remove(token);
                if !failure.stale {
                    self.schedule.take();
                    self.record(due, Some(now), failure.end, Answer::default());
                }
            }
        }
    }

    /// Opens one more connection. One that fails at once takes the request that waited longest with it, but where this
    /// machine has none to give, the open ones must do for now, and it says so.
    fn open(&mut self, now: u64) -> bool {
        let config = self.shared.config;
        let until_ns = now.saturating_add(self.timeout_ns);
        let opened = Connection::open(config.address, config.tls.as_ref(), until_ns)
            .and_then(|connection| self.pool.add(connection).map_err(|_| End::Local));
        match opened {
            Ok(_) => {
                self.opening += 1;
                self.tally.opened += 1;
                self.tally.high = self.tally.high.max(self.pool.len() as u64);
                self.next_expiry_ns = self.next_expiry_ns.min(until_ns);
            }
            Err(End::Local) if self.pool.len() > 0 => {
                self.tally.denied += 1;
                return false;
            }
            Err(end) => self.fail_waiting(end),
        }
        true
    }

    /// The request that waited longest ends so, without having been sent.
    fn fail_waiting(&mut self, end: End) {
        if let Some(due) = self.schedule.take() {
            self.record(due, None, end, Answer::default());
        }
    }

    fn handle(&mut self, found: usize) {
        for index in 0..found {
            if let Some(ready) = self.pool.event(index) {
                self.on_ready(ready);
            }
        }
        for _ in 0..self.unread.len() {
            // Those that still have more are put at the end again.
            let ready = self.unread.remove(0);
            self.on_ready(ready);
        }
    }

    #[inline]
    fn on_ready(&mut self, ready: Ready) {
        let Some(connection) = self.pool.get(ready.token) else {
            return;
        };
        if let Phase::Opening { .. } = connection.phase {
            match connection.go_on_opening() {
                Ok(false) => {}
                Ok(true) => {
                    self.opening -= 1;
                    self.pool.rest(ready.token);
                    let now = self.shared.clock.now_ns();
                    self.dispatch(now);
                }
                Err(end) => {
                    self.opening -= 1;
                    self.pool.remove(ready.token);
                    self.fail_waiting(end);
                }
            }
            return;
        }
        if ready.writable
            && connection.has_unsent()
            && let Err(end) = connection.send_rest(self.shared.config.request.as_bytes())
            // An answer may have come before the connection broke.
            && !ready.readable
        {
            self.fail(ready.token, end);
            return;
        }
        if ready.readable {
            self.read(ready);
        }
    }

    #[inline]
    fn read(&mut self, ready: Ready) {
        let token = ready.token;
        let Some(connection) = self.pool.get(token) else {
            return;
        };
        match connection.read(&mut self.buffer, &self.shared.rules, ready.hung_up) {
            Found::Nothing => {}
            Found::More => {
                if !self.unread.iter().any(|other| other.token == token) {
                    self.unread.push(ready);
                }
            }
            Found::Answer { answer, reusable } => {
                let Phase::Busy { due, sent_ns } = connection.phase else {
                    return;
                };
                self.under_way -= 1;
                if reusable {
                    self.pool.rest(token);
                } else {
                    self.pool.remove(token);
                }
                let end = if self.shared.config.expected.contains(answer.status) {
                    End::Ok
                } else {
                    End::BadStatus
                };
                let now = self.record(due, Some(sent_ns), end, answer);
                self.advance(now);
            }
            Found::Failed(end) => self.fail(token, end),
            Found::Ended => {
                self.pool.remove(token);
            }
        }
    }

    /// The connection is of no more use, and the request on it ends so.
    fn fail(&mut self, token: Token, end: End) {
        let Some(connection) = self.pool.remove(token) else {
            return;
        };
        if let Phase::Busy { due, sent_ns } = connection.phase {
            self.under_way -= 1;
            let answer = Answer {
                bytes: connection.bytes(),
                ..Answer::default()
            };
            self.record(due, Some(sent_ns), end, answer);
        }
    }

    /// Accounts for a request that has been decided, and says when that was.
    #[inline]
    fn record(&mut self, due: Due, sent_ns: Option<u64>, end: End, answer: Answer) -> u64 {
        let now = self.shared.clock.now_ns();
        let sample = Sample {
            index: due.index,
            due_ns: due.due_ns,
            sent_ns,
            done_ns: (end != End::NeverSent).then_some(now),
            status: answer.status,
            end,
            bytes: answer.bytes,
        };
        if answer.abort {
            self.shared.end(Ended::AbortHeader);
        }
        self.tally.count(&sample);
        let free_ns = if end.is_answer() { now } else { now + PAUSE_NS };
        self.schedule.freed(free_ns);
        self.batch.push(sample);
        if self.batch.len() >= BATCH {
            self.hand_over(now);
        }
        now
    }

    /// Hands the samples to the sink, and asks it whether to go on.
    fn hand_over(&mut self, now: u64) {
        let shared = self.shared;
        let mut answers = 0;
        let mut server_errors = 0;
        for sample in self.batch.iter().filter(|sample| sample.end.is_answer()) {
            answers += 1;
            server_errors += u64::from(sample.status / 100 == 5);
        }
        let count = self.batch.len() as u64;
        let due = self.tally.due - std::mem::replace(&mut self.due_told, self.tally.due);
        let due = shared.due.fetch_add(due, Ordering::Relaxed) + due;
        let mut sink = shared
            .sink
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for sample in &self.batch {
            sink.sample(sample);
        }
        self.batch.clear();
        let done = shared.done.fetch_add(count, Ordering::Relaxed) + count;
        let progress = Progress {
            elapsed: Duration::from_nanos(now),
            due: due.max(done),
            done,
        };
        if shared.stop().is_none() && sink.proceed(&progress) == Proceed::Stop {
            shared.end(Ended::Decided);
        }
        drop(sink);
        let answers = shared.answers.fetch_add(answers, Ordering::Relaxed) + answers;
        let errors = shared
            .server_errors
            .fetch_add(server_errors, Ordering::Relaxed)
            + server_errors;
        if let Some(limit) = shared.config.stop_on.server_errors
            && answers >= limit.after.max(1)
            && errors as f64 > limit.share * answers as f64
        {
            shared.end(Ended::ServerErrors);
        }
    }

    fn tick(&mut self, now: u64) {
        self.next_tick_ns = now + TICK_NS;
        if self.shared.cancel.load(Ordering::Relaxed) {
            self.shared.end(Ended::Cancelled);
        }
        if self.shared.config.deadline.is_some_and(|d| now >= ns(d)) {
            self.shared.end(Ended::Deadline);
        }
        self.hand_over(now);
    }

    /// Gives up what has run out of time.
    fn expire(&mut self, now: u64) {
        let timeout_ns = self.timeout_ns;
        let until = |connection: &Connection| match connection.phase {
            Phase::Opening { until_ns } => until_ns,
            Phase::Busy { due, .. } => due.due_ns.saturating_add(timeout_ns),
            Phase::Idle => u64::MAX,
        };
        let late: Vec<Token> = self
            .pool
            .iter()
            .filter(|(_, connection)| until(connection) <= now)
            .map(|(token, _)| token)
            .collect();
        for token in late {
            match self.pool.get(token).map(|connection| connection.phase) {
                Some(Phase::Opening { .. }) => {
                    self.opening -= 1;
                    self.pool.remove(token);
                }
                Some(Phase::Busy { .. }) => self.fail(token, End::TimedOut),
                Some(Phase::Idle) | None => {}
            }
        }
        while self.waiting_until() <= now {
            self.fail_waiting(End::TimedOut);
        }
        let connections = self.pool.iter().map(|(_, c)| until(c)).min();
        self.next_expiry_ns = connections.unwrap_or(u64::MAX).min(self.waiting_until());
    }

    /// When the request that waited longest runs out of time.
    fn waiting_until(&self) -> u64 {
        self.schedule
            .head()
            .map_or(u64::MAX, |due| due.due_ns.saturating_add(self.timeout_ns))
    }

    fn is_done(&self, now: u64) -> bool {
        self.under_way == 0 && self.schedule.waiting() == 0 && self.schedule.exhausted(now)
    }

    /// Waits until something happens or must be done, spinning where that pays; says how many events there are.
    fn wait(&mut self) -> Result<usize, Errno> {
        let began = self.shared.clock.now_ns();
        let due_ns = self.schedule.next_due_ns().unwrap_or(u64::MAX);
        let wake_ns = due_ns
            .min(self.next_tick_ns)
            .min(self.next_expiry_ns)
            .min(self.waiting_until());
        if wake_ns <= began || !self.unread.is_empty() {
            return self.pool.look();
        }
        let awaited = self.under_way > 0 || self.opening > 0;
        let spin_ns = if awaited {
            self.spin.budget_ns(began)
        } else {
            0
        };
        let guarded_ns = if due_ns == wake_ns && self.timed {
            wake_ns.saturating_sub(self.spin.guard_ns(began))
        } else {
            wake_ns
        };
        let mut now = began;
        while now < began.saturating_add(spin_ns) || (now >= guarded_ns && now < wake_ns) {
            let found = self.pool.look()?;
            if found > 0 {
                self.learn(began, awaited);
                return Ok(found);
            }
            std::hint::spin_loop();
            let before = std::mem::replace(&mut now, self.shared.clock.now_ns());
            if now >= wake_ns {
                self.spin.looked_again(now - before, now);
                return Ok(0);
            }
            if self.spin.looked_again(now - before, now) {
                break;
            }
        }
        let sleep = Duration::from_nanos(guarded_ns.saturating_sub(now));
        let found = if self.timed {
            self.pool.wait_finely(sleep)?
        } else {
            self.pool.wait_coarsely(sleep)?
        };
        if found > 0 {
            self.learn(began, awaited);
        } else if self.timed {
            let now = self.shared.clock.now_ns();
            self.spin.overslept(now.saturating_sub(guarded_ns));
        }
        Ok(found)
    }

    fn learn(&mut self, began: u64, awaited: bool) {
        if awaited {
            let now = self.shared.clock.now_ns();
            self.spin.waited(now - began);
        }
    }

    fn never_send_waiting(&mut self) {
        while self.schedule.head().is_some() {
            self.fail_waiting(End::NeverSent);
        }
    }

    /// Accounts for what is left, and closes every connection.
    fn finish(&mut self) {
        let tokens: Vec<Token> = self.pool.iter().map(|(token, _)| token).collect();
        for token in tokens {
            self.fail(token, End::CutOff);
        }
        self.never_send_waiting();
        let now = self.shared.clock.now_ns();
        if self.shared.ended() == Ended::Deadline {
            // What was planned counts, whether or not its time had come.
            while let Some(due) = self.schedule.abandon(now) {
                self.tally.became_due(due.due_ns);
                self.record(due, None, End::NeverSent, Answer::default());
            }
        }
        self.hand_over(now);
    }
}
