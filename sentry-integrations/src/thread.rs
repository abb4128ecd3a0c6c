//! Threads that take the current hub along.
