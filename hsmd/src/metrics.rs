//! Metrics: what the daemon counts while it serves, for Prometheus and for `hsm-admin top`.
//!
//! Counting is always on; the endpoint ([`endpoint`]) is off unless it is configured. Labels are words of ours
//! (calls, mechanisms, return codes), slot numbers and ids, never anything that a caller chose.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use wire::Rv;

mod endpoint;
mod events;
mod store;

pub(crate) use endpoint::{Endpoint, serve};
pub(crate) use events::Counted;
pub(crate) use store::Metered;

/// Calls answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    rv: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallName {
    call: &'static str,
}

/// Uses of mechanisms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UseLabels {
    slot: u64,
    operation: &'static str,
    mechanism: &'static str,
    rv: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SlotLabel {
    slot: u64,
}

/// Requests to the KMS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) project: String,
    pub(crate) key: String,
    pub(crate) operation: String,
}

/// A return code, by its name in the standard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Code(Rv);

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.to_string().encode(encoder)
    }
}

/// What is counted.
pub(crate) struct Metrics {
    calls: Family<CallLabels, Counter>,
    seconds: Family<CallName, Histogram, fn() -> Histogram>,
    uses: Family<UseLabels, Counter>,
    wrong_pins: Family<SlotLabel, Counter>,
    commits: Histogram,
    failed_commits: Counter,
    /// By slot.
    tallies: RwLock<BTreeMap<u64, Arc<Tally>>>,
}

/// What was done on a partition, for the console.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    /// Uses of keys that succeeded, and that failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.done.load(Relaxed), self.failed.load(Relaxed))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // From 1 µs to half a second: a short call takes 5 µs, an RSA key of 4096 bits a second and more.
        let call = || Histogram::new(exponential_buckets(1e-6, 2.0, 20));
        Self {
            calls: Family::default(),
            seconds: Family::new_with_constructor(call),
            uses: Family::default(),
            wrong_pins: Family::default(),
            commits: Histogram::new(exponential_buckets(50e-6, 2.0, 16)),
            failed_commits: Counter::default(),
            tallies: RwLock::default(),
        }
    }
}

impl Metrics {
    /// A call was answered.
    pub(crate) fn called(&self, call: &'static str, rv: Rv, took: Duration) {
        self.calls.get_or_create(&CallLabels { call, rv: Code(rv) }).inc();
        self.seconds.get_or_create(&CallName { call }).observe(took.as_secs_f64());
    }

    /// A mechanism was used on a partition, or refused.
    pub(crate) fn used(&self, slot: u64, operation: &'static str, mechanism: &'static str, rv: Rv) {
        self.uses.get_or_create(&UseLabels { slot, operation, mechanism, rv: Code(rv) }).inc();
        let tally = self.tally(slot);
        if rv == Rv::OK { &tally.done } else { &tally.failed }.fetch_add(1, Relaxed);
    }

    /// What was done on a partition since the daemon started.
    pub(crate) fn tally(&self, slot: u64) -> Arc<Tally> {
        if let Some(tally) = self.tallies.read().get(&slot) {
            return Arc::clone(tally);
        }
        Arc::clone(self.tallies.write().entry(slot).or_default())
    }

    /// A PIN was wrong.
    pub(crate) fn wrong_pin(&self, slot: u64) {
        self.wrong_pins.get_or_create(&SlotLabel { slot }).inc();
    }

    /// The store took a commit, or failed to.
    fn committed(&self, took: Duration, done: bool) {
        self.commits.observe(took.as_secs_f64());
        if !done {
            self.failed_commits.inc();
        }
    }

    /// All of it and what is `now`, in the text format of OpenMetrics.
    fn expose(&self, now: &Now) -> Result<String, fmt::Error> {
        let mut all = Registry::with_prefix("claviger");
        all.register("calls", "PKCS#11 calls that were answered", self.calls.clone());
        all.register_with_unit(
            "call_duration",
            "Time in the daemon from a call's arrival to its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        all.register("key_uses", "Uses of keys by partition, operation and mechanism", self.uses.clone());
        all.register("wrong_pins", "Wrong PINs by partition", self.wrong_pins.clone());
        all.register_with_unit(
            "store_commit_duration",
            "Time for the store to make a group of changes durable",
            Unit::Seconds,
            self.commits.clone(),
        );
        all.register("store_commit_failures", "Commits that the store refused", self.failed_commits.clone());
        let gauge = |value: u64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge
        };
        all.register("sealed", "1 while the daemon waits for its root key", gauge(now.sealed.into()));
        all.register("connections", "Connections of applications", gauge(now.connections));
        all.register("connections_limit", "The most connections that are taken", gauge(now.connection_limit));
        all.register("audit_forward_lag", "Audit records that wait to be forwarded", gauge(now.audit_lag));
        let by_slot = |of: fn(&PartitionNow) -> u64| {
            let family = Family::<SlotLabel, Gauge>::default();
            for partition in &now.partitions {
                let value = i64::try_from(of(partition)).unwrap_or(i64::MAX);
                family.get_or_create(&SlotLabel { slot: partition.slot }).set(value);
            }
            family
        };
        all.register("sessions", "Open sessions by partition", by_slot(|partition| partition.sessions));
        all.register("objects", "Token objects by partition", by_slot(|partition| partition.objects));
        let requests = Family::<RequestLabels, Gauge>::default();
        for (labels, count) in &now.requests {
            requests.get_or_create(labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        all.register("kms_requests_in_month", "Requests of this month by key and operation", requests);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &all)?;
        Ok(text)
    }
}

/// What is the case when somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Now {
    pub(crate) sealed: bool,
    pub(crate) connections: u64,
    pub(crate) connection_limit: u64,
    /// Records that wait to be forwarded.
    pub(crate) audit_lag: u64,
    pub(crate) partitions: Vec<PartitionNow>,
    /// Requests of this month to the KMS.
    pub(crate) requests: Vec<(RequestLabels, u64)>,
}

/// The same of one partition.
#[derive(Debug)]
pub(crate) struct PartitionNow {
    pub(crate) slot: u64,
    pub(crate) sessions: u64,
    pub(crate) objects: u64,
}

/// What can be asked for what is the case now.
pub(crate) trait Source: Send + Sync {
    fn metrics(&self) -> &Arc<Metrics>;
    fn now(&self) -> Now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_exposed_in_the_form_that_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.called("C_Sign", Rv::OK, Duration::from_micros(20));
        metrics.called("C_Sign", Rv::DEVICE_ERROR, Duration::from_micros(20));
        metrics.used(3, "sign", "CKM_ECDSA", Rv::OK);
        metrics.wrong_pin(3);
        metrics.committed(Duration::from_millis(1), false);
        let partitions = vec![PartitionNow { slot: 3, sessions: 7, objects: 9 }];
        let labels =
            RequestLabels { project: "p1".into(), key: "k1".into(), operation: "EncryptData".into() };
        let requests = vec![(labels, 4)];
        let now = Now { sealed: true, connections: 5, partitions, requests, ..Now::default() };
        let text = metrics.expose(&now).unwrap();
        for line in [
            "claviger_calls_total{call=\"C_Sign\",rv=\"CKR_OK\"} 1",
            "claviger_calls_total{call=\"C_Sign\",rv=\"CKR_DEVICE_ERROR\"} 1",
            "claviger_call_duration_seconds_count{call=\"C_Sign\"} 2",
            "claviger_call_duration_seconds_bucket{le=\"0.000016\",call=\"C_Sign\"} 0",
            "claviger_key_uses_total{slot=\"3\",operation=\"sign\",mechanism=\"CKM_ECDSA\",rv=\"CKR_OK\"} 1",
            "claviger_wrong_pins_total{slot=\"3\"} 1",
            "claviger_store_commit_duration_seconds_count 1",
            "claviger_store_commit_failures_total 1",
            "claviger_sealed 1",
            "claviger_connections 5",
            "claviger_sessions{slot=\"3\"} 7",
            "claviger_kms_requests_in_month{project=\"p1\",key=\"k1\",operation=\"EncryptData\"} 4",
            "claviger_objects{slot=\"3\"} 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
