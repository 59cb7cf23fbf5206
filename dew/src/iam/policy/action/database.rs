//! The services of databases, of which nothing is here but what the rotation of a secret does there.

use super::Access::Write;
use super::{Row, row};

/// RDS.
pub(super) static RDS: &[Row] = &[row(&["rds:password:update"], Write, "instance", &["ResetPwd"])];

/// TaurusDB, once GaussDB(for MySQL).
pub(super) static TAURUS_DB: &[Row] =
    &[row(&["gaussdb:user:modify"], Write, "instance", &["ResetGaussMySqlDatabasePassword"])];
