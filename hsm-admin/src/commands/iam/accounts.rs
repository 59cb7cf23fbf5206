//! An account as a whole.

use serde_json::{Value, json};

use super::desk::{Desk, PROJECT, taken};
use super::{projects, state, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, facts};

/// Shows an account.
pub(in super::super) fn show(daemon: &Daemon, screen: &Screen, account: &str) -> Result<(), Error> {
    let desk = Desk::of(daemon, account)?;
    let account = &desk.account;
    // Of an account that is disabled nothing more can be asked: nobody of it may do anything.
    let (quotas, all) = match account.enabled {
        true => {
            let mut quotas =
                desk.call("ShowDomainQuota", &json!({ "domain_id": account.id }))?["quotas"].take();
            (taken(quotas.take(), "resources")?, desk.all(PROJECT)?)
        }
        false => (Vec::new(), Vec::new()),
    };
    let shown = json!({
        "id": account.id,
        "name": account.name,
        "enabled": account.enabled,
        "root_user_id": account.root,
        "project_id": account.project,
        "operation_protection": account.protected,
        "enterprise_projects": account.enterprise_projects,
        "created": account.created,
        "quotas": quotas,
        "projects": all,
    });
    screen.show(&shown, |_| {
        let mut rows = vec![
            ("Account", Cell::from(&account.name)),
            ("Domain", Cell::from(&account.id)),
            ("State", state(account.enabled)),
            ("Root user", Cell::from(&account.root)),
            ("Protection", Cell::from(on_or_off(account.protected))),
            ("Enterprise projects", Cell::from(on_or_off(account.enterprise_projects))),
        ];
        rows.extend(
            quotas
                .iter()
                .map(|one| (plural(one), Cell::from(format!("{} of {}", one["used"], one["quota"])))),
        );
        format!("{}\n{}", facts(rows), projects::table(&all).render(crate::screen::width()))
    })
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What a quota is of.
fn plural(quota: &Value) -> &'static str {
    match text(quota, "type") {
        "project" => "Projects",
        "user" => "Users",
        "group" => "Groups",
        "policy" => "Policies",
        "agency" => "Agencies",
        _ => "Others",
    }
}
