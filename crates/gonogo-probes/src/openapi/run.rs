//! The observing: the document with what it refers to, then the operations, one after another.

use std::collections::BTreeMap;

use gonogo_core::record::{Cause, Cut, NotObserved, TargetSeen};
use serde_json::Value as Json;

use super::calls::{self, Examples, Planned};
use super::compare::{self, Side};
use super::document::{self, Documents, Leads, MAX_BYTES, MAX_DOCUMENTS};
use super::model::{self, Api, Operation, server_path};
use super::observed::{Called, LeftOut, Looked, Sent, seen};
use super::schemas::Schemas;
use super::syntax::{Expected, OpenapiOptions, saved};
use super::{names, valid};
use crate::http::{self, BaseUrl, Fetched, HttpOptions, HttpTarget, get_from};
use crate::probe::{Call, Seen};

/// No more operations are called, nor sent a body.
const MAX_CALLED: usize = 1000;
/// An answer is read up to here; a longer one is not held against its schema.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| call.ctx.not_observed("openapi", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<OpenapiOptions>(&call, "openapi")?;
    let base = BaseUrl::parse(&settings.http).map_err(bad)?;
    let asking = Asking {
        call: &call,
        options: &options,
        settings,
        host: BaseUrl {
            path: String::new(),
            ..base.clone()
        },
        base,
    };
    let documents = asking.documents().await?;
    let api = asking.read(&documents)?;
    let mut schemas = Schemas::new(&documents, api.version);
    let changes = asking.changes(&api, &mut schemas)?;
    let mut cut = Vec::new();
    let calls = if options.calls == Some(false) {
        None
    } else {
        Some(
            asking
                .calls(&documents, &api, &mut schemas, &mut cut)
                .await?,
        )
    };
    let bodies = if options.bodies {
        Some(
            asking
                .bodies(&documents, &api, &mut schemas, &mut cut)
                .await?,
        )
    } else {
        None
    };
    let mut seen = seen(Looked {
        api: &api,
        documents: documents.paths().map(str::to_owned).collect(),
        changes,
        calls,
        bodies,
        cut,
    });
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: format!("{}{}", asking.base.origin(), asking.path()),
        engine: None,
    });
    Ok(seen)
}

struct Asking<'c, 'd> {
    call: &'c Call<'d>,
    options: &'c OpenapiOptions,
    settings: HttpTarget,
    /// The target's address, with its path.
    base: BaseUrl,
    /// The same without.
    host: BaseUrl,
}

impl Asking<'_, '_> {
    /// The path of the document on the host.
    fn path(&self) -> String {
        format!("{}{}", self.base.path, self.options.openapi)
    }

    fn tried(&self) -> String {
        format!("GET {}{}", self.base.origin(), self.path())
    }

    fn failed(&self, cause: Cause, message: impl Into<String>) -> NotObserved {
        self.call.ctx.not_observed(self.tried(), cause, message)
    }

    /// One request; redirects are not followed.
    async fn ask(
        &self,
        method: &str,
        planned: &Planned,
        json: Option<&Json>,
        max_body: u64,
    ) -> Result<Fetched, NotObserved> {
        let mut headers = self.options.headers.clone();
        headers.extend(planned.headers.clone());
        let options = HttpOptions {
            http: format!("{method} {}", planned.path),
            headers,
            query: BTreeMap::new(),
            json: json.cloned(),
            form: None,
            body: None,
            bearer: self.options.bearer.clone(),
            basic: self.options.basic.clone(),
            redirects: Some(0),
            version: None,
            max_body: Some(max_body),
        };
        get_from(self.call.ctx, &self.host, &self.settings, &options).await
    }

    async fn fetch(&self, path: &str, max: u64) -> Result<Fetched, NotObserved> {
        let accept = "application/json, application/yaml;q=0.9, */*;q=0.8";
        let planned = Planned {
            path: path.to_owned(),
            headers: BTreeMap::from([("accept".to_owned(), accept.to_owned())]),
        };
        self.ask("GET", &planned, None, max).await
    }

    /// The document and all that it refers to on this host.
    async fn documents(&self) -> Result<Documents, NotObserved> {
        let mut left = MAX_BYTES;
        let fetched = self.fetch(&self.path(), left).await?;
        self.must_be_there(&fetched)?;
        let root = document::parse(&fetched.body).map_err(|why| {
            let mut failed = self.failed(
                Cause::Protocol,
                format!("this is no OpenAPI document: {why}"),
            );
            failed.help =
                Some("name the path of the JSON or YAML document, not of its page".to_owned());
            failed
        })?;
        left = left.saturating_sub(fetched.body.len() as u64);
        let mut documents = Documents::of(&self.path(), &self.base.origin(), root);
        while let Some((from, reference, leads)) = documents.next() {
            let path = match leads {
                Leads::To(path) => path,
                Leads::Refused(why) => {
                    documents.refuse(from, reference, why);
                    continue;
                }
            };
            if let Some(known) = documents.known(&path) {
                documents.link(from, reference, known);
                continue;
            }
            if documents.len() >= MAX_DOCUMENTS || left == 0 {
                let why = format!(
                    "`{reference}` is not read: more than {MAX_DOCUMENTS} documents or 16 MiB"
                );
                documents.refuse(from, reference, why);
                continue;
            }
            let fetched = match self.fetch(&path, left).await {
                Ok(fetched) => fetched,
                Err(e) if e.cause == Cause::Timeout => return Err(e),
                Err(e) => {
                    documents.refuse(
                        from,
                        reference,
                        format!("`{path}` could not be read: {}", e.message),
                    );
                    continue;
                }
            };
            left = left.saturating_sub(fetched.body.len() as u64);
            let read = match (&fetched.cut, fetched.status) {
                (Some(why), _) => Err(why.clone()),
                (None, 200) => document::parse(&fetched.body),
                (None, status) => Err(format!("the answer is {status} {}", fetched.reason)),
            };
            match read {
                Ok(root) => {
                    let number = documents.add(path, root);
                    documents.link(from, reference, number);
                }
                Err(why) => {
                    documents.refuse(
                        from,
                        reference,
                        format!("`{path}` could not be read: {why}"),
                    );
                }
            }
        }
        Ok(documents)
    }

    fn must_be_there(&self, fetched: &Fetched) -> Result<(), NotObserved> {
        if let Some(why) = &fetched.cut {
            let cause = if fetched.body.len() as u64 >= MAX_BYTES {
                Cause::TooLarge
            } else {
                Cause::Truncated
            };
            return Err(self.failed(cause, format!("the document is not whole: {why}")));
        }
        let (cause, help) = match fetched.status {
            200 => return Ok(()),
            401 | 403 => (
                Cause::Denied,
                "give the target a `bearer:` or `basic:`, or the check its own",
            ),
            404 => (
                Cause::Missing,
                "where is the document? often `/openapi.json`, `/v3/api-docs` or `/openapi.yaml`; a production mode may hide it",
            ),
            408 | 504 => (Cause::Timeout, "ask again, or give the check more time"),
            300..=399 => (Cause::Protocol, "name the path that it redirects to"),
            _ => (Cause::Protocol, "look at the address in a browser"),
        };
        let mut failed = self.failed(
            cause,
            format!("the answer is {} {}", fetched.status, fetched.reason),
        );
        failed.help = Some(help.to_owned());
        Err(failed)
    }

    fn read<'d>(&self, documents: &'d Documents) -> Result<Api<'d>, NotObserved> {
        model::read(documents).map_err(|why| self.failed(Cause::Protocol, why.to_string()))
    }

    fn changes<'d>(
        &self,
        api: &Api<'d>,
        schemas: &mut Schemas<'d>,
    ) -> Result<Option<compare::Changes>, NotObserved> {
        let file = match &self.options.expected {
            None => return Ok(None),
            Some(Expected::Operations(expected)) => {
                return Ok(Some(compare::with_list(expected, api)));
            }
            Some(Expected::File(file)) => file,
        };
        let bytes = self.call.ctx.plan_file(file).ok_or_else(|| {
            self.failed(
                Cause::Missing,
                format!("the document `{file}` is none of the plan's files"),
            )
        })?;
        let bad = |why: String| self.failed(Cause::BadOptions, format!("{file}: {why}"));
        let saved = saved(bytes).map_err(bad)?;
        let before = model::read(&saved).map_err(|why| bad(why.to_string()))?;
        let mut old = Schemas::new(&saved, before.version);
        let before = Side {
            api: &before,
            schemas: &mut old,
        };
        Ok(Some(compare::compared(before, Side { api, schemas })))
    }

    /// The path before those of an operation.
    fn base(&self, operation: &Operation<'_>) -> String {
        let own = self
            .options
            .base
            .as_deref()
            .map(|b| b.trim_end_matches('/').to_owned());
        let server = own.unwrap_or_else(|| server_path(&self.path(), &operation.server));
        let base = &self.base.path;
        // A server that says the target's own path already is not put behind it again.
        if server == *base || server.starts_with(&format!("{base}/")) {
            server
        } else {
            format!("{base}{server}")
        }
    }

    fn planned(
        &self,
        documents: &Documents,
        operation: &Operation<'_>,
    ) -> Result<Planned, LeftOut> {
        let left = |why: String, is_by_plan| LeftOut {
            operation: operation.name(),
            why: valid::shortened(&why),
            is_by_plan,
        };
        if self.options.skip.contains(&operation.name()) {
            return Err(left("the plan skips it".to_owned(), true));
        }
        let examples = Examples(&self.options.examples);
        calls::planned(documents, operation, &self.base(operation), &examples)
            .map_err(|why| left(why, false))
    }

    async fn calls<'d>(
        &self,
        documents: &'d Documents,
        api: &'d Api<'d>,
        schemas: &mut Schemas<'d>,
        cut: &mut Vec<Cut>,
    ) -> Result<(Vec<Called>, Vec<LeftOut>), NotObserved> {
        let (mut called, mut left) = (Vec::new(), Vec::new());
        let safe = |o: &&Operation<'_>| matches!(o.method.as_str(), "GET" | "HEAD");
        for operation in api.operations.iter().filter(safe) {
            let planned = match self.planned(documents, operation) {
                Ok(planned) => planned,
                Err(out) => {
                    left.push(out);
                    continue;
                }
            };
            if called.len() >= MAX_CALLED {
                cut.extend(["calls", "called", "not_called", "all_valid"].map(too_many));
                break;
            }
            let answer = self
                .ask(&operation.method, &planned, None, MAX_ANSWER)
                .await;
            let mut one = Called {
                operation: operation.name(),
                path: planned.path,
                status: None,
                is_documented: false,
                problems: Vec::new(),
                latency: None,
            };
            match answered(operation, answer)? {
                Err(why) => one.problems.push(why),
                Ok(answer) => {
                    one.status = Some(answer.status);
                    one.latency = Some(answer.latency);
                    one.is_documented = operation.response(answer.status).is_some();
                    one.problems = calls::problems(schemas, operation, &answer);
                    if one.is_documented && !(200..400).contains(&answer.status) {
                        one.problems.insert(
                            0,
                            format!(
                                "{} {} is documented, but no success",
                                answer.status, answer.reason
                            ),
                        );
                    }
                }
            }
            called.push(one);
            tokio::task::yield_now().await;
        }
        Ok((called, left))
    }

    async fn bodies<'d>(
        &self,
        documents: &'d Documents,
        api: &'d Api<'d>,
        schemas: &mut Schemas<'d>,
        cut: &mut Vec<Cut>,
    ) -> Result<(Vec<Sent>, Vec<LeftOut>), NotObserved> {
        let (mut all, mut left) = (Vec::new(), Vec::new());
        let requires = |o: &&Operation<'_>| o.body.as_ref().is_some_and(|b| b.is_required);
        for operation in api.operations.iter().filter(requires) {
            let planned = match self.planned(documents, operation) {
                Ok(planned) => planned,
                Err(out) => {
                    left.push(out);
                    continue;
                }
            };
            let forbidden = match calls::forbidden(documents, schemas, operation) {
                Ok(forbidden) => forbidden,
                Err(why) => {
                    left.push(LeftOut {
                        operation: operation.name(),
                        why: valid::shortened(&why),
                        is_by_plan: false,
                    });
                    continue;
                }
            };
            if all.len() >= MAX_CALLED {
                cut.extend(["empty_bodies", "not_sent"].map(too_many));
                break;
            }
            for body in forbidden {
                let answer = self
                    .ask(&operation.method, &planned, Some(&body.body), MAX_ANSWER)
                    .await;
                let answer = answered(operation, answer)?;
                all.push(sent(schemas, operation, &body, answer));
            }
        }
        Ok((all, left))
    }
}

/// An answer, or why there is none; an error where the time is over for all of them.
fn answered(
    operation: &Operation<'_>,
    answer: Result<Fetched, NotObserved>,
) -> Result<Result<Fetched, String>, NotObserved> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(mut e) if matches!(e.cause, Cause::Timeout | Cause::Interrupted) => {
            e.message = format!("`{}` was under way: {}", operation.name(), e.message);
            e.help =
                Some("give the check more time (`timeout:`), or `skip:` what is slow".to_owned());
            Err(e)
        }
        Err(e) => Ok(Err(format!("no answer: {}", e.message))),
    }
}

fn sent<'d>(
    schemas: &mut Schemas<'d>,
    operation: &'d Operation<'d>,
    body: &calls::Forbidden,
    answer: Result<Fetched, String>,
) -> Sent {
    let first = body.fields.first().map(|f| valid::shortened(f));
    let first = first.unwrap_or_default();
    let mut one = Sent {
        operation: operation.name(),
        body: body.kind,
        status: None,
        is_documented: false,
        field: first,
        names_field: false,
        problems: Vec::new(),
    };
    match answer {
        Err(why) => one.problems.push(valid::shortened(&why)),
        Ok(answer) => {
            one.status = Some(answer.status);
            one.is_documented = operation.response(answer.status).is_some();
            one.problems = calls::problems(schemas, operation, &answer);
            let named = names::named(&answer.body, &body.fields);
            if let (400..=499, Some(field)) = (answer.status, named) {
                one.names_field = true;
                one.field = valid::shortened(field);
            }
        }
    }
    one
}

fn too_many(fact: &str) -> Cut {
    Cut {
        fact: fact.to_owned(),
        why: format!("at most {MAX_CALLED} operations are called"),
    }
}
