//! Which of an engine's containers are meant.

use std::collections::BTreeMap;

use serde_json::json;

/// Compose writes these on what it makes; podman-compose the same.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Which containers are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    project: Option<String>,
    labels: Vec<String>,
}

impl Selection {
    /// `*` for all, else the name of a compose project; labels narrow it.
    pub(crate) fn of(text: &str, labels: &[String]) -> Result<Self, String> {
        let text = text.trim();
        let project = match text {
            "*" => None,
            _ if is_project(text) => Some(text.to_owned()),
            _ if text.contains('=') => {
                return Err(format!(
                    "`{text}` is no compose project; a label is written beside `'*'`: `label: {text}`"
                ));
            }
            _ => {
                return Err(format!(
                    "`{text}` is no name of a compose project (small letters, digits, `-`, `_`); `'*'` means all containers"
                ));
            }
        };
        if let Some(empty) = labels
            .iter()
            .find(|l| l.is_empty() || l.starts_with('=') || l.chars().any(char::is_control))
        {
            return Err(format!("`{empty}` is no label; write `key` or `key=value`"));
        }
        Ok(Self {
            project,
            labels: labels.to_vec(),
        })
    }

    /// The `filters` of the API.
    pub(crate) fn filters(&self) -> String {
        let project = self.project.iter().map(|p| format!("{PROJECT}={p}"));
        let all: Vec<String> = project.chain(self.labels.iter().cloned()).collect();
        if all.is_empty() {
            return json!({}).to_string();
        }
        json!({ "label": all }).to_string()
    }

    /// What was looked for, for a person.
    pub(crate) fn words(&self) -> String {
        let mut words = match &self.project {
            Some(project) => format!("container of the compose project `{project}`"),
            None => "container".to_owned(),
        };
        if !self.labels.is_empty() {
            let labels: Vec<String> = self.labels.iter().map(|l| format!("`{l}`")).collect();
            words = format!("{words} with the label {}", labels.join(" and "));
        }
        words
    }
}

/// What a container is called in the plan: its compose service, else its own name.
pub(crate) fn service(labels: &BTreeMap<String, String>) -> Option<&str> {
    labels.get(SERVICE).map(String::as_str)
}

/// Made by `compose run`, which is none of the project's services.
pub(crate) fn is_one_off(labels: &BTreeMap<String, String>) -> bool {
    labels
        .get(ONE_OFF)
        .is_some_and(|v| v.eq_ignore_ascii_case("true"))
}

/// Compose specification, `name`: small letters, digits, `-` and `_`, beginning with a letter or digit.
fn is_project(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
