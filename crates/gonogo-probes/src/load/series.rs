//! The engine's samples as records of a core series.

use gonogo_core::series;

use super::engine::{End, Sample};

/// A sample as it is kept as evidence. A request that failed before it was sent counts as sent when that was seen:
/// the series asks of every request but the never-sent ones when it was.
pub fn record(sample: &Sample) -> series::Sample {
    let Some(done_ns) = sample.done_ns else {
        return series::Sample::never_sent(sample.due_ns);
    };
    let sent_ns = sample.sent_ns.unwrap_or(done_ns);
    series::Sample::ended(
        sample.due_ns,
        sent_ns,
        done_ns,
        sample.status,
        end(sample.end),
    )
}

fn end(end: End) -> series::End {
    match end {
        End::Ok => series::End::Ok,
        End::BadStatus => series::End::BadStatus,
        End::Refused | End::Unreachable => series::End::Connect,
        End::Tls => series::End::Tls,
        End::Reset | End::Truncated => series::End::Broken,
        End::Protocol | End::TooLarge => series::End::Protocol,
        End::TimedOut => series::End::TimedOut,
        End::NeverSent => series::End::NeverSent,
        End::CutOff | End::Local => series::End::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_failure_becomes_an_answer() {
        for end in End::ALL {
            let sample = Sample {
                index: 0,
                due_ns: 5,
                sent_ns: None,
                done_ns: (end != End::NeverSent).then_some(9),
                status: 0,
                end,
                bytes: 0,
            };
            let kept = record(&sample);
            let answer = matches!(kept.end(), series::End::Ok | series::End::BadStatus);
            assert_eq!(answer, end.is_answer());
            assert_eq!(
                kept.end() == series::End::NeverSent,
                end == End::NeverSent,
                "{end:?}"
            );
        }
    }
}
