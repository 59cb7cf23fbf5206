//! `status`: the daemon as a whole.

use clap::Args;
use wire::admin::{self, Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{GOOD, Screen, WARN};
use crate::table::{Cell, facts};

/// Show whether the daemon is well: release, seal, connections, what it holds
#[derive(Debug, Args)]
pub(crate) struct Status;

impl Status {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match daemon.ask(&Ask::Status)? {
            Told::Status(status) => screen.show(&status, people),
            _ => Err(Error::Unknown),
        }
    }
}

fn people(status: &admin::Status) -> String {
    let seal = if status.sealed {
        Cell::from("sealed: it waits for its root key").styled(WARN)
    } else {
        Cell::from("open").styled(GOOD)
    };
    let mut lines = vec![
        ("hsmd", Cell::from(format!("{}, process {}", status.version, status.pid))),
        ("state", seal),
        ("up for", Cell::from(duration(status.uptime))),
        ("store", Cell::from(&status.store)),
        ("socket", Cell::from(&status.socket)),
        ("connections", Cell::from(format!("{} of {}", status.connections, status.max_connections))),
    ];
    // Of a sealed one nothing is known, and nought of each would look as if all were lost.
    if !status.sealed {
        lines.extend([
            ("sessions", Cell::from(status.sessions)),
            ("partitions", Cell::from(status.partitions)),
            ("objects", Cell::from(status.objects)),
        ]);
    }
    facts(lines)
}

/// `seconds` in the two largest units that say something.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_shows_its_two_largest_units() {
        let shown = [0, 59, 60, 3599, 3600, 86399, 86400, 1_000_000].map(duration);
        assert_eq!(
            shown,
            ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 0 h", "11 d 13 h"]
        );
    }
}
