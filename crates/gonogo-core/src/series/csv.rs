//! The samples as a table for people and spreadsheets.

use std::io::{self, Write};

use super::Series;

/// Writes the samples as CSV, ordered by due time: offsets and durations in nanoseconds, empty where there is none.
///
/// Columns: `due_ns,sent_ns,latency_ns,service_ns,status,end,warm_up`. Fails only as `to` fails.
pub fn to_csv(series: &Series, to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"due_ns,sent_ns,latency_ns,service_ns,status,end,warm_up\n")?;
    for sample in series.by_due() {
        write!(to, "{},", sample.due_ns())?;
        for field in [sample.sent_ns(), sample.latency_ns(), sample.service_ns()] {
            if let Some(ns) = field {
                write!(to, "{ns}")?;
            }
            to.write_all(b",")?;
        }
        if sample.status() != 0 {
            write!(to, "{}", sample.status())?;
        }
        writeln!(to, ",{},{}", sample.end().as_str(), sample.is_warm_up())?;
    }
    Ok(())
}
