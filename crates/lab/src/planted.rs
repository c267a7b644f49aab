//! Systems that are nothing but a database: a migration, seeds, and faults that are SQL.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::LabError;

/// How long a statement of an installation may take, and wait for a lock.
const PATIENCE: Duration = Duration::from_mins(1);

/// A fault that is planted by SQL, after everything else was installed.
#[derive(Debug, PartialEq, Eq)]
pub struct PlantedFault {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub what: &'static str,
    /// The check whose work it is to notice, as `gate/check`.
    pub check: &'static str,
    /// What the case's rule makes of it: `NO-GO` or `HOLD`.
    pub verdict: &'static str,
    /// How it is planted.
    pub(crate) sql: &'static str,
}

/// The fault of that name.
pub fn find(
    faults: &'static [PlantedFault],
    name: &str,
) -> Result<&'static PlantedFault, UnknownFault> {
    faults
        .iter()
        .find(|fault| fault.name == name)
        .ok_or_else(|| UnknownFault(name.to_owned()))
}

/// No such fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault named {0:?}")]
pub struct UnknownFault(pub String);

/// What every system with an `enum Fault` and a table `FAULTS` of its `FaultInfo` has in common: names that are read and written.
macro_rules! named_faults {
    () => {
        impl Fault {
            /// All there is to know about it.
            pub fn info(self) -> &'static FaultInfo {
                FAULTS
                    .iter()
                    .find(|info| info.fault == self)
                    .expect("a test holds that every fault is in the table")
            }
        }

        impl std::fmt::Display for Fault {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.info().name)
            }
        }

        impl std::str::FromStr for Fault {
            type Err = $crate::planted::UnknownFault;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                FAULTS
                    .iter()
                    .find(|info| info.name == name)
                    .map(|info| info.fault)
                    .ok_or_else(|| $crate::planted::UnknownFault(name.to_owned()))
            }
        }

        /// Every fault of the system, in the order of the gates that notice them.
        pub fn faults() -> &'static [FaultInfo] {
            FAULTS
        }
    };
}
pub(crate) use named_faults;

/// A connection on which a system is installed.
pub(crate) struct Installing {
    client: Client,
    connection: JoinHandle<()>,
}

impl Installing {
    pub(crate) async fn connect(url: &str) -> Result<Self, LabError> {
        let mut config: tokio_postgres::Config =
            url.parse()
                .map_err(|error: tokio_postgres::Error| LabError::Database {
                    what: "read the database's address".into(),
                    why: error.to_string(),
                })?;
        config
            .application_name("lab")
            .connect_timeout(PATIENCE)
            .options(format!(
                "-c statement_timeout={0} -c lock_timeout={0} -c client_min_messages=warning -c search_path=public",
                PATIENCE.as_millis()
            ));
        let (client, connection) = config
            .connect(NoTls)
            .await
            .map_err(|error| refused("open the database", &error))?;
        // It ends when the client is dropped or the server goes; the latter shows in the next statement.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { client, connection })
    }

    /// Runs several statements, all or none.
    pub(crate) async fn all(&mut self, what: &str, sql: &str) -> Result<(), LabError> {
        let failed = |error| refused(what, &error);
        let transaction = self.client.transaction().await.map_err(failed)?;
        transaction.batch_execute(sql).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Drops all that is in `public`, where that is asked for; refuses to install over something else.
    pub(crate) async fn make_room(&mut self, reset: bool) -> Result<(), LabError> {
        if reset {
            let anew = "drop schema public cascade; create schema public";
            return self.all("empty the database", anew).await;
        }
        let question = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
        let found = self.client.query_one(question, &[]).await;
        let found: i64 = found
            .map_err(|error| refused("look into the database", &error))?
            .get(0);
        if found == 0 {
            return Ok(());
        }
        Err(LabError::Database {
            what: "install into the database".into(),
            why: format!(
                "it holds {found} tables; `--reset` drops everything in its schema public first"
            ),
        })
    }

    /// Plants the faults and leaves: when this comes back the database is free for others.
    pub(crate) async fn finish(mut self, faults: &[&PlantedFault]) -> Result<(), LabError> {
        let planted = self.plant(faults).await;
        drop(self.client);
        // It was only there to speak to the server.
        drop(self.connection.await);
        planted
    }

    /// Plants the faults in their order, each whole or not at all.
    async fn plant(&mut self, faults: &[&PlantedFault]) -> Result<(), LabError> {
        for fault in faults {
            self.all(&format!("plant {}", fault.name), fault.sql)
                .await?;
        }
        Ok(())
    }
}

fn refused(what: &str, error: &tokio_postgres::Error) -> LabError {
    use std::error::Error as _;
    LabError::Database {
        what: what.to_owned(),
        // The error's own text is only "db error"; what the server said is its source.
        why: error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string),
    }
}

/// The lines of a case's `faults.yaml` that are not for people.
#[cfg(test)]
pub(crate) fn written(file: &str) -> Vec<String> {
    file.lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a case's `faults.yaml` is to say.
#[cfg(test)]
pub(crate) fn as_yaml(faults: &[PlantedFault]) -> Vec<String> {
    let mut lines = vec!["faults:".to_owned()];
    for fault in faults {
        lines.push(format!("  - name: {}", fault.name));
        lines.push(format!("    what: {:?}", fault.what));
        lines.push(format!("    check: {}", fault.check));
        lines.push(format!("    verdict: {}", fault.verdict));
    }
    lines
}
