//! How instances are shown: the list with the guide's columns, and one with every field.

use wire::admin::instance::Instance as Shown;

use crate::screen::{BAD, GOOD, WARN};
use crate::table::{Cell, Column, Table, facts};

pub(super) fn table(all: &[Shown]) -> Table {
    let columns = [
        Column::text("NAME", 9),
        Column::text("ID", 8),
        Column::text("STATUS", 15),
        Column::text("EDITION", 8),
        Column::text("AZ", 3),
        Column::text("IP ADDRESS", 15),
        Column::text("EXPIRES", 10),
    ];
    let mut table = Table::new(&columns, "There are no instances: order some with `instance order`.");
    for one in all {
        let active = one.active.as_ref();
        table.row(vec![
            Cell::from(&one.name),
            Cell::from(&one.id),
            status(one),
            Cell::from(&one.edition),
            Cell::from(active.map_or("-", |active| &active.zone)),
            Cell::from(active.map_or("-", |active| &active.address)),
            Cell::from(one.expires.map_or_else(|| "-".into(), date)),
        ]);
    }
    table
}

pub(super) fn in_full(one: &Shown) -> String {
    let mut rows = vec![
        ("name", Cell::from(&one.name)),
        ("ID", Cell::from(&one.id)),
        ("status", status(one)),
        ("service edition", Cell::from(&one.edition)),
    ];
    if let Some(is) = &one.active {
        let [first, second] = &is.nodes;
        rows.extend([
            ("HSM type", Cell::from(&is.kind)),
            ("services", Cell::from(is.services.join(", "))),
            ("AZ", Cell::from(&is.zone)),
            ("VPC", Cell::from(&is.vpc)),
            ("subnet", Cell::from(&is.subnet)),
            ("IP address", Cell::from(format!("{} port {}", is.address, is.port))),
            ("nodes", Cell::from(format!("{first} (this one), {second} (does not serve yet)"))),
            ("public address", Cell::from(is.public.as_deref().unwrap_or("none"))),
            ("security group", Cell::from(format!("{}: {}", is.security_group, listed(&is.allowed)))),
        ]);
    } else {
        rows.push(("HSM type", Cell::from("not chosen yet")));
    }
    let partitions: Vec<_> =
        one.partitions.iter().map(|(slot, label)| format!("{label} (slot {slot})")).collect();
    let tags: Vec<_> = one.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let limits = one.limits;
    let term = format!("{} months from its activation on", one.months);
    rows.extend([
        ("creation time", Cell::from(time(one.created))),
        ("expiration time", Cell::from(one.expires.map_or(term, time))),
        ("order", Cell::from(&one.order)),
        ("project", Cell::from(&one.project)),
        ("account", Cell::from(one.account.as_deref().unwrap_or("none"))),
        ("for tests alone", Cell::from(if one.test_only { "yes" } else { "no" })),
        ("tags", Cell::from(listed(&tags))),
        ("partitions", Cell::from(listed(&partitions))),
        (
            "limits",
            Cell::from(format!(
                "{} partitions, each with {} sessions and {} objects",
                limits.partitions, limits.sessions, limits.objects
            )),
        ),
        ("initialised", Cell::from(if one.initialised { "yes" } else { "no" })),
        ("certificates", Cell::from(listed(&one.clients))),
    ]);
    if let Some(why) = &one.failure {
        rows.push(("failure", Cell::from(why).styled(BAD)));
    }
    rows.push(("what comes next", Cell::from(&one.next)));
    facts(rows)
}

pub(super) fn tag_table(tags: &[(String, String)]) -> String {
    match tags {
        [] => "There are no tags.".into(),
        tags => facts(tags.iter().map(|(key, value)| (key.as_str(), Cell::from(value))).collect()),
    }
}

fn listed(all: &[String]) -> String {
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

fn status(one: &Shown) -> Cell {
    let style = match one.status.as_str() {
        "Running" => GOOD,
        "Creation failed" | "Frozen" => BAD,
        _ => WARN,
    };
    Cell::from(&one.status).styled(style)
}

/// Seconds since 1970 as a date, UTC.
fn date(seconds: u64) -> String {
    formatted(seconds, "%Y-%m-%d")
}

fn time(seconds: u64) -> String {
    formatted(seconds, "%Y-%m-%d %H:%M:%S UTC")
}

fn formatted(seconds: u64, form: &str) -> String {
    let then = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    then.map_or_else(|| format!("{seconds} s after 1970"), |then| then.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use unicode_width::UnicodeWidthStr;

    use wire::admin::instance as protocol;

    use super::*;

    fn running(name: &str) -> Shown {
        Shown {
            name: name.into(),
            id: "00112233445566778899aabbccddeeff".into(),
            status: "Running".into(),
            edition: "platinum".into(),
            project: "default".into(),
            account: None,
            order: "ffeeddccbbaa99887766554433221100".into(),
            test_only: false,
            created: 1_700_000_000,
            months: 12,
            expires: Some(1_731_000_000),
            tags: vec![("team".into(), "blue".into())],
            active: Some(protocol::Active {
                zone: "az1".into(),
                kind: "Finance".into(),
                services: vec!["key management".into()],
                vpc: "vpc-test".into(),
                subnet: "192.168.100.0/24".into(),
                address: "192.168.100.101".into(),
                nodes: ["192.168.100.102".into(), "192.168.100.103".into()],
                port: 2773,
                security_group: "default".into(),
                allowed: vec!["10.0.0.0/8".into()],
                public: None,
            }),
            limits: protocol::Limits { partitions: 8, sessions: 4096, objects: 100_000 },
            partitions: vec![(3, "x".into())],
            initialised: true,
            clients: vec!["web".into()],
            failure: None,
            next: "it runs".into(),
        }
    }

    #[test]
    fn a_list_of_instances_fits_80_columns_with_every_column_of_the_guide() {
        let ordered = Shown { status: "To be activated".into(), expires: None, active: None, ..running("b") };
        let text = table(&[running("DedicatedHSM-60071291-0002"), ordered]).render(80);
        let text = strip_str(&text).to_string();
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        for title in ["NAME", "ID", "STATUS", "EDITION", "AZ", "IP ADDRESS", "EXPIRES"] {
            assert!(text.lines().next().unwrap().contains(title), "{text}");
        }
        for word in ["Running", "To be activated", "platinum", "192.168.10", "2024-11-07"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn an_instance_is_shown_with_every_field_of_the_guide() {
        let text = strip_str(&in_full(&running("a"))).to_string();
        for field in [
            "name",
            "ID",
            "status",
            "service edition",
            "HSM type",
            "VPC",
            "subnet",
            "IP address",
            "security group",
            "creation time",
            "expiration time",
            "order",
        ] {
            assert!(text.lines().any(|line| line.starts_with(field)), "{field}: {text}");
        }
        assert!(text.contains("2023-11-14 22:13:20 UTC") && text.contains("does not serve yet"), "{text}");
    }
}
