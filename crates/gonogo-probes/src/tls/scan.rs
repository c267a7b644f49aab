//! Hellos one by one: which versions and suites the server takes. None is completed.

use std::time::Duration;

use gonogo_core::record::NotObserved;
use ring::rand::SecureRandom as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::answer::{self, MAX_ANSWER, Reading, ServerHello};
use super::hello::{Version, hello};
use super::suites::{self, Suite};
use super::syntax::Place;
use crate::ctx::Ctx;

/// The most hellos that are sent.
pub(super) const MAX_HELLOS: usize = 150;
/// How long one of them may be left without an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is told of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Accepted,
    /// It is refused; in which words.
    Refused(String),
    /// Nothing can be told; why.
    Unknown(String),
}

/// A suite that the server took, in the order in which it preferred them.
pub(super) struct Taken {
    pub(super) version: Version,
    pub(super) suite: Suite,
    pub(super) hello: ServerHello,
}

/// What all hellos came to.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) versions: Vec<(Version, Told)>,
    pub(super) suites: Vec<Taken>,
    /// Why the suites are not all.
    pub(super) cut: Option<String>,
    /// The certificates as they stand in the clear, where a version before TLS 1.3 is taken.
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether a client that falls back is refused (RFC 7507); nothing where it has nowhere to fall back to.
    pub(super) fallback_protected: Option<bool>,
}

impl Scanned {
    pub(super) fn accepted(&self) -> impl Iterator<Item = Version> {
        let all = self.versions.iter();
        all.filter(|(_, told)| *told == Told::Accepted)
            .map(|(version, _)| *version)
    }

    pub(super) fn has_unknown(&self) -> bool {
        let mut all = self.versions.iter();
        all.any(|(_, told)| matches!(told, Told::Unknown(_)))
    }
}

/// What one hello came to.
enum Said {
    Hello(Box<ServerHello>),
    Alert(u8),
    Closed,
    /// It did that again.
    Refused(&'static str),
    NotTls,
    Nothing(String),
}

/// The alerts that say that a version or its suites are not taken: handshake_failure, protocol_version,
/// insufficient_security (RFC 8446, 6.2).
const REFUSALS: [u8; 3] = [40, 70, 71];

/// Whether it may be an accident: OpenSSL refuses a version that it has no signatures for with internal_error.
fn is_doubtful(said: &Said) -> bool {
    match said {
        Said::Closed => true,
        Said::Alert(code) => !REFUSALS.contains(code),
        _ => false,
    }
}

/// Asks the server for every version, and for every suite of those that it speaks.
pub(super) async fn scan(
    ctx: &Ctx,
    place: &Place,
    name: Option<&str>,
) -> Result<Scanned, NotObserved> {
    let mut scan = Scan {
        ctx,
        place,
        name,
        hellos: 0,
    };
    let mut scanned = Scanned::default();
    let legacy = suites::legacy();
    for version in Version::ALL {
        let offered = if version == Version::Tls13 {
            &suites::MODERN[..]
        } else {
            &legacy
        };
        let (told, hello) = scan.version(version, offered).await?;
        scanned.versions.push((version, told));
        if let Some(hello) = hello {
            if scanned.chain.is_empty() {
                scanned.chain.clone_from(&hello.chain);
            }
            if version != Version::Ssl2 {
                scan.suites(version, offered, hello, &mut scanned).await?;
            }
        }
    }
    let accepted: Vec<Version> = scanned.accepted().collect();
    let older = accepted.iter().rev().skip(1).find(|v| **v > Version::Ssl3);
    if let Some(older) = older {
        scanned.fallback_protected = scan.fallback(*older, &legacy).await?;
    }
    Ok(scanned)
}

/// `TLS_FALLBACK_SCSV` and the alert `inappropriate_fallback` (RFC 7507, 2 and 3).
const FALLBACK: u16 = 0x5600;
const INAPPROPRIATE_FALLBACK: u8 = 86;
/// RFC 6066, 3.
const UNRECOGNIZED_NAME: u8 = 112;

struct Scan<'a> {
    ctx: &'a Ctx,
    place: &'a Place,
    name: Option<&'a str>,
    hellos: usize,
}

impl Scan<'_> {
    /// Whether the server takes a version with any of these suites.
    async fn version(
        &mut self,
        version: Version,
        offered: &[u16],
    ) -> Result<(Told, Option<ServerHello>), NotObserved> {
        let mut said = self.say(version, offered).await?;
        if is_doubtful(&said) {
            // Once may be an accident; many servers refuse in no other way.
            let again = self.say(version, offered).await?;
            said = match (said, again) {
                (Said::Closed, Said::Closed) => Said::Refused("closed the connection, twice"),
                (Said::Alert(one), Said::Alert(other)) if one == other => Said::Alert(one),
                (_, again) if is_doubtful(&again) => {
                    Said::Nothing("the server refused in one way and then in another".to_owned())
                }
                (_, again) => again,
            };
        }
        Ok(told(version, offered, said))
    }

    /// Takes away each suite that the server chose, until it takes no more.
    async fn suites(
        &mut self,
        version: Version,
        offered: &[u16],
        first: ServerHello,
        scanned: &mut Scanned,
    ) -> Result<(), NotObserved> {
        let mut left = offered.to_vec();
        let mut chosen = first;
        loop {
            left.retain(|code| *code != chosen.suite);
            if let Some(suite) = Suite::of(chosen.suite) {
                scanned.suites.push(Taken {
                    version,
                    suite,
                    hello: chosen,
                });
            }
            if left.is_empty() {
                return Ok(());
            }
            if self.hellos >= MAX_HELLOS {
                scanned.cut = Some(format!("stopped after {MAX_HELLOS} hellos"));
                return Ok(());
            }
            match self.version(version, &left).await? {
                (Told::Accepted, Some(hello)) => chosen = hello,
                (Told::Unknown(why), _) => {
                    let name = version.name();
                    scanned.cut = Some(format!("of {name} not all could be told: {why}"));
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// Whether a hello that says that it falls back is refused; nothing where that cannot be told.
    async fn fallback(
        &mut self,
        version: Version,
        offered: &[u16],
    ) -> Result<Option<bool>, NotObserved> {
        let mut offered = offered.to_vec();
        offered.push(FALLBACK);
        Ok(match self.say(version, &offered).await? {
            Said::Alert(INAPPROPRIATE_FALLBACK) => Some(true),
            Said::Hello(_) => Some(false),
            _ => None,
        })
    }

    /// Says one hello and reads what comes back. Only the first failure to connect is one of the whole look.
    async fn say(&mut self, version: Version, offered: &[u16]) -> Result<Said, NotObserved> {
        self.hellos += 1;
        let limit = PATIENCE.min(self.ctx.remaining());
        if limit.is_zero() {
            return Ok(Said::Nothing("the check's time was over".to_owned()));
        }
        let mut random = [0u8; 32];
        // The hello is never completed: what is random in it protects nothing.
        let _filled = ring::rand::SystemRandom::new().fill(&mut random);
        let message = hello(version, offered, self.name, &random);
        let asked = tokio::time::timeout(limit, self.exchange(version, &message));
        Ok(match asked.await {
            Err(_) => Said::Nothing(format!("no answer came within {} s", limit.as_secs())),
            Ok(Err(gap)) if self.hellos == 1 => return Err(gap),
            Ok(Err(gap)) => Said::Nothing(gap.message),
            Ok(Ok(said)) => said,
        })
    }

    async fn exchange(&self, version: Version, message: &[u8]) -> Result<Said, NotObserved> {
        let connected = self.ctx.connect(&self.place.host, self.place.port).await?;
        let mut stream = connected.stream;
        if stream.write_all(message).await.is_err() {
            return Ok(Said::Closed);
        }
        let mut bytes = Vec::with_capacity(8 * 1024);
        let mut buffer = [0u8; 8 * 1024];
        loop {
            let count = stream.read(&mut buffer).await.unwrap_or(0);
            bytes.extend_from_slice(&buffer[..count]);
            let is_over = count == 0 || bytes.len() > MAX_ANSWER;
            match answer::read(&bytes, version) {
                Reading::Hello(hello) => return Ok(Said::Hello(hello)),
                Reading::HelloAndMore(hello) if is_over => return Ok(Said::Hello(hello)),
                Reading::Alert(alert) => return Ok(Said::Alert(alert)),
                Reading::NotTls => return Ok(Said::NotTls),
                Reading::More if bytes.len() > MAX_ANSWER => return Ok(Said::NotTls),
                Reading::More if is_over && !bytes.is_empty() => {
                    return Ok(Said::Nothing("the answer broke off".to_owned()));
                }
                Reading::More if is_over => return Ok(Said::Closed),
                Reading::More | Reading::HelloAndMore(_) => {}
            }
        }
    }
}

/// What an answer tells of a version.
fn told(version: Version, offered: &[u16], said: Said) -> (Told, Option<ServerHello>) {
    let told = match said {
        Said::Hello(hello) => {
            let known = version == Version::Ssl2 || offered.contains(&hello.suite);
            if hello.version == version.code() && known {
                return (Told::Accepted, Some(*hello));
            }
            if hello.version < version.code() {
                Told::Refused("the server chose an older version".to_owned())
            } else {
                Told::Unknown("the server chose what it was not offered".to_owned())
            }
        }
        // The name is at fault, and with another one there may be another answer.
        Said::Alert(UNRECOGNIZED_NAME) => Told::Unknown(format!(
            "{}: is it the server's name?",
            answer::alert(UNRECOGNIZED_NAME)
        )),
        Said::Alert(code) if REFUSALS.contains(&code) => Told::Refused(answer::alert(code)),
        Said::Alert(code) => Told::Refused(format!("{}, twice", answer::alert(code))),
        Said::Refused(how) => Told::Refused(how.to_owned()),
        Said::Closed => Told::Unknown("the connection was closed".to_owned()),
        Said::NotTls => Told::Unknown("the answer is not TLS".to_owned()),
        Said::Nothing(why) => Told::Unknown(why),
    };
    (told, None)
}
