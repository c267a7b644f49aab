//! The observing: first a user that cannot exist, then the known pairs one by one.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use gonogo_core::{Map, Value};
use ring::rand::SecureRandom as _;
use serde_json::Value as Json;

use super::observed::{answer, users};
use super::syntax::{DefaultCredentialsOptions, Way};
use crate::ctx::Ctx;
use crate::http::{self, BaseUrl, Basic, Fetched, HttpOptions, HttpTarget};
use crate::probe::{Call, Seen};

/// How much of an answer is looked at for `failed_text`.
const MAX_BODY: u64 = 256 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("default-credentials", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<DefaultCredentialsOptions>(&call, "default-credentials")?;
    let base = BaseUrl::parse(&settings.http).map_err(bad)?;
    let pairs = options.tried().map_err(bad)?;
    let login = Login {
        ctx,
        settings: stranger(settings),
        options: &options,
    };
    let control = login.control().await?;
    let mut tried = Vec::new();
    let mut accepted = Vec::new();
    let mut answers = Vec::new();
    for (user, password) in &pairs {
        let (status, reply) = login.attempt(user, password).await?;
        tried.push(user.clone());
        answers.push(answer(user, status));
        match reply {
            Reply::LetIn => {
                accepted.push(user.clone());
                break;
            }
            Reply::Refused => {}
            Reply::Neither(why) => return Err(login.stopped(tried.len(), pairs.len(), &why)),
        }
    }
    if tried.is_empty() {
        return Err(bad("there is no pair to try".to_owned()));
    }
    let facts: Map = [
        ("tried", users(&tried)),
        ("accepted", users(&accepted)),
        ("control", control.into()),
        ("answers", Value::List(answers)),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    Ok(Seen {
        facts,
        target: Some(TargetSeen {
            name: target.name.clone(),
            address: format!("{}{}", base.origin(), base.path),
            engine: None,
        }),
        ..Seen::default()
    })
}

/// The target without what would let anybody in.
fn stranger(mut settings: HttpTarget) -> HttpTarget {
    settings.bearer = None;
    settings.basic = None;
    let opens = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "authorization" || name == "cookie"
    };
    settings.headers.retain(|name, _| !opens(name));
    settings
}

/// What a login came to.
enum Reply {
    LetIn,
    Refused,
    /// An answer by which nothing can be told; which.
    Neither(String),
}

struct Login<'a> {
    ctx: &'a Ctx,
    settings: HttpTarget,
    options: &'a DefaultCredentialsOptions,
}

impl Login<'_> {
    /// A user that cannot exist. Where it is let in, or the answer is none of a login, no pair proves anything.
    async fn control(&self) -> Result<u16, NotObserved> {
        let mut random = [0u8; 24];
        ring::rand::SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| self.failed(Cause::Missing, "this machine gives no random numbers"))?;
        let text: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let (user, password) = text.split_at(24);
        let (status, reply) = self.attempt(&format!("gonogo-{user}"), password).await?;
        let (cause, message, help) = match reply {
            Reply::Refused => return Ok(status),
            Reply::LetIn => (
                Cause::Protocol,
                format!(
                    "accepts anything: a user that cannot exist was answered {status}, as one that is let in"
                ),
                "is this the login? Say how a failed login is told with `let_in:` or `failed_text:`",
            ),
            Reply::Neither(why) => (
                Cause::Protocol,
                format!("a user that cannot exist was answered {why}, which is no refusal"),
                "is this the path and the form of the login? See `as:`, `user_field:`, `with:`",
            ),
        };
        let mut failed = self.failed(cause, &message);
        failed.help = Some(help.to_owned());
        Err(failed)
    }

    async fn attempt(&self, user: &str, password: &str) -> Result<(u16, Reply), NotObserved> {
        let options = self.request(user, password);
        let fetched = http::ask(self.ctx, &self.settings, &options).await?;
        Ok((fetched.status, self.reply(&fetched)))
    }

    fn request(&self, user: &str, password: &str) -> HttpOptions {
        let mut request = HttpOptions {
            headers: self.options.headers.clone(),
            max_body: Some(MAX_BODY),
            ..HttpOptions::line(self.options.default_credentials.as_str())
        };
        if self.options.way == Way::Basic {
            request.basic = Some(Basic {
                user: user.to_owned(),
                password: password.to_owned(),
            });
            return request;
        }
        let name =
            |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        let mut fields = self.options.with.clone();
        fields.insert(name(&self.options.user_field, "username"), user.into());
        fields.insert(
            name(&self.options.password_field, "password"),
            password.into(),
        );
        if self.options.way == Way::Form {
            request.form = Some(fields);
        } else {
            request.json = Some(Json::Object(fields.into_iter().collect()));
        }
        request
    }

    fn reply(&self, fetched: &Fetched) -> Reply {
        let status = fetched.status;
        let lets_in = if self.options.let_in.is_empty() {
            (200..300).contains(&status)
        } else {
            self.options.let_in.contains(&status)
        };
        let failed = self.options.failed_text.as_deref().is_some_and(|text| {
            let body = String::from_utf8_lossy(&fetched.body);
            body.contains(text) || fetched.all("location").any(|l| l.contains(text))
        });
        match status {
            _ if lets_in && failed => Reply::Refused,
            _ if lets_in && fetched.cut.is_some() && self.options.failed_text.is_some() => {
                Reply::Neither(format!(
                    "{status} with a body that is larger than {MAX_BODY} bytes"
                ))
            }
            _ if lets_in => Reply::LetIn,
            // RFC 9110, 15.5: what was sent is not accepted. Others say so by leading back, or with a page.
            400 | 401 | 403 | 422 => Reply::Refused,
            _ if failed => Reply::Refused,
            200..400 if !self.options.let_in.is_empty() => Reply::Refused,
            _ => Reply::Neither(format!("{status} {}", fetched.reason)),
        }
    }

    fn stopped(&self, tried: usize, of: usize, why: &str) -> NotObserved {
        let message = format!(
            "the login was answered {why} at pair {tried} of {of}: what was not tried proves nothing"
        );
        let mut failed = self.failed(Cause::Denied, &message);
        failed.help = Some(
            "an account may be locked, or logins limited: wait, or try fewer `pairs:`".to_owned(),
        );
        failed
    }

    fn failed(&self, cause: Cause, message: &str) -> NotObserved {
        self.ctx
            .not_observed(&self.options.default_credentials, cause, message)
    }
}
