//! Nothing: what is wanted is the module that the dependency makes.
