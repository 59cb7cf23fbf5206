//! CSMS: secrets with their versions and stages, tags, events, and what belongs to their rotation.

use super::Access::{List, Read, Write};
use super::{Row, row};

const SECRET: &str = "secretName";
const EVENT: &str = "eventName";
const TASK: &str = "task";
const USER: &str = "user";
const AGENCY: &str = "agency";

pub(super) static ACTIONS: &[Row] = &[
    // Secrets.
    row(&["csms:secret:create"], Write, SECRET, &["CreateSecret"]),
    row(&["csms:secret:import", "csms:secret:create"], Write, SECRET, &["BatchImportSecrets"]),
    row(&["csms:secret:list"], List, SECRET, &["ListSecrets"]),
    row(&["csms:secret:get"], Read, SECRET, &["ShowSecret"]),
    row(&["csms:secret:update"], Write, SECRET, &["UpdateSecret"]),
    row(&["csms:secret:delete"], Write, SECRET, &["DeleteSecret"]),
    row(&["csms:secret:scheduleDelete", "csms:secret:delete"], Write, SECRET, &["DeleteSecretForSchedule"]),
    row(&["csms:secret:restore"], Write, SECRET, &["RestoreSecret"]),
    row(&["csms:secret:rotate"], Write, SECRET, &["RotateSecret"]),
    // What no operation does: the worker that rotates secrets of servers which are no service of the cloud.
    row(&["csms:server:setPassword"], Write, "server", &["SetServerPassword"]),
    row(&["csms:secret:download"], Write, SECRET, &["DownloadSecretBlob"]),
    row(&["csms:secret:upload"], Write, SECRET, &["UploadSecretBlob"]),
    row(&["csms:secret:generatePassword"], Write, SECRET, &["GenerateRandomPassword"]),
    row(&["csms:secret:check"], Write, SECRET, &["CheckSecrets"]),
    row(&["csms:secret:getConfig"], Read, SECRET, &["ShowSecretsConfig"]),
    row(&["csms:secret:updateConfig"], Write, SECRET, &["UpdateSecretsConfig"]),
    // Versions.
    row(&["csms:secret:createVersion", "csms:secretVersion:create"], Write, SECRET, &["CreateSecretVersion"]),
    row(&["csms:secret:listVersion", "csms:secretVersion:list"], List, SECRET, &["ListSecretVersions"]),
    row(&["csms:secret:getVersion", "csms:secretVersion:get"], Read, SECRET, &["ShowSecretVersion"]),
    row(&["csms:secret:updateVersion", "csms:secretVersion:update"], Write, SECRET, &["UpdateVersion"]),
    // Stages.
    row(&["csms:secret:getStage", "csms:secretStage:get"], Read, SECRET, &["ShowSecretStage"]),
    row(&["csms:secret:createStage", "csms:secretStage:create"], Write, SECRET, &["CreateSecretStage"]),
    row(&["csms:secret:updateStage", "csms:secretStage:update"], Write, SECRET, &["UpdateSecretStage"]),
    row(&["csms:secret:deleteStage", "csms:secretStage:delete"], Write, SECRET, &["DeleteSecretStage"]),
    // Tags.
    row(&["csms:secret:createTag", "csms:secretTag:create"], Write, SECRET, &["CreateSecretTag"]),
    row(&["csms:secret:deleteTag", "csms:secretTag:delete"], Write, SECRET, &["DeleteSecretTag"]),
    row(
        &["csms:secret:batchCreateTags", "csms:secretTag:batch", "csms:secretTag:create"],
        Write,
        SECRET,
        &["BatchCreateOrDeleteTags"],
    ),
    row(
        &["csms:secret:batchDeleteTags", "csms:secretTag:batch", "csms:secretTag:delete"],
        Write,
        SECRET,
        &["BatchCreateOrDeleteTags"],
    ),
    row(&["csms:secret:listTags", "csms:secretTag:list"], List, SECRET, &["ListSecretTags"]),
    row(&["csms:secret:listProjectTags", "csms:secretTag:list"], List, SECRET, &["ListProjectSecretsTags"]),
    row(&["csms:secret:listByTags", "csms:secretTag:listInstance"], List, SECRET, &["ListResourceInstances"]),
    // Grants.
    row(&["csms:grant:create"], Write, SECRET, &["CreateGrants"]),
    row(&["csms:grant:update"], Write, SECRET, &["UpdateGrant"]),
    row(&["csms:grant:delete"], Write, SECRET, &["DeleteGrant"]),
    row(&["csms:grant:list"], List, SECRET, &["ListGrants"]),
    // Events.
    row(&["csms:event:create", "csms:secretEvent:create"], Write, EVENT, &["CreateSecretEvent"]),
    row(&["csms:event:update", "csms:secretEvent:update"], Write, EVENT, &["UpdateSecretEvent"]),
    row(&["csms:event:delete", "csms:secretEvent:delete"], Write, EVENT, &["DeleteSecretEvent"]),
    row(&["csms:event:list", "csms:secretEvent:list"], List, EVENT, &["ListSecretEvents"]),
    row(&["csms:event:get", "csms:secretEvent:get"], Read, EVENT, &["ShowSecretEvent"]),
    row(&["csms:event:listRecords", "csms:secretEvent:list"], List, EVENT, &["ListNotificationRecords"]),
    // Rotation.
    row(&["csms:task:list"], List, TASK, &["ListSecretTask"]),
    row(&["csms:agency:create"], Write, AGENCY, &["CreateAgency"]),
    row(&["csms:agency:get"], Read, AGENCY, &["ShowAgency"]),
    row(&["csms:function:getTemplate"], Read, AGENCY, &["ShowSecretFunctionTemplates"]),
    row(&["csms:user:list"], List, USER, &["ListUsers"]),
    row(&["csms:user:get"], Read, USER, &["ShowUserDetail"]),
    row(&["csms:user:updatePassword"], Write, USER, &["UpdateUserPassword"]),
];
