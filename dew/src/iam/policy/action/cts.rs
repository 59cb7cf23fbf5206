//! CTS: traces, trackers, and notifications of operations.

use super::Access::{List, Read, Write};
use super::{Row, row};

const TRACKER: &str = "tracker";
const TRACE: &str = "trace";
const NOTIFICATION: &str = "notification";

pub(super) static ACTIONS: &[Row] = &[
    row(&["cts:tracker:create"], Write, TRACKER, &["CreateTracker"]),
    row(&["cts:tracker:update"], Write, TRACKER, &["UpdateTracker"]),
    row(&["cts:tracker:delete"], Write, TRACKER, &["DeleteTracker"]),
    row(&["cts:tracker:list"], List, TRACKER, &["ListTrackers"]),
    row(&["cts:tracker:createTag"], Write, TRACKER, &["BatchCreateResourceTags"]),
    row(&["cts:tracker:deleteTag"], Write, TRACKER, &["BatchDeleteResourceTags"]),
    row(&["cts:tracker:checkBucket"], Write, TRACKER, &["CheckObsBuckets"]),
    row(&["cts:quota:get"], Read, TRACKER, &["ListQuotas"]),
    row(&["cts:trace:list"], List, TRACE, &["ListTraces"]),
    row(&["cts:trace:listResource"], List, TRACE, &["ListTraceResources"]),
    row(&["cts:trace:listTraceUser"], List, TRACE, &["ListUserResources"]),
    row(&["cts:operation:list"], List, TRACE, &["ListOperations"]),
    row(&["cts:notification:create"], Write, NOTIFICATION, &["CreateNotification"]),
    row(&["cts:notification:update"], Write, NOTIFICATION, &["UpdateNotification"]),
    row(&["cts:notification:delete"], Write, NOTIFICATION, &["DeleteNotification"]),
    row(&["cts:notification:list"], List, NOTIFICATION, &["ListNotifications"]),
];
