//! What the probes of containers share: the target, and the engine's API as Docker and Podman both speak it.

pub(crate) mod api;
mod health;
mod selection;

use gonogo_core::plan::TargetSyntax;
use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

pub(crate) use health::HealthCheck;
pub(crate) use selection::{Selection, is_one_off, service};

use crate::http::{BaseUrl, HttpTarget};
use crate::json_api::JsonApi;
use crate::probe::{Call, ResolvedTarget};
use api::{Container, Image, Listed, Version};

/// A container engine with Docker's API: Docker, or `podman system service`.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "docker",
    schema: || schemars::schema_for!(DockerTarget),
    host,
};

/// A container engine: Docker, or Podman's Docker-compatible service. It is only ever read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DockerTarget {
    /// Its address: `unix:///run/docker.sock`, `unix:///run/podman/podman.sock`, `http://host:2375` (`tcp://` is read
    /// as that) or `https://host:2376`.
    pub docker: String,
    /// A PEM file with the CA to trust instead of the system's, for `https://`.
    pub ca: Option<String>,
    /// The token of `Authorization: Bearer`, where a proxy in front of the engine asks for one.
    pub bearer: Option<String>,
}

fn host(options: &Json) -> Result<Option<String>, String> {
    let target: DockerTarget =
        serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    let base = target.base()?;
    Ok(match base.socket {
        Some(_) => None,
        None => Some(format!("{}:{}", base.host, base.port)),
    })
}

impl DockerTarget {
    fn base(&self) -> Result<BaseUrl, String> {
        let text = self.docker.trim();
        if let Some(path) = text.strip_prefix("unix://") {
            if path.is_empty() {
                return Err(format!(
                    "`{text}` names no socket; write `unix:///run/docker.sock`"
                ));
            }
            return Ok(BaseUrl::over_socket(path));
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            return BaseUrl::parse(&format!("http://{rest}"));
        }
        if text.starts_with("ssh://") {
            return Err(format!(
                "`{text}` is not reached here; forward the socket with `ssh -L` and name it as `unix://PATH`"
            ));
        }
        BaseUrl::parse(text)
            .map_err(|e| format!("{e}; an engine's address is `unix://PATH` or `http://HOST:PORT`"))
    }
}

/// An engine that is asked.
pub(crate) struct Engine<'a> {
    api: JsonApi<'a>,
    target: &'a ResolvedTarget,
    version: Version,
    /// The engine's clock less ours.
    pub(crate) clock_lead: chrono::Duration,
}

impl<'a> Engine<'a> {
    /// The call's engine, once it has said which it is.
    pub(crate) async fn open(call: &Call<'a>, tried: &str) -> Result<Self, NotObserved> {
        let bad = |message: String| call.ctx.not_observed(tried, Cause::BadOptions, message);
        let target = call
            .target
            .ok_or_else(|| bad("the environment has no docker target".to_owned()))?;
        let settings: DockerTarget =
            serde_json::from_value(target.options.clone()).map_err(|e| bad(e.to_string()))?;
        let base = settings.base().map_err(bad)?;
        let api = JsonApi {
            ctx: call.ctx,
            base,
            settings: HttpTarget {
                http: settings.docker,
                ca: settings.ca,
                bearer: settings.bearer,
                basic: None,
                headers: std::collections::BTreeMap::new(),
                version: None,
            },
            who: "a container engine with Docker's API",
            denied: "the engine, or a proxy in front of it, does not let this be read; give the target `bearer:` where it asks for a token",
        };
        let answer = api.get::<Version>("/version", &[]).await?;
        Ok(Self {
            api,
            target,
            clock_lead: answer.clock_lead,
            version: answer.body,
        })
    }

    /// The target as it was reached.
    pub(crate) fn seen(&self) -> TargetSeen {
        TargetSeen {
            name: self.target.name.clone(),
            address: self.api.base.origin(),
            engine: Some(self.version.words()),
        }
    }

    /// All containers of a selection, stopped ones too.
    pub(crate) async fn list(&self, selection: &Selection) -> Result<Vec<Listed>, NotObserved> {
        let query = [("all", "true".to_owned()), ("filters", selection.filters())];
        let answer = self.api.get("/containers/json", &query).await?;
        Ok(answer.body)
    }

    /// One container; `None` where it is gone meanwhile.
    pub(crate) async fn container(&self, id: &str) -> Result<Option<Container>, NotObserved> {
        let id = crate::http::percent_encode(id);
        let answer = self
            .api
            .find(&format!("/containers/{id}/json"), &[])
            .await?;
        Ok(answer.map(|a| a.body))
    }

    /// One image; `None` where it was removed although a container still uses it.
    pub(crate) async fn image(&self, id: &str) -> Result<Option<Image>, NotObserved> {
        let id = crate::http::percent_encode(id);
        let answer = self.api.find(&format!("/images/{id}/json"), &[]).await?;
        Ok(answer.map(|a| a.body))
    }

    /// What a container uses just now; `None` where it is gone meanwhile.
    pub(crate) async fn usage(&self, id: &str) -> Result<Option<api::Usage>, NotObserved> {
        let id = crate::http::percent_encode(id);
        let query = [
            ("stream", "false".to_owned()),
            ("one-shot", "true".to_owned()),
        ];
        let path = format!("/containers/{id}/stats");
        let answer = self.api.find(&path, &query).await?;
        Ok(answer.map(|a| a.body))
    }
}

#[cfg(test)]
mod tests;
