//! The operations as the console asks for them: by name, with all fields in one body, and who asks known already.

use dew::caller::Caller;
use dew::cts::{self, Kind};
use wire::admin::kms::CSMS;
use zeroize::Zeroizing;

use super::operation::Input;
use super::{databases, huawei, own};
use crate::services::Services;
use crate::traces::Asked;

/// Does an operation of the KMS or of CSMS, or lists traces of CTS, and gives its answer as JSON; empty if there is nothing to say. It leaves the trace that
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
    let secrets = operation.strip_prefix(CSMS);
    let all_of_csms = || huawei::OF_CSMS.iter().chain(databases::OPERATIONS);
    let of_csms = secrets.map(|name| all_of_csms().find(|row| row.name == name));
    let traces = huawei::OF_CTS.iter().filter(|row| row.name == "ListTraces");
    let of_kms =
        || huawei::OF_KMS.iter().chain(own::OPERATIONS).chain(traces).find(|row| row.name == operation);
    let row = of_csms.unwrap_or_else(of_kms).ok_or_else(|| format!("there is no operation {operation:?}"))?;
    let project = services.cts.project_of(caller);
    let path = row.path.replace("{project_id}", &project.map(|id| id.to_string()).unwrap_or_default());
    let asked = cts::traced(row.service.name, row.name).zip(project).map(|(traced, project)| Asked {
        traced,
        kind: Kind::ConsoleAction,
        caller,
        project,
        unproven: false,
        access_key: None,
        method: row.method.as_str(),
        path: &path,
        body,
        fields: Vec::new(),
    });
    let input = Input { body: body.to_vec(), ..Input::default() };
    let done = row.act(input, caller, services, asked);
    done.map(|done| done.body).map_err(|failure| format!("{} ({})", failure.message, failure.code))
}

/// Does an operation of IAM, and gives its answer as JSON; empty if there is nothing to say. It leaves the trace that it would
/// leave if the interface were asked for it, as the console's.
///
/// # Errors
/// Why it was not done.
pub(crate) fn iam(
    operation: &str,
    body: Vec<u8>,
    caller: &Caller,
    services: &Services,
) -> Result<Vec<u8>, String> {
    let row = huawei::OF_IAM.iter().find(|row| row.name == operation);
    let row = row.ok_or_else(|| format!("IAM has no operation {operation:?}"))?;
    let body = Zeroizing::new(body); // a password may be in it
    // What is not about a project is seen in the first.
    let first = || services.iam.account(caller.identity.account).map(|account| account.project);
    let project = services.cts.project_of(caller).or_else(first);
    let asked = cts::traced(row.service.name, row.name).zip(project).map(|(traced, project)| Asked {
        traced,
        kind: Kind::ConsoleAction,
        caller,
        project,
        unproven: false,
        access_key: None,
        method: row.method.as_str(),
        path: row.path,
        body: &body,
        fields: Vec::new(),
    });
    let done = row.act(Input { body: body.to_vec(), ..Input::default() }, caller, services, asked);
    done.map(|done| done.body).map_err(|failure| failure.message)
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
