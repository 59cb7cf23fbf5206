//! The root key: who holds it, sealing, re-keying, zeroizing.

use std::time::Duration;

use ukey::Public;
use wire::List;
use wire::admin::Told;
use wire::admin::root::{Ask, Custody as Shown, Holder, NewCustody, Rekey, Told as Answer};

use super::talk::Talk;
use crate::daemon::{Daemon, OpenError};
use crate::root_key::shares::Shares;
use crate::root_key::{self, Custody, Derivation, RootKeyError, Token};

/// How often the console is told how far a change of keys is.
const BEAT: Duration = Duration::from_millis(200);

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let daemon = talk.daemon;
    let text = |error: OpenError| error.to_string();
    match ask {
        Ask::Show => shown(daemon),
        Ask::Seal => {
            daemon.seal("it was sealed by hand: hsm-admin unseal", Some(talk.socket())).map_err(text)?;
            Ok(Told::Done)
        }
        Ask::Share { ukey } => Ok(Told::Root(Answer::Share(daemon.share(ukey).map_err(text)?.into()))),
        Ask::Give { share } => {
            daemon.give_share(share).map_err(text)?;
            shown(daemon)
        }
        Ask::Change { custody } => {
            change(daemon, custody.as_ref())?;
            shown(daemon)
        }
        Ask::Rekey { wait } => {
            daemon.begin_rekey().map_err(text)?;
            while *wait && let Some(progress) = daemon.rekey_progress().map_err(text)? {
                talk.progress(progress.done, progress.total)?;
                std::thread::sleep(BEAT);
            }
            rekey(daemon)
        }
        Ask::RekeyStatus => rekey(daemon),
        Ask::ZeroizePartition { partition } => {
            let partition = talk.partition(partition)?;
            let (hsm, serial) = (talk.hsm()?, partition.serial());
            let done = hsm.zeroize_partition(&partition, &talk.actor());
            let is_gone = hsm.partition_of_slot(partition.slot().0).is_none();
            if is_gone && let Ok(services) = daemon.services() {
                // What it knows of keys and secrets that are gone, it forgets too.
                services.kms.forget_partition(&serial);
                services.csms.reload();
            }
            done.map(|()| Told::Done).map_err(|error| error.to_string())
        }
        Ask::ZeroizeHsm => {
            daemon.zeroize(Some(talk.socket())).map_err(text)?;
            Ok(Told::Done)
        }
    }
}

fn rekey(daemon: &Daemon) -> Result<Told, String> {
    let progress = daemon.rekey_progress().map_err(|error| error.to_string())?;
    let progress = progress.map(|progress| Rekey { done: progress.done, total: progress.total });
    Ok(Told::Root(Answer::Rekey(progress)))
}

fn change(daemon: &Daemon, custody: Option<&NewCustody>) -> Result<(), String> {
    let config = &daemon.config.root_key;
    let made = daemon.change_root(|| match custody {
        Some(NewCustody::File) => Ok((Custody::File, root_key::make_next(config)?)),
        Some(NewCustody::Passphrase(passphrase)) => {
            let how = Derivation::new(passphrase)?;
            let root = how.root_key(passphrase)?;
            Ok((Custody::Passphrase(how), root))
        }
        Some(NewCustody::UKeys { need, publics }) => {
            let publics =
                publics.iter().map(|public| Public::from_bytes(public)).collect::<Result<Vec<_>, _>>()?;
            let (shares, root) = Shares::make(*need, &publics)?;
            Ok((Custody::UKeys(shares), root))
        }
        Some(NewCustody::Token { module, token, key, pin }) => {
            let (token, root) = Token::make(module.into(), token.clone(), key.clone(), pin)?;
            Ok((Custody::Token(token), root))
        }
        None if config.file.is_some() => Ok((Custody::File, root_key::make_next(config)?)),
        None => Err(RootKeyError::Holders("say who is to keep the new one: --custody".into())),
    });
    made.map(drop).map_err(|error| error.to_string())
}

fn shown(daemon: &Daemon) -> Result<Told, String> {
    let custody = daemon.custody().map_err(|error| error.to_string())?;
    let mut shown = Shown {
        sealed: daemon.hsm().is_err(),
        kind: custody.as_ref().map(Custody::name).unwrap_or_default().into(),
        need: 0,
        holders: List::new(Vec::new()).ok_or("no holder is too many")?,
        token: String::new(),
    };
    match &custody {
        Some(Custody::UKeys(shares)) => {
            let given = daemon.given(shares);
            let holder = |sealed: &root_key::shares::Sealed| Holder {
                name: sealed.name.clone(),
                ukey: sealed.ukey.iter().map(|byte| format!("{byte:02x}")).collect(),
                given: given.contains(&sealed.name),
            };
            shown.need = shares.need;
            let holders = shares.holders.iter().map(holder).collect();
            shown.holders = List::new(holders).ok_or("there are more holders than one list brings")?;
        }
        Some(Custody::Token(token)) => shown.token.clone_from(&token.token),
        _ => {}
    }
    Ok(Told::Root(Answer::Custody(shown)))
}
