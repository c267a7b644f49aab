//! What Prometheus' own tool says of the same texts: nothing that is valid here may be invalid there.

use std::process::Stdio;

use gonogo_core::exposition::{Limits, parse};
use tokio::io::AsyncWriteExt as _;

use super::*;

/// Whether `promtool check metrics` can read a text; what it says of names and units is style.
async fn promtool_reads(text: &str) -> bool {
    let ctx = ctx_to("", 0, Duration::from_secs(20));
    let mut child = ctx
        .program("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("promtool cannot be started ({e}); install it: {INSTALL}"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    !String::from_utf8_lossy(&output.stderr).contains("parsing error")
}

pub(super) const INSTALL: &str = "`apt-get install -y prometheus` on Debian";

#[tokio::test]
async fn promtool_agrees() {
    for (text, here, there) in [
        ("a 1\n", true, true),
        ("a{b=\"c\",} NaN 5\n", true, true),
        ("a { b = \"\\\\ \\\" \\n\" } -Inf\n", true, true),
        ("# HELP a x\\ny\n# TYPE a counter\na 0\n", true, true),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 2\n",
            true,
            true,
        ),
        (
            "# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 1\na_count 2\n",
            true,
            true,
        ),
        // Neither reads these.
        ("a 1", false, false),
        ("a 1x\n", false, false),
        ("a 1 2.5\n", false, false),
        ("a{b=c} 1\n", false, false),
        ("a{b=\"\\x\"} 1\n", false, false),
        ("a{b=\"c\n", false, false),
        ("a{b=\"1\",b=\"2\"} 1\n", false, false),
        ("a{__name__=\"x\"} 1\n", false, false),
        ("1a 1\n", false, false),
        ("a 1\r\n", false, false),
        ("# TYPE a number\n", false, false),
        ("# TYPE a gauge\n# TYPE a gauge\na 1\n", false, false),
        ("# HELP a x\n# HELP a y\na 1\n", false, false),
        ("a 1\n# TYPE a counter\n", false, false),
        ("# TYPE a histogram\na_bucket{le=\"x\"} 1\n", false, false),
        // What the format forbids and promtool lets pass.
        ("a 1\na 2\n", false, true),
        ("a 1\nb 1\na{x=\"1\"} 1\n", false, true),
        ("# TYPE a counter\na -1\n", false, true),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
            false,
            true,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 3\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 2\n",
            false,
            true,
        ),
    ] {
        let ours = parse(text.as_bytes(), &Limits::default()).is_ok();
        assert_eq!(ours, here, "here: {text:?}");
        assert_eq!(promtool_reads(text).await, there, "promtool: {text:?}");
    }
}
