//! The operations as the console asks for them: by name, with all fields in one body, and who asks known already.

use dew::caller::Caller;
use dew::cts::{self, Kind};

use super::operation::Input;
use super::{huawei, own};
use crate::services::Services;
use crate::traces::Asked;

/// Does an operation of the KMS, and gives its answer as JSON; empty if there is nothing to say. It leaves the trace that
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
    let row = huawei::OF_KMS.iter().chain(own::OPERATIONS).find(|row| row.name == operation);
    let row = row.ok_or_else(|| format!("the KMS has no operation {operation:?}"))?;
    let input = Input { body: body.to_vec(), ..Input::default() };
    let project = services.cts.project_of(caller);
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
    let done = row.act(input, caller, services, asked);
    done.map(|done| done.body).map_err(|failure| format!("{} ({})", failure.message, failure.code))
}
