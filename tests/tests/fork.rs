//! A C program that forks in every way: children know that they are not initialised, and parents notice nothing.

use tests::{Hsm, compile_c, needs, not_on_stand_in};

fn run(scenario: &str) {
    needs!("cc");
    let hsm = Hsm::start();
    let program = compile_c(&hsm, "fork");
    if !["exec", "finalised_before"].contains(&scenario) {
        not_on_stand_in!(hsm, "its child inherits the session and the login of the parent");
    }
    hsm.run(program, [scenario]).succeeds().says("passed").done();
}

#[test]
fn a_child_that_does_not_initialise_is_told_so_and_the_parent_goes_on() {
    run("without_initialise");
}

#[test]
fn a_child_that_initialises_works_at_once_beside_its_parent() {
    run("with_initialise");
}

#[test]
fn forking_in_the_middle_of_other_threads_calls_harms_neither_side() {
    run("with_threads");
}

#[test]
fn a_prefork_server_has_workers_that_initialise_again() {
    run("prefork");
}

#[test]
fn a_program_that_is_started_inherits_no_descriptor() {
    run("exec");
}

#[test]
fn a_parent_may_finalise_before_it_forks() {
    run("finalised_before");
}
