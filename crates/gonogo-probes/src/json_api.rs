//! An API over HTTP whose answers are JSON: container engines and Kubernetes. Only reads.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gonogo_core::record::{Cause, NotObserved};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::ctx::Ctx;
use crate::http::{BaseUrl, Fetched, HttpOptions, HttpTarget, get_from};

/// An answer is read up to here; a longer one is not used at all.
const MAX_BODY: u64 = 32 * 1024 * 1024;
/// Text of a target in a message is cut here.
const MAX_TOLD: usize = 400;

/// Who is asked.
pub(crate) struct JsonApi<'a> {
    /// The only door outside.
    pub(crate) ctx: &'a Ctx,
    /// Where it is.
    pub(crate) base: BaseUrl,
    /// Credentials and CA.
    pub(crate) settings: HttpTarget,
    /// Who answers there, for messages: `a container engine`.
    pub(crate) who: &'static str,
    /// What to do where the credentials are refused.
    pub(crate) denied: &'static str,
}

/// What a GET came to.
pub(crate) struct Answer<T> {
    /// The body.
    pub(crate) body: T,
    /// The server's clock less ours, by its `Date`; zero where it has none or where they agree to two seconds.
    pub(crate) clock_lead: chrono::Duration,
}

impl JsonApi<'_> {
    /// Asks, and reads the answer as that type; `None` where the API says that there is no such thing.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Answer<T>>, NotObserved> {
        let fetched = self.fetch(path, query).await?;
        match fetched.status {
            200 => self.read(&fetched).map(Some),
            404 if Self::told(&fetched).is_some() => Ok(None),
            _ => Err(self.refused(&fetched)),
        }
    }

    /// Asks for what must be there.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Answer<T>, NotObserved> {
        let fetched = self.fetch(path, query).await?;
        if fetched.status == 200 {
            return self.read(&fetched);
        }
        Err(self.refused(&fetched))
    }

    async fn fetch(&self, path: &str, query: &[(&str, String)]) -> Result<Fetched, NotObserved> {
        let options = HttpOptions {
            http: format!("GET {path}"),
            headers: BTreeMap::from([("accept".to_owned(), "application/json".to_owned())]),
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Json::String(value.clone())))
                .collect(),
            json: None,
            form: None,
            body: None,
            bearer: None,
            basic: None,
            redirects: Some(0),
            version: None,
            max_body: Some(MAX_BODY),
        };
        let fetched = get_from(self.ctx, &self.base, &self.settings, &options).await?;
        match &fetched.cut {
            Some(why) => Err(self.failed(&fetched, Cause::TooLarge, why.clone())),
            None => Ok(fetched),
        }
    }

    fn read<T: DeserializeOwned>(&self, fetched: &Fetched) -> Result<Answer<T>, NotObserved> {
        match serde_json::from_slice(&fetched.body) {
            Ok(body) => Ok(Answer {
                body,
                clock_lead: self.clock_lead(fetched),
            }),
            Err(error) => Err(self.unreadable(fetched, &error)),
        }
    }

    fn unreadable(&self, fetched: &Fetched, error: &serde_json::Error) -> NotObserved {
        let (cause, message) = if fetched.body.trim_ascii().is_empty() {
            (Cause::Protocol, "the answer is empty".to_owned())
        } else if error.is_eof() {
            (Cause::Truncated, format!("the answer breaks off: {error}"))
        } else {
            let message = format!("the answer is not what {} says: {error}", self.who);
            (Cause::Protocol, message)
        };
        let mut failed = self.failed(fetched, cause, message);
        failed.help = Some(format!("is the target {}?", self.who));
        failed
    }

    /// What the API itself says of a failure, in the words that Docker, Podman and Kubernetes, or Prometheus use.
    fn told(fetched: &Fetched) -> Option<String> {
        let body: Json = serde_json::from_slice(&fetched.body).ok()?;
        let told = body.get("message").or_else(|| body.get("error"))?;
        Some(shortened(told.as_str()?))
    }

    fn refused(&self, fetched: &Fetched) -> NotObserved {
        let status = fetched.status;
        let (cause, help) = match status {
            401 | 403 => (Cause::Denied, Some(self.denied.to_owned())),
            404 => (Cause::Missing, Some(format!("is the target {}?", self.who))),
            408 | 504 => (Cause::Timeout, None),
            _ => (Cause::Protocol, None),
        };
        let told = Self::told(fetched).map_or_else(String::new, |told| format!(": {told}"));
        let message = format!("the answer is {status} {}{told}", fetched.reason);
        let mut failed = self.failed(fetched, cause, message);
        failed.help = help;
        failed
    }

    /// Why nothing was observed.
    fn failed(&self, fetched: &Fetched, cause: Cause, message: impl Into<String>) -> NotObserved {
        self.ctx.not_observed(&fetched.tried, cause, message)
    }

    fn clock_lead(&self, fetched: &Fetched) -> chrono::Duration {
        let date = fetched.header("date").unwrap_or("");
        let Ok(theirs) = DateTime::parse_from_rfc2822(date) else {
            return chrono::Duration::zero();
        };
        let lead = theirs.with_timezone(&Utc) - self.ctx.wall_now();
        // `Date` has whole seconds, and the answer took its time.
        if lead.abs() <= chrono::Duration::seconds(2) {
            return chrono::Duration::zero();
        }
        lead
    }
}

/// Text of a target in a message, shortened.
pub(crate) fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_TOLD {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_TOLD).collect();
    format!("{start}…")
}
