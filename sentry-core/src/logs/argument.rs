//! How the argument of a log becomes the value of a parameter, whatever its type.
//!
//! Numbers, booleans and text keep their type; of anything else, the text counts that `Display` writes, else `Debug`.
//! A macro cannot ask what a type implements, but method look-up can: it takes the first of these traits that fits,
//! in the order of how many references they are implemented for.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use crate::protocol::Value;

/// An argument, to be called with `(&&&&Argument(it)).to_parameter()`.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized>(pub &'a T);

/// Of a type that has a value of its own.
pub trait ByValue {
    /// Its value.
    fn to_parameter(&self) -> Value;
}

/// Of a type that can be displayed.
pub trait ByDisplay {
    /// Its text.
    fn to_parameter(&self) -> Value;
}

/// Of a type that can be shown to programmers.
pub trait ByDebug {
    /// Its text.
    fn to_parameter(&self) -> Value;
}

/// Of a type that can be written in hexadecimal, say, but in no way of general use.
pub trait ByNothing {
    /// `null`.
    fn to_parameter(&self) -> Value;
}

impl<T: Native + ?Sized> ByValue for &&&Argument<'_, T> {
    #[inline]
    fn to_parameter(&self) -> Value {
        self.0.native()
    }
}

impl<T: Display + ?Sized> ByDisplay for &&Argument<'_, T> {
    fn to_parameter(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl<T: Debug + ?Sized> ByDebug for &Argument<'_, T> {
    fn to_parameter(&self) -> Value {
        Value::String(format!("{:?}", self.0))
    }
}

impl<T: ?Sized> ByNothing for Argument<'_, T> {
    fn to_parameter(&self) -> Value {
        Value::Null
    }
}

/// A type that JSON has, too.
pub trait Native {
    /// As JSON has it.
    fn native(&self) -> Value;
}

macro_rules! native {
    ($($number:ty)*) => {$(
        impl Native for $number {
            #[inline]
            fn native(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

native!(bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl Native for f64 {
    fn native(&self) -> Value {
        // JSON has no infinity.
        if self.is_finite() { Value::from(*self) } else { Value::String(self.to_string()) }
    }
}

impl Native for f32 {
    fn native(&self) -> Value {
        f64::from(*self).native()
    }
}

impl Native for str {
    fn native(&self) -> Value {
        Value::String(self.to_owned())
    }
}

impl Native for String {
    fn native(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Native for Cow<'_, str> {
    fn native(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl<T: Native + ?Sized> Native for &T {
    #[inline]
    fn native(&self) -> Value {
        (**self).native()
    }
}

impl<T: Native + ?Sized> Native for &mut T {
    fn native(&self) -> Value {
        (**self).native()
    }
}
