//! What a statement reaches: by the names that it mentions, over views, triggers, functions and rules, to what a
//! rollback does not undo. Pure: the catalogue was read before.
//!
//! Names count without their schema and wherever they stand: too much is reached, never too little.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{LazyLock, OnceLock};

use crate::sql::statement::gate::Examined;
use crate::sql::statement::{Mentions, Moves, Refused};

/// What the catalogue says of the objects that are not the server's own.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// By name: what acts, or may act, when the name is used.
    pub(super) acts: BTreeMap<String, Vec<Act>>,
    /// What acts where no name shows it: operators, casts, domains.
    pub(super) everywhere: Vec<Act>,
    /// What acts when something is defined.
    pub(super) on_definition: Vec<Act>,
    /// Functions of the server's own that this program does not know to be harmless.
    pub(super) unknown: BTreeSet<String>,
    /// By which means something could be changed outside of the transaction, were it not refused.
    pub(super) means: Vec<String>,
    /// Tables and views by name, with their schemas.
    pub(super) relations: BTreeMap<String, BTreeSet<String>>,
    /// All sequences.
    pub(super) sequences: Vec<Sequence>,
    /// Whether what acts everywhere may, looked at once.
    pub(super) may_everywhere: OnceLock<Result<(), Refused>>,
    /// Whether what acts when something is defined may, looked at once.
    pub(super) may_define: OnceLock<Result<(), Refused>>,
}

/// Something that acts.
#[derive(Debug)]
pub(super) struct Act {
    /// For a person: `trigger audit_row`.
    pub(super) what: String,
    /// When.
    pub(super) when: When,
    /// What it mentions: read when a statement first reaches it, for most of a database is reached by none.
    pub(super) mentions: Lazily,
}

/// What is read when it is first asked for.
pub(super) type Lazily = LazyLock<Mentions, Box<dyn FnOnce() -> Mentions + Send>>;

/// When something acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// When the name is read, too.
    Read,
    /// When it is called: what it does is its own affair.
    Called,
    /// Only when rows change.
    Changed,
}

/// A sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Its schema.
    pub(super) schema: String,
    /// Its name.
    pub(super) name: String,
    /// The table whose column it feeds.
    pub(super) table: Option<String>,
    /// Whether the role may read it.
    pub(super) readable: bool,
}

impl Sequence {
    /// `public.orders_id_seq`.
    pub(super) fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// What a statement may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Tables, without their schemas.
    pub(super) tables: BTreeSet<String>,
    /// Which sequences it may move, as places in the catalogue's list.
    pub(super) sequences: BTreeSet<usize>,
}

impl Catalogue {
    /// What a statement may change; why it may not be sent, otherwise, with the way there.
    pub(super) fn reach(&self, examined: &Examined) -> Result<Reached, Refused> {
        self.all_may(&self.may_everywhere, &self.everywhere)?;
        if examined.defines {
            self.all_may(&self.may_define, &self.on_definition)?;
        }
        let own = &examined.mentions;
        if examined.only_looks && own.moves == Moves::default() {
            let looked = self.walk(own, &[], true)?;
            if !looked.calls {
                return Ok(Reached::default());
            }
        }
        let walked = self.walk(own, &[], false)?;
        Ok(self.changed(&walked))
    }

    fn all_may(&self, known: &OnceLock<Result<(), Refused>>, acts: &[Act]) -> Result<(), Refused> {
        let may = || {
            acts.iter().try_for_each(|act| {
                self.walk(&act.mentions, std::slice::from_ref(&act.what), false)
                    .map(drop)
            })
        };
        known.get_or_init(may).clone()
    }

    fn changed(&self, walked: &Walked) -> Reached {
        let moved = |sequence: &Sequence| {
            let by_table = sequence
                .table
                .as_ref()
                .is_some_and(|table| walked.names.contains_key(table));
            by_table
                || walked.names.contains_key(&sequence.name)
                || match &walked.moves {
                    Moves::Any => true,
                    Moves::Named(names) => names.contains(&sequence.name),
                }
        };
        let sequences = self.sequences.iter().enumerate();
        Reached {
            tables: walked
                .names
                .keys()
                .filter(|name| self.relations.contains_key(*name))
                .cloned()
                .collect(),
            sequences: sequences
                .filter(|(_, sequence)| moved(sequence))
                .map(|(at, _)| at)
                .collect(),
        }
    }

    fn walk(&self, from: &Mentions, way: &[String], looking: bool) -> Result<Walked, Refused> {
        let mut walked = Walked {
            moves: from.moves.clone(),
            ..Walked::default()
        };
        if let Some(why) = &from.escape {
            return Err(refused(way, why));
        }
        let mut queue = VecDeque::new();
        walked.add(self, from, way, &mut queue);
        while let Some(name) = queue.pop_front() {
            let way = walked.names.get(&name).cloned().unwrap_or_default();
            if self.unknown.contains(&name) {
                let why = format!(
                    "whether the server's own function `{name}` leaves something behind is not known"
                );
                return Err(refused(&way, &why));
            }
            for act in self.acts.get(&name).into_iter().flatten() {
                if looking && act.when == When::Changed {
                    continue;
                }
                walked.calls |= act.when == When::Called;
                let mut further = way.clone();
                further.push(if act.what.ends_with(&format!(" {name}")) {
                    act.what.clone()
                } else {
                    format!("{name} → {}", act.what)
                });
                if let Some(why) = &act.mentions.escape {
                    return Err(refused(&further, why));
                }
                walked.moves.join(&act.mentions.moves);
                walked.add(self, &act.mentions, &further, &mut queue);
            }
        }
        Ok(walked)
    }
}

#[derive(Default)]
struct Walked {
    /// Each name that is reached, and the way there.
    names: BTreeMap<String, Vec<String>>,
    moves: Moves,
    /// Something is called whose own affair it is what it does.
    calls: bool,
}

impl Walked {
    fn add(
        &mut self,
        catalogue: &Catalogue,
        mentions: &Mentions,
        way: &[String],
        queue: &mut VecDeque<String>,
    ) {
        let placed = catalogue.relations.keys().filter(|_| mentions.places_names);
        for name in mentions.names.iter().chain(placed) {
            if !self.names.contains_key(name) {
                self.names.insert(name.clone(), way.to_vec());
                queue.push_back(name.clone());
            }
        }
    }
}

fn refused(way: &[String], why: &str) -> Refused {
    let way = way.join(" → ");
    Refused::new(
        format!("what a rollback does not undo is reached: {way}: {why}"),
        "ask for it in a gate without `transaction: rollback`, or in a database where that trigger or function is not",
    )
}
