//! The connections of one lane, and the epoll instance that watches them.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::connection::{Connection, Phase};

/// The most events taken at a time.
const EVENTS: usize = 256;

/// Names a connection. The generation tells it from an earlier one in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    place: u32,
    generation: u32,
}

struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) token: Token,
    pub(super) writable: bool,
    pub(super) readable: bool,
    pub(super) hung_up: bool,
}

/// All connections of a lane, at most `cap`.
pub(super) struct Pool {
    epoll: OwnedFd,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    /// Connections ready for a request, the last used on top; may name some that have ended since.
    idle: Vec<Token>,
    events: Vec<Event>,
    cap: usize,
}

impl Pool {
    pub(super) fn new(cap: usize) -> Result<Self, Errno> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            slots: Vec::new(),
            vacant: Vec::new(),
            idle: Vec::new(),
            events: Vec::with_capacity(EVENTS),
            cap,
        })
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.cap
    }

    /// Takes a connection in and watches it, edge-triggered, so that it never has to be registered again.
    pub(super) fn add(&mut self, connection: Connection) -> Result<Token, Errno> {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                connection: None,
            });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[place as usize];
        let token = Token {
            place,
            generation: slot.generation,
        };
        let data = u64::from(token.generation) << 32 | u64::from(place);
        let added = epoll::add(
            &self.epoll,
            connection.socket(),
            EventData::new_u64(data),
            EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET,
        );
        if let Err(error) = added {
            self.vacant.push(place);
            return Err(error);
        }
        slot.connection = Some(connection);
        Ok(token)
    }

    /// The connection, unless it has ended.
    #[inline]
    pub(super) fn get(&mut self, token: Token) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(token.place as usize)?;
        if slot.generation != token.generation {
            return None;
        }
        slot.connection.as_mut()
    }

    /// Ends a connection; closing the socket takes it off the epoll instance.
    pub(super) fn remove(&mut self, token: Token) -> Option<Connection> {
        let slot = self.slots.get_mut(token.place as usize)?;
        if slot.generation != token.generation {
            return None;
        }
        let connection = slot.connection.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.vacant.push(token.place);
        Some(connection)
    }

    /// Says that a connection is ready for a request.
    #[inline]
    pub(super) fn rest(&mut self, token: Token) {
        if let Some(connection) = self.get(token) {
            connection.phase = Phase::Idle;
            self.idle.push(token);
        }
    }

    /// A connection that is ready for a request.
    #[inline]
    pub(super) fn idle(&mut self) -> Option<Token> {
        while let Some(token) = self.idle.pop() {
            if self
                .get(token)
                .is_some_and(|connection| connection.phase == Phase::Idle)
            {
                return Some(token);
            }
        }
        None
    }

    /// All connections.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Token, &Connection)> {
        (0u32..).zip(&self.slots).filter_map(|(place, slot)| {
            let token = Token {
                place,
                generation: slot.generation,
            };
            slot.connection.as_ref().map(|c| (token, c))
        })
    }

    /// Takes what happened, without waiting.
    #[inline]
    pub(super) fn look(&mut self) -> Result<usize, Errno> {
        self.events_within(&Timespec::default())
    }

    /// Waits until something happens, or so long, to the millisecond.
    pub(super) fn wait_coarsely(&mut self, at_most: Duration) -> Result<usize, Errno> {
        self.events_within(&timespec(at_most))
    }

    /// Waits until something happens, or so long, to the nanosecond: the timeout of `epoll_wait` counts in milliseconds.
    pub(super) fn wait_finely(&mut self, at_most: Duration) -> Result<usize, Errno> {
        let mut watched = [PollFd::new(&self.epoll, PollFlags::IN)];
        match rustix::event::poll(&mut watched, Some(&timespec(at_most))) {
            Ok(0) | Err(Errno::INTR) => {
                self.events.clear();
                Ok(0)
            }
            Ok(_) => self.look(),
            Err(error) => Err(error),
        }
    }

    fn events_within(&mut self, at_most: &Timespec) -> Result<usize, Errno> {
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(at_most)) {
            Err(Errno::INTR) => Ok(0),
            other => other,
        }
    }

    /// One of the events that the last wait found.
    #[inline]
    pub(super) fn event(&self, index: usize) -> Option<Ready> {
        let event = self.events.get(index).copied()?;
        let (flags, data) = (event.flags, event.data.u64());
        let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        Some(Ready {
            token: Token {
                place: data as u32,
                generation: (data >> 32) as u32,
            },
            writable: flags.contains(EventFlags::OUT) || broken,
            readable: flags.intersects(EventFlags::IN | EventFlags::RDHUP) || broken,
            hung_up: flags.contains(EventFlags::RDHUP) || broken,
        })
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
