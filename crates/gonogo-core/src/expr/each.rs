//! The macros that look at every element: `all`, `exists`, `exists_one`, `map`, `filter`.

use std::borrow::Cow;

use super::ast::{Each, Which};
use super::blame::described;
use super::eval::{Env, Evaluator, Local, Out, plain};
use super::path::Path;
use super::stop::{Stop, TroubleKind};
use crate::value::Value;

impl Evaluator<'_> {
    pub(super) fn each<'v>(&'v self, each: &'v Each, env: Env<'v>) -> Out<Cow<'v, Value>> {
        let range = self.operand(&each.range, env)?;
        let keys: Vec<Value>;
        let (items, is_list) = match range.as_ref() {
            Value::List(items) => (items.as_slice(), true),
            Value::Map(map) => {
                self.spend(map.len() as u64)?;
                keys = map.keys().map(|k| Value::String(k.clone())).collect();
                (keys.as_slice(), false)
            }
            other => {
                let message = format!(
                    "`{}` is {} where a list is due",
                    self.place(&each.range, env),
                    described(other)
                );
                return Err(match self.path(&each.range, env) {
                    Some(path) if !self.scope.is_given(&path.root) => {
                        Stop::one(TroubleKind::Clash, Some(path), message)
                    }
                    _ => Stop::error(message),
                });
            }
        };
        let mark = self.guards.borrow().len();
        let locals = items.iter().enumerate().map(|(i, value)| Local {
            name: &each.name,
            value,
            from: is_list.then_some((&each.range, i)),
            outer: env,
        });
        let result = match each.which {
            Which::All if items.is_empty() => Err(self.nothing(each, env)),
            Which::Map | Which::Filter => self.collect(each, locals),
            _ => self.quantify(each, locals),
        };
        // What the body asked was about its elements.
        self.guards.borrow_mut().truncate(mark);
        result.map(Cow::Owned)
    }

    fn nothing(&self, each: &Each, env: Env<'_>) -> Stop {
        let place = self.place(&each.range, env);
        let message = format!("`{place}` is empty, and `all` over nothing proves nothing");
        let path = self
            .path(&each.range, env)
            .unwrap_or_else(|| Path::root(place));
        Stop::one(TroubleKind::Inconclusive, Some(path), message)
    }

    /// `all`, `exists`, `exists_one`: every element is looked at, so that their order does not matter.
    fn quantify<'w>(&self, each: &Each, locals: impl Iterator<Item = Local<'w>>) -> Out<Value> {
        let (mut holding, mut failing) = (0u64, 0u64);
        let mut stop: Option<Stop> = None;
        let and = each.which == Which::All;
        for local in locals {
            match self.truth(&each.body, Some(&local)) {
                Ok(true) => holding += 1,
                Ok(false) => failing += 1,
                Err(more) => {
                    // One trouble of a kind is enough; a thousand rows need not say the same.
                    stop = Some(match stop {
                        None => more,
                        Some(mut so_far) if so_far.troubles.len() >= 8 => {
                            so_far.contradicted = if and {
                                so_far.contradicted || more.contradicted
                            } else {
                                so_far.contradicted && more.contradicted
                            };
                            so_far
                        }
                        Some(so_far) => so_far.and_also(more, and),
                    });
                    if self.steps.get() == 0 {
                        break;
                    }
                }
            }
        }
        match (stop, each.which) {
            (Some(mut stop), which) => {
                stop.contradicted = match which {
                    Which::All => stop.contradicted || failing > 0,
                    Which::Exists => stop.contradicted && holding == 0,
                    _ => false,
                };
                Err(stop)
            }
            (None, Which::All) => Ok(Value::Bool(failing == 0)),
            (None, Which::ExistsOne) => Ok(Value::Bool(holding == 1)),
            (None, _) => Ok(Value::Bool(holding > 0)),
        }
    }

    fn collect<'w>(&self, each: &Each, locals: impl Iterator<Item = Local<'w>>) -> Out<Value> {
        let mut out = Vec::new();
        for local in locals {
            let env = Some(&local);
            if each.which == Which::Filter {
                if self.truth(&each.body, env).map_err(plain)? {
                    out.push(self.own(Cow::Borrowed(local.value))?);
                }
                continue;
            }
            let wanted = match &each.when {
                Some(when) => self.truth(when, env).map_err(plain)?,
                None => true,
            };
            if wanted {
                out.push(self.operand(&each.body, env).and_then(|v| self.own(v))?);
            }
        }
        Ok(Value::List(out))
    }
}
