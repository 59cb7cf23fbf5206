//! Prints the table of what each user of a token may do that README.md has, as the HSM decides by it.
//!
//! `scripts/readme-tables` calls it.

fn main() {
    print!("{}", hsm::user::rights::table());
}
