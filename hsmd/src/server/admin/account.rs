//! Accounts of the cloud services.

use dew::iam::{self, NewAccount};
use wire::List;
use wire::admin::Told;
use wire::admin::account::{Account, Ask, Created, Told as Answer};

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    match ask {
        Ask::Create { name, region } => {
            let new = NewAccount { name, region };
            let made =
                services.iam.by(talk.actor()).create_account(new).map_err(|error| error.to_string())?;
            Ok(Told::Account(Answer::Created(Created {
                account: shown(&made.account),
                user: made.root.to_string(),
                access_key: made.key.id.to_string(),
                secret_key: made.key.secret.as_bytes().into(),
            })))
        }
        Ask::List => {
            let accounts = services.iam.accounts().iter().map(|account| shown(account)).collect();
            let accounts = List::new(accounts).ok_or("there are more accounts than one list brings")?;
            Ok(Told::Account(Answer::Accounts(accounts)))
        }
    }
}

fn shown(account: &iam::Account) -> Account {
    Account {
        id: account.id.to_string(),
        name: account.name.clone(),
        enabled: account.enabled,
        project: account.project.to_string(),
        created: account.created,
    }
}
