//! Everything that is known before the first packet: plan, environment, inputs, targets, powers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gonogo_core::decide::Policy;
use gonogo_core::diag::Diagnostic;
use gonogo_core::plan::{
    self, Check, Environment, Filler, LoadedWaivers, Plan, PlanFile, Registry,
};
use gonogo_core::record::{EnvironmentKind, Power};
use gonogo_core::redact::Redactor;
use gonogo_core::{Map, Value};
use gonogo_probes::probe::ResolvedTarget;

use super::inputs::Inputs;
use super::names::Names;

/// A run that may start. Holds secrets, so it cannot be printed.
pub struct Setup {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The waivers beside it.
    pub waivers: Vec<plan::Waiver>,
    /// The environment's name.
    pub environment: String,
    /// Inputs as found.
    pub inputs: Inputs,
    /// Targets by name; `Err` says why one cannot be reached: an input is missing.
    pub targets: BTreeMap<String, Result<ResolvedTarget, MissingValue>>,
    /// Hosts that may be talked to.
    pub hosts: Vec<(String, u16)>,
    /// Powers that the run has.
    pub powers: Vec<Power>,
    /// `--only` as given.
    pub only: Vec<String>,
    /// The plan's folder.
    pub base_dir: PathBuf,
    /// What `--policy` adds.
    pub policy: Policy,
    /// The policy's file, as it stands.
    pub policy_bytes: Option<Vec<u8>>,
    /// The waiver file, as it stands.
    pub waiver_file: Option<PlanFile>,
    /// Fills templates.
    pub filler: Filler,
}

/// A value that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValue {
    /// `inputs.dsn`, `saved.token`.
    pub name: String,
    /// Why.
    pub why: String,
}

impl Setup {
    /// The environment; known to exist since `prepare`.
    pub fn env(&self) -> &Environment {
        &self.plan.environments[&self.environment]
    }

    /// The target of a check: the one it names, else the first of a kind that its probe can observe.
    pub fn target_of(
        &self,
        check: &Check,
        registry: &Registry<'_>,
    ) -> Option<&Result<ResolvedTarget, MissingValue>> {
        let probe = registry.probe(&check.probe)?;
        let target = plan::target_of(self.env(), check, probe).ok().flatten()?;
        self.targets.get(&target.name)
    }

    /// The targets that can be reached, in the plan's order.
    pub fn targets_in_order(&self) -> Vec<ResolvedTarget> {
        let named = self.env().targets.iter();
        let found = named.filter_map(|target| self.targets.get(&target.name)?.as_ref().ok());
        found.cloned().collect()
    }

    /// A redactor that knows every secret input.
    pub fn redactor(&self) -> (Redactor, Vec<String>) {
        let mut redactor = Redactor::new();
        let mut warnings = Vec::new();
        for (name, value) in &self.inputs.secrets {
            warnings.extend(redactor.register(name, value).warning);
        }
        (redactor, warnings)
    }

    /// The names that templates may use: inputs and the environment's own.
    pub fn names(&self) -> Names {
        let mut env: Map = self
            .env()
            .values
            .iter()
            .map(|(name, value)| (name.clone(), Value::from_json(value)))
            .collect();
        env.insert("name".to_owned(), self.environment.as_str().into());
        Names::new(self.inputs.values.clone(), env)
    }

    /// A check by its address; the subject's under `subject`.
    pub fn check_at(&self, gate: &str, check: &str) -> Option<&Check> {
        if gate == "subject" {
            return self.plan.subject.as_ref().map(|s| &s.check);
        }
        let gate = self.plan.gates.iter().find(|g| g.id == gate)?;
        gate.checks.iter().find(|c| c.id == check)
    }

    /// All checks with their gates' ids, in plan order.
    pub fn all_checks(&self) -> impl Iterator<Item = (&str, &Check)> {
        self.plan
            .gates
            .iter()
            .flat_map(|g| g.checks.iter().map(|c| (g.id.as_str(), c)))
    }

    /// Whether the gate's SQL is rolled back.
    pub fn is_rolled_back(&self, gate: &str) -> bool {
        self.plan.gates.iter().any(|g| g.id == gate && g.rollback)
    }

    /// What is to be released, in one text: the inputs that the subject's expectations name.
    pub fn subject_key(&self) -> String {
        let Some(subject) = &self.plan.subject else {
            return "none".to_owned();
        };
        let mut parts = Vec::new();
        for path in subject
            .check
            .expect
            .iter()
            .flat_map(gonogo_core::expr::Expr::paths)
        {
            if path.root != "inputs" {
                continue;
            }
            let text = path.to_string();
            let name = text.trim_start_matches("inputs.");
            if let Some(seen) = self.inputs.seen.get(name) {
                let value = seen
                    .value
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string);
                parts.push(format!("{name}={value}"));
            }
        }
        parts.dedup();
        parts.join(" ")
    }
}

/// What the command line says of a run.
pub struct Asked {
    /// `--env`.
    pub environment: String,
    /// `--allow`.
    pub allow: Vec<Power>,
    /// `--only`.
    pub only: Vec<String>,
}

/// Fills the targets and checks what can be checked without sending anything.
pub fn prepare(
    plan: Plan,
    waivers: LoadedWaivers,
    policy: Option<(Policy, Vec<u8>)>,
    inputs: Inputs,
    asked: Asked,
    base_dir: PathBuf,
) -> Result<Setup, Vec<Diagnostic>> {
    let registry = gonogo_probes::registry();
    let mut problems = plan::check_environment(&plan, &asked.environment, &registry);
    problems.extend(unknown_filters(&plan, &asked.only));
    problems.retain(|d| d.level == gonogo_core::diag::Level::Error);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (policy, policy_bytes) = match policy {
        Some((policy, bytes)) => (policy, Some(bytes)),
        None => (Policy::default(), None),
    };
    let environment = &plan.environments[&asked.environment];
    let powers = powers(environment, &asked.allow);
    let mut setup = Setup {
        waivers: waivers.waivers,
        waiver_file: waivers.file,
        filler: Filler::new(&registry),
        policy,
        policy_bytes,
        inputs,
        targets: BTreeMap::new(),
        hosts: Vec::new(),
        powers,
        only: asked.only,
        base_dir,
        environment: asked.environment,
        plan: Arc::new(plan),
    };
    let problems = fill_targets(&mut setup, &registry);
    if problems.is_empty() {
        Ok(setup)
    } else {
        Err(problems)
    }
}

/// What the environment's `allow` grants is enough for write and load; exec, and anything on production, must be
/// allowed on the command line too (decisions, 13).
fn powers(environment: &Environment, allow: &[Power]) -> Vec<Power> {
    let named = |power: Power| {
        allow.contains(&power)
            || power != Power::Exec && environment.kind != EnvironmentKind::Production
    };
    environment
        .allow
        .iter()
        .copied()
        .filter(|power| named(*power))
        .collect()
}

fn unknown_filters(plan: &Plan, only: &[String]) -> Vec<Diagnostic> {
    let known: Vec<String> = plan
        .gates
        .iter()
        .flat_map(|g| {
            let checks = g.checks.iter().map(move |c| format!("{}/{}", g.id, c.id));
            std::iter::once(g.id.clone()).chain(checks)
        })
        .collect();
    only.iter()
        .filter(|name| !known.contains(name))
        .map(|name| {
            let problem = Diagnostic::error(
                "unknown-filter",
                format!("`--only {name}` names no gate and no gate/check of the plan"),
            );
            match gonogo_core::diag::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            }
        })
        .collect()
}

fn fill_targets(setup: &mut Setup, registry: &Registry<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let names = setup.names();
    let plan = Arc::clone(&setup.plan);
    for target in &plan.environments[&setup.environment].targets {
        let filled = match setup
            .filler
            .target(&target.kind, &target.options, &names.scope(None))
        {
            Ok(options) => options,
            Err(plan::FillError::Missing { name, why }) => {
                let missing = MissingValue { name, why };
                setup.targets.insert(target.name.clone(), Err(missing));
                continue;
            }
            Err(error) => {
                problems.push(
                    Diagnostic::error("bad-target", format!("target `{}`: {error}", target.name))
                        .at(target.place.clone(), None),
                );
                continue;
            }
        };
        let syntax = registry.target(&target.kind);
        match syntax.map(|s| (s.host)(&filled)) {
            Some(Ok(Some(host))) => setup.hosts.extend(split_host(&host)),
            Some(Ok(None)) | None => {}
            Some(Err(why)) => problems.push(
                Diagnostic::error("bad-target", format!("target `{}`: {why}", target.name))
                    .at(target.place.clone(), None),
            ),
        }
        let resolved = ResolvedTarget {
            name: target.name.clone(),
            kind: target.kind.clone(),
            options: filled,
        };
        setup.targets.insert(target.name.clone(), Ok(resolved));
    }
    problems
}

fn split_host(host: &str) -> Option<(String, u16)> {
    let (name, port) = host.rsplit_once(':')?;
    Some((name.to_owned(), port.parse().ok()?))
}
