use std::fmt;

use crate::test::with_captured_envelopes;
use crate::{logger_fatal, logger_info};

struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::resume_unwind(Box::new("formatted"))
    }
}

#[test]
fn without_the_feature_nothing_is_evaluated() {
    let evaluate = || -> u8 { std::panic::resume_unwind(Box::new("evaluated")) };
    let used_only_here = 7;
    let envelopes = with_captured_envelopes(|| {
        logger_info!("text");
        logger_info!(cart.id = evaluate(), "{} {} {name}", Bomb, evaluate(), name = used_only_here);
        logger_fatal!("{Bomb}");
    });
    assert!(envelopes.is_empty());
}
