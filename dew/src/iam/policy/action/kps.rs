//! KPS: key pairs, their private keys, and the tasks that bind them.

use super::Access::{List, Read, Write};
use super::{Row, row};

const PAIR: &str = "SSHKeyPair";

/// An action by its three names: of key pairs of an account, by policy; of key pairs, by the finer vocabulary; and of the
/// key pairs of servers, which "DEW KeypairFullAccess" names beside.
macro_rules! pairs {
    ($($verb:literal $access:ident $operations:expr;)*) => {
        pub(super) static ACTIONS: &[Row] = &[$(row(
            &[
                concat!("kps:domainKeypairs:", $verb),
                concat!("kps:SSHKeyPair:", $verb),
                concat!("ecs:serverKeypairs:", $verb),
            ],
            $access,
            PAIR,
            $operations,
        ),)*];
    };
}

pairs! {
    "list"                List  &["ListKeypairs"];
    "get"                 Read  &["ListKeypairDetail"];
    "create"              Write &["CreateKeypair", "BatchImportKeypair"];
    "delete"              Write &["DeleteKeypair"];
    "update"              Write &["UpdateKeypairDescription"];
    "bind"                Write &["AssociateKeypair", "BatchAssociateKeypair"];
    "unbind"              Write &["DisassociateKeypair"];
    "importPrivateKey"    Write &["ImportPrivateKey"];
    "exportPrivateKey"    Write &["ExportPrivateKey", "BatchExportPrivateKey"];
    "clearPrivateKey"     Write &["ClearPrivateKey"];
    "getTask"             Read  &["ListKeypairTask"];
    "listFailedTask"      List  &["ListFailedTask"];
    "listRunningTask"     List  &["ListRunningTask"];
    "deleteFailedTask"    Write &["DeleteFailedTask"];
    "deleteAllFailedTask" Write &["DeleteAllFailedTask"];
}
