//! The rules for checks of which nothing was observed, and for those that were not attempted.

use super::rules::{Rule, gap, rule};

/// Nothing was observed: over `gap`, the kind of cause, and its `message`.
pub(super) const GAPS: &[Rule] = &[
    gap(
        "dns",
        "gap == 'dns'",
        "the host's name cannot be resolved",
        "getent hosts ${name}",
    ),
    gap(
        "refused",
        "gap == 'refused'",
        "nothing listens at ${host}: the service is down, or listens elsewhere",
        "check that the service is up and on that port; then ${try_it}",
    ),
    gap(
        "tls-expired",
        "gap == 'tls' && message.contains('expired')",
        "the certificate, or one above it, has expired",
        "openssl s_client -connect ${host} -servername ${name} </dev/null | openssl x509 -noout -dates -issuer",
    ),
    gap(
        "tls-not-yet",
        "gap == 'tls' && message.matches('not ?valid ?yet|not yet valid')",
        "the certificate is not yet valid: a clock is wrong, or it was issued ahead",
        "date -u; openssl s_client -connect ${host} -servername ${name} </dev/null | openssl x509 -noout -dates",
    ),
    gap(
        "tls-name",
        "gap == 'tls' && message.matches('not ?valid ?for ?name|host ?name|subject alternative|valid for')",
        "the certificate is for another host name",
        "openssl s_client -connect ${host} -servername ${name} </dev/null | openssl x509 -noout -ext subjectAltName",
    ),
    gap(
        "tls-issuer",
        "gap == 'tls' && message.matches('unknown ?issuer|self.?signed|unable to get local issuer|ca ')",
        "the certificate's issuer is not trusted: an internal CA that the target does not name with `ca:`",
        "openssl s_client -connect ${host} -servername ${name} -showcerts </dev/null",
    ),
    gap(
        "tls",
        "gap == 'tls'",
        "the TLS handshake with ${host} failed",
        "openssl s_client -connect ${host} -servername ${name} </dev/null",
    ),
    gap(
        "timeout",
        "gap == 'timeout'",
        "${host} did not answer in time: it hangs, is overloaded, or a firewall drops the packets",
        "${try_it}",
    ),
    gap(
        "truncated",
        "gap == 'truncated' || gap == 'closed'",
        "the connection ended before the answer was whole: the service crashed or a proxy cut it off",
        "look at the service's log and restarts at that time; then ${try_it}",
    ),
    gap(
        "too-large",
        "gap == 'too_large'",
        "the answer is larger than what is read",
        "ask for less (a page, a filter); then ${try_it}",
    ),
    gap(
        "protocol",
        "gap == 'protocol'",
        "what listens at ${host} does not speak the protocol: another service, or plain text where TLS is due",
        "check scheme and port of the target's address; then ${try_it}",
    ),
    gap(
        "denied",
        "gap == 'denied'",
        "the target refused the credentials or the permission",
        "check user, password and rights of the target's address; then ${try_it}",
    ),
    gap(
        "missing",
        "gap == 'missing'",
        "a program or file that the check needs is not on this machine",
        "install or create it; then ${try_it}",
    ),
    gap(
        "forbidden-host",
        "gap == 'forbidden'",
        "the plan does not allow this: the host is none of the environment's targets, or a power is missing",
        "gonogo plan ${plan} --env ${env} prints hosts and powers",
    ),
    gap(
        "bad-options",
        "gap == 'bad_options'",
        "the check's options make no sense with the values that were filled in",
        "${try_it}",
    ),
    gap(
        "network",
        "gap == 'network'",
        "the network to ${host} failed",
        "${try_it}",
    ),
    gap(
        "interrupted",
        "gap == 'interrupted'",
        "the run was stopped while checks were under way",
        "gonogo resume ${run}",
    ),
    gap(
        "unknown-effect",
        "gap == 'unknown'",
        "a crash left it open whether the effect happened",
        "look at the target, undo the effect if it is there, and run again",
    ),
    gap(
        "bug",
        "gap == 'bug'",
        "gonogo itself failed here",
        "please report it, with the journal's last lines",
    ),
];

/// Not attempted: over `skip`, the kind of reason, and the `name` of what it speaks of.
pub(super) const SKIPS: &[Rule] = &[
    rule(
        "filtered",
        "",
        "skip == 'filtered'",
        "checks were left out on the command line, so they prove nothing",
        "run again without --only",
    ),
    rule(
        "power-missing",
        "",
        "skip == 'power'",
        "the run does not have the power `${name}`",
        "gonogo run ${plan} --env ${env} --allow ${name}",
    ),
    rule(
        "value-missing",
        "",
        "skip == 'missing'",
        "`${name}` is missing",
        "gonogo plan ${plan} --env ${env} prints the inputs that a run needs",
    ),
    rule(
        "when-false",
        "",
        "skip == 'when'",
        "the plan's own condition `${name}` left it out",
        "${try_it}",
    ),
];
