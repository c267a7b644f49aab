//! Against a real Prometheus, which scrapes a small server of the test.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::promtool::INSTALL;
use super::*;

/// A Prometheus with data in a folder of its own; killed when dropped.
struct Real {
    port: u16,
    _child: tokio::process::Child,
    _folder: tempfile::TempDir,
}

impl Real {
    /// Starts one that scrapes a port five times a second, and waits until it answers.
    async fn start(scraped: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\n\
             scrape_configs:\n  - job_name: shop\n    static_configs: [{{ targets: ['127.0.0.1:{scraped}'] }}]\n"
        );
        tokio::fs::write(&config, text).await.unwrap();
        let port = {
            let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            bound.local_addr().unwrap().port()
        };
        let ctx = ctx_to("", 0, Duration::ZERO);
        let child = ctx
            .program("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("prometheus cannot be started ({e}); install it: {INSTALL}")
            });
        Self {
            port,
            _child: child,
            _folder: folder,
        }
    }

    async fn ask(&self, options: Json) -> Result<Seen, NotObserved> {
        let within = Duration::from_secs(10);
        observe_at(
            "prometheus",
            "http",
            "127.0.0.1",
            self.port,
            within,
            options,
        )
        .await
    }

    /// Asks until the answer is such, at most two hundred times in twenty seconds and what the answers take.
    async fn until(&self, options: Json, such: impl Fn(&Seen) -> bool) -> Seen {
        let mut again = tokio::time::interval(Duration::from_millis(100));
        let mut last = None;
        for _ in 0..200 {
            again.tick().await;
            match self.ask(options.clone()).await {
                Ok(seen) if such(&seen) => return seen,
                other => last = Some(other),
            }
        }
        panic!("the real Prometheus never answered {options} as due; at last {last:?}");
    }
}

fn query(promql: &str) -> Json {
    json!({"prometheus": format!("query {promql}")})
}

/// A service that counts how often it was scraped and starts again after each ten, and whose `batch` is 90 s old.
async fn shop() -> Scripted {
    let scrapes = Arc::new(AtomicU64::new(0));
    Scripted::start(false, move |_| {
        let count = scrapes.fetch_add(1, Ordering::Relaxed) % 10;
        let old_ms = ctx_to("", 0, Duration::ZERO).wall_now().timestamp_millis() - 90_000;
        let text = format!(
            "# TYPE shop_orders_total counter\nshop_orders_total{{kind=\"a\"}} {count}\n\
             shop_orders_total{{kind=\"b\"}} 1\n# TYPE batch gauge\nbatch 7 {old_ms}\n"
        );
        scripted::ok("text/plain; version=0.0.4", text.as_bytes())
    })
    .await
}

#[tokio::test]
async fn a_real_prometheus_is_observed_as_it_is() {
    let shop = shop().await;
    let real = Real::start(shop.port).await;

    // Instant.
    let there = |seen: &Seen| seen.absent.is_empty();
    let seen = real
        .until(query("shop_orders_total{kind=\"b\"}"), there)
        .await;
    assert_eq!(double(&seen, "value"), Some(1.0));
    let sample = &items(&seen, "samples")[0];
    let job = sample.get("labels").and_then(|l| l.get("job"));
    assert_eq!(job, Some(&"shop".into()));
    assert!(
        matches!(sample.get("age"), Some(Value::Duration(ns)) if (0..20_000_000_000).contains(ns)),
        "{sample:?}"
    );
    let seen = real.ask(query("count(shop_orders_total)")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(2.0));
    let seen = real.ask(query("0 / 0")).await.unwrap();
    assert!(double(&seen, "value").is_some_and(f64::is_nan));

    // Absent is not zero.
    let seen = real.ask(query("shop_order_total")).await.unwrap();
    let (facts, why) = absent(&seen);
    assert_eq!(facts, ["samples"]);
    assert!(
        why.contains("`shop_orders_total`: was that meant?"),
        "{why}"
    );
    assert!(!seen.facts.contains_key("value"));

    // Old: the server gives it as if it were of now.
    let aged = |max: &str| json!({"prometheus": "query batch", "max_age": max});
    let seen = real.ask(aged("1m")).await.unwrap();
    assert_eq!(absent(&seen).0, ["samples", "value"]);
    let seen = real.ask(aged("4m")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(7.0));

    // Refused.
    let error = real.ask(query("sum(")).await.unwrap_err();
    assert_eq!(error.cause, Cause::BadOptions);
    assert!(error.message.contains("bad_data"), "{error:?}");
    let error = real.ask(query("shop_orders_total[1m]")).await.unwrap_err();
    assert_eq!(error.cause, Cause::BadOptions);
}

#[tokio::test]
async fn a_real_range_counts_restarts_in() {
    let shop = shop().await;
    let real = Real::start(shop.port).await;
    let ask = json!({
        "prometheus": "range shop_orders_total{kind=$kind}", "bind": {"kind": "a"},
        "last": "1m", "step": "200ms", "max_age": "30s",
    });
    let fell = |seen: &Seen| {
        let series = items(seen, "series");
        let resets = series.first().and_then(|s| s.get("resets")?.as_int());
        resets.is_some_and(|n| n > 0)
    };
    let seen = real.until(ask, fell).await;
    let one = &items(&seen, "series")[0];
    let values = one.get("values").and_then(Value::as_list).unwrap();
    let ends =
        [values.first(), values.last()].map(|point| match point.and_then(|p| p.get("value")) {
            Some(Value::Double(value)) => *value,
            other => panic!("{other:?}"),
        });
    // What it lost by starting again is not taken off.
    assert!(
        double(&seen, "increase").is_some_and(|n| n > ends[1] - ends[0]),
        "{seen:?}"
    );
    assert_eq!(count(&seen), 1);
    let nothing = json!({"prometheus": "range shop_orders_total{kind=\"c\"}", "last": "1m"});
    let seen = real.ask(nothing).await.unwrap();
    assert_eq!(absent(&seen).0, ["series"]);
}

#[tokio::test]
async fn what_a_real_prometheus_exposes_is_valid() {
    let shop = shop().await;
    let real = Real::start(shop.port).await;
    let ask = json!({"prometheus": "scrape /metrics", "select": "prometheus_build_info"});
    let seen = real.until(ask, |seen| seen.absent.is_empty()).await;
    assert_eq!(double(&seen, "value"), Some(1.0));
    assert!(seen.facts["families"].as_map().unwrap().len() > 100);
}
