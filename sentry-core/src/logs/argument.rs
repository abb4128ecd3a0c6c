//! How the argument of a log becomes the value of a parameter, whatever its type.
//!
//! Numbers, booleans and text keep their type; of anything else, the text counts that `Display` writes, else `Debug`.
//! A macro cannot ask what a type implements, but method look-up can: it takes the first of these traits that fits,
//! in the order of how many references they are implemented for.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use super::Parameters;
use crate::protocol::Value;

/// An argument, to be called with `(&&&&Argument(it)).add_to(parameters)`.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized>(pub &'a T);

/// Of a type that has a value of its own.
pub trait ByValue {
    /// Adds its value.
    fn add_to(&self, parameters: &mut Parameters);
}

/// Of a type that can be displayed.
pub trait ByDisplay {
    /// Adds its text.
    fn add_to(&self, parameters: &mut Parameters);
}

/// Of a type that can be shown to programmers.
pub trait ByDebug {
    /// Adds its text.
    fn add_to(&self, parameters: &mut Parameters);
}

/// Of a type that can be written in hexadecimal, say, but in no way of general use.
pub trait ByNothing {
    /// Adds `null`.
    fn add_to(&self, parameters: &mut Parameters);
}

impl<T: Native + ?Sized> ByValue for &&&Argument<'_, T> {
    #[inline]
    fn add_to(&self, parameters: &mut Parameters) {
        self.0.add_to(parameters);
    }
}

impl<T: Display + ?Sized> ByDisplay for &&Argument<'_, T> {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add_text(format_args!("{}", self.0));
    }
}

impl<T: Debug + ?Sized> ByDebug for &Argument<'_, T> {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add_text(format_args!("{:?}", self.0));
    }
}

impl<T: ?Sized> ByNothing for Argument<'_, T> {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add(Value::Null);
    }
}

/// A type that JSON has, too.
pub trait Native {
    /// Adds it as JSON has it.
    fn add_to(&self, parameters: &mut Parameters);
}

macro_rules! native {
    ($($number:ty)*) => {$(
        impl Native for $number {
            #[inline]
            fn add_to(&self, parameters: &mut Parameters) {
                parameters.add(Value::from(*self));
            }
        }
    )*};
}

native!(bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl Native for f64 {
    fn add_to(&self, parameters: &mut Parameters) {
        // JSON has no infinity.
        if self.is_finite() {
            parameters.add(Value::from(*self));
        } else {
            parameters.add_text(format_args!("{self}"));
        }
    }
}

impl Native for f32 {
    fn add_to(&self, parameters: &mut Parameters) {
        f64::from(*self).add_to(parameters);
    }
}

impl Native for str {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add_str(self);
    }
}

impl Native for String {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add_str(self);
    }
}

impl Native for Cow<'_, str> {
    fn add_to(&self, parameters: &mut Parameters) {
        parameters.add_str(self);
    }
}

impl<T: Native + ?Sized> Native for &T {
    #[inline]
    fn add_to(&self, parameters: &mut Parameters) {
        (**self).add_to(parameters);
    }
}

impl<T: Native + ?Sized> Native for &mut T {
    fn add_to(&self, parameters: &mut Parameters) {
        (**self).add_to(parameters);
    }
}
