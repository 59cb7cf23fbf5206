//! The operations as the console asks for them: by name, with all fields in one body, and who asks known already.

use dew::caller::Caller;
use dew::cts::{self, Kind};
use dew::iam::ProjectId;

use super::failure::Failure;
use super::operation::{Input, Row};
use super::{huawei, own};
use crate::services::Services;
use crate::traces::Asked;

/// Does an operation of the KMS, or lists traces of CTS, and gives its answer as JSON; empty if there is nothing to say. It leaves the trace that
/// it would leave if the interface were asked for it, as the console's.
///
/// # Errors
/// Why it was not done, with the interface's code.
pub(crate) fn kms(
    operation: &str,
    body: &[u8],
    caller: &Caller,
    services: &Services,
) -> Result<Vec<u8>, String> {
    let traces = huawei::OF_CTS.iter().filter(|row| row.name == "ListTraces");
    let row = huawei::OF_KMS.iter().chain(own::OPERATIONS).chain(traces).find(|row| row.name == operation);
    let row = row.ok_or_else(|| format!("the KMS has no operation {operation:?}"))?;
    let project = services.cts.project_of(caller);
    act(row, body, caller, services, project)
        .map_err(|failure| format!("{} ({})", failure.message, failure.code))
}

/// As [`kms`], an operation of IAM. Its trace would be of the first project of the caller's account: that of an operation
/// which is about a project is no other.
///
/// # Errors
/// Why it was not done.
pub(crate) fn iam(
    operation: &str,
    body: &[u8],
    caller: &Caller,
    services: &Services,
) -> Result<Vec<u8>, String> {
    let row = huawei::OF_IAM.iter().find(|row| row.name == operation);
    let row = row.ok_or_else(|| format!("IAM has no operation {operation:?}"))?;
    let first = services.iam.account(caller.identity.account).map(|account| account.project);
    act(row, body, caller, services, services.cts.project_of(caller).or(first))
        .map_err(|failure| failure.message)
}

fn act(
    row: &Row,
    body: &[u8],
    caller: &Caller,
    services: &Services,
    project: Option<ProjectId>,
) -> Result<Vec<u8>, Failure> {
    let input = Input { body: body.to_vec(), ..Input::default() };
    let path = row.path.replace("{project_id}", &project.map(|id| id.to_string()).unwrap_or_default());
    let asked = cts::traced(row.service.name, row.name).zip(project).map(|(traced, project)| Asked {
        traced,
        kind: Kind::ConsoleAction,
        caller,
        project,
        access_key: None,
        method: row.method.as_str(),
        path: &path,
        body,
        fields: Vec::new(),
    });
    row.act(input, caller, services, asked).map(|done| done.body)
}

#[cfg(test)]
mod tests {
    use wire::admin::iam::{Kind, OPERATIONS};

    use super::*;

    #[test]
    fn what_the_console_asks_of_iam_is_there_and_what_only_looks_is_a_look() {
        for (name, kind) in OPERATIONS {
            let row = huawei::OF_IAM.iter().find(|row| row.name == *name);
            let row = row.unwrap_or_else(|| panic!("IAM has no {name}"));
            assert_eq!(row.method == hyper::Method::GET, *kind == Kind::Look, "{name}");
        }
    }
}
