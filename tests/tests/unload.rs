//! A C program that loads and unloads the module 1,000 times: no thread, descriptor, mapping or memory is left.

use tests::{Hsm, compile_c, needs};

#[test]
fn a_thousand_loads_and_unloads_leave_nothing_behind() {
    needs!("cc");
    let hsm = Hsm::start();
    let program = compile_c(&hsm, "unload");
    hsm.run(program, ["properly"]).succeeds().says("passed").done();
}

#[test]
fn unloading_without_finalize_crashes_nothing() {
    needs!("cc");
    let hsm = Hsm::start();
    let program = compile_c(&hsm, "unload");
    hsm.run(program, ["abruptly"]).succeeds().says("passed").done();
}
