//! Databases whose passwords CSMS rotates. The cloud has its own, and no operations for this: these are beyond its interface.

use crate::rest::huawei::CSMS;
use crate::rest::operation::operations;

mod shown;

operations! {
    &CSMS =>
    add_database
    list_databases
    remove_database
    update_database
}
