//! What bridges to web frameworks have in common.
