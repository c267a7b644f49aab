//! What `ssh` complains of, told with what to do. It speaks to people only, so its words are all there is.

use gonogo_core::record::Cause;

use super::SshHost;

/// Why there is no way through.
pub(super) struct Complaint {
    /// Its kind.
    pub(super) cause: Cause,
    /// What happened.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// What the shell says of a program that is not there (POSIX, sh, 2.8.2).
const NOT_FOUND: i32 = 127;

/// Why `ssh` ended before there was a way.
pub(super) fn ended(ssh: &SshHost, code: Option<i32>, said: &str) -> Complaint {
    let lower = said.to_ascii_lowercase();
    let has = |words: &str| lower.contains(words);
    let complaint = |cause, message: String, help: String| Complaint {
        cause,
        message,
        help,
    };
    if code == Some(NOT_FOUND) {
        return complaint(
            Cause::Missing,
            "there is no `ssh` program on this machine".to_owned(),
            "install it: `apt-get install openssh-client`".to_owned(),
        );
    }
    if has("could not resolve hostname") {
        return complaint(
            Cause::Dns,
            format!("the ssh host `{}` has no address: {}", ssh.host, last(said)),
            "is it written as in DNS, or as a `Host` of ~/.ssh/config of the user who runs this?"
                .to_owned(),
        );
    }
    if has("remote host identification has changed") {
        return complaint(
            Cause::Denied,
            format!("the ssh host {ssh} shows another key than the one that is known of it"),
            format!(
                "somebody may stand in between, or the host was set up anew: compare the key's fingerprint with its \
                 owner, then `ssh-keygen -R {}` and sign in once by hand",
                ssh.host
            ),
        );
    }
    if has("host key verification failed") || has("host key is known for") {
        return complaint(
            Cause::Denied,
            format!("the ssh host {ssh} is not known here: no key of it to compare with"),
            format!(
                "sign in once by hand (`ssh {ssh}`) and compare the fingerprint, or add its line to ~/.ssh/known_hosts"
            ),
        );
    }
    if has("permission denied") || has("too many authentication failures") {
        return complaint(
            Cause::Denied,
            format!("the ssh host {ssh} refused the sign-in: {}", last(said)),
            format!(
                "nobody is asked for a passphrase or a password here: is the right key in the agent (`ssh-add -l`) or \
                 named in ~/.ssh/config? `ssh -v -o BatchMode=yes {ssh}` shows what is tried"
            ),
        );
    }
    let (cause, help) = if has("connection refused") {
        (Cause::Refused, "does sshd run there, and on that port?")
    } else if has("timed out") {
        (
            Cause::Timeout,
            "is a firewall or a VPN between here and there?",
        )
    } else if has("bad owner or permissions") || has("configuration option") {
        (
            Cause::BadOptions,
            "`ssh -G HOST` shows how the configuration is read",
        )
    } else {
        (Cause::Network, "`ssh -v HOST` shows more")
    };
    complaint(
        cause,
        format!("ssh to {ssh} failed: {}", last(said)),
        help.to_owned(),
    )
}

/// What `ssh` said of a connection that the far end did not make; nothing where it said nothing of the kind.
pub(super) fn at_far_end(ssh: &SshHost, far: &str, said: &str) -> Option<Complaint> {
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("open failed"))?;
    let lower = line.to_ascii_lowercase();
    let has = |words: &str| lower.contains(words);
    let (cause, message, help) = if has("administratively prohibited") {
        (
            Cause::Denied,
            format!("the ssh host {ssh} does not let connections through"),
            "its sshd_config says so: `AllowTcpForwarding`, `PermitOpen`, or `restrict` beside the key",
        )
    } else if has("connection refused") {
        (
            Cause::Refused,
            format!("nothing listens at {far}, seen from the ssh host {ssh}"),
            "host and port of the address are those that the ssh host sees; `localhost` is the ssh host itself",
        )
    } else if has("not known") || has("resolve") || has("no address") {
        (
            Cause::Dns,
            format!("the ssh host {ssh} cannot resolve the name of {far}"),
            "the host of the address is the one that the ssh host sees",
        )
    } else if has("timed out") {
        (
            Cause::Timeout,
            format!("{far} does not answer the ssh host {ssh}"),
            "is a firewall between the two?",
        )
    } else {
        (
            Cause::Network,
            format!(
                "the ssh host {ssh} could not connect to {far}: {}",
                line.trim()
            ),
            "host and port of the address are those that the ssh host sees",
        )
    };
    Some(Complaint {
        cause,
        message,
        help: help.to_owned(),
    })
}

/// The last line that says something.
fn last(said: &str) -> &str {
    said.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("it said nothing")
}
