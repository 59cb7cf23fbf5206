//! A benchmark that runs against any PKCS#11 module, several side by side in the same run.

mod guide;
mod load;
mod objects;
mod options;
mod p11;
mod report;
mod run;
mod worker;
mod workload;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = if std::env::args().nth(1).as_deref() == Some(run::WORKER) {
        worker::serve()
    } else {
        run::run(&options::Options::parse())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("claviger-bench: {message}");
            ExitCode::FAILURE
        }
    }
}
