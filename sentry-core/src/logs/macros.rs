//! The macros `logger_trace!` to `logger_fatal!`, by which programs write structured logs.

/// Writes a log of level `trace`: see [`logger_info!`](crate::logger_info).
#[macro_export]
macro_rules! logger_trace {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Trace, $($log)+) };
}

/// Writes a log of level `debug`: see [`logger_info!`](crate::logger_info).
#[macro_export]
macro_rules! logger_debug {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Debug, $($log)+) };
}

/// Writes a log of level `info`: a text as `format!` takes it, with attributes in front of it where wanted.
///
/// ```
/// use sentry_core::logger_info;
///
/// let (user, amount) = ("ada", 12.5);
/// logger_info!("shop opened");
/// logger_info!("{} paid {amount}", user, amount = amount);
/// logger_info!(cart.id = 7, "payment.is_gift" = true, "{} paid {:.2}", user, amount);
/// ```
///
/// Beside the text, Sentry gets its template and the arguments, as attributes `sentry.message.parameter.0` and on, or
/// with the arguments' names: logs can be searched and charted by them. Numbers, booleans and text keep their type, of
/// anything else the text counts that `Display` writes, else `Debug`. Names written into the text (`{user}`) are only
/// formatted.
///
/// Attributes have dotted names or quoted ones, and any value that is `Into<LogAttribute>`.
///
/// # Cost and thread
///
/// If nobody is listening (no client, the client's `enable_logs` is off, inside a hook, or the feature `logs` is off)
/// nothing is evaluated, let alone formatted. Otherwise each argument is evaluated once, on this thread, outside locks;
/// what its `Display` captures is dropped, and if that panics the template stands for the text. Everything else is done
/// by the worker.
#[macro_export]
macro_rules! logger_info {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Info, $($log)+) };
}

/// Writes a log of level `warn`: see [`logger_info!`](crate::logger_info).
#[macro_export]
macro_rules! logger_warn {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Warn, $($log)+) };
}

/// Writes a log of level `error`: see [`logger_info!`](crate::logger_info). It is a log: no issue comes of it.
#[macro_export]
macro_rules! logger_error {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Error, $($log)+) };
}

/// Writes a log of level `fatal`: see [`logger_info!`](crate::logger_info). It is a log: no issue comes of it.
#[macro_export]
macro_rules! logger_fatal {
    ($($log:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Fatal, $($log)+) };
}

/// Writes a log of a level that is given first.
#[doc(hidden)]
#[macro_export]
macro_rules! logger_log {
    // Takes the attributes one by one until the text comes.
    (@attributes $level:expr, [$($done:tt)*] $key:literal = $value:expr, $($rest:tt)+) => {
        $crate::logger_log!(@attributes $level, [$($done)* ($key, $value)] $($rest)+)
    };
    (@attributes $level:expr, [$($done:tt)*] $first:ident $(. $more:ident)* = $value:expr, $($rest:tt)+) => {
        $crate::logger_log!(
            @attributes $level,
            [$($done)* (::std::concat!(::std::stringify!($first) $(, ".", ::std::stringify!($more))*), $value)]
            $($rest)+
        )
    };
    (@attributes $level:expr, [$(($key:expr, $value:expr))*] $text:literal $(, $($arguments:tt)*)?) => {
        if $crate::logs::is_listening() {
            let attributes = ::std::vec::Vec::<$crate::logs::Attribute>::from([
                $((
                    ::std::borrow::Cow::Borrowed($key),
                    ::std::convert::Into::<$crate::protocol::LogAttribute>::into($value),
                )),*
            ]);
            let record = $crate::logger_log!(@arguments ($level, attributes, $text) [] [] [] $($($arguments)*)?);
            $crate::logs::emit(record)
        }
    };
    // Evaluates the arguments one by one. Each `argument` is a variable of its own.
    (@arguments $log:tt [$($format:tt)*] [$($names:expr,)*] [$($values:ident)*]
        $name:ident = $value:expr $(, $($rest:tt)*)?
    ) => {
        match &$value {
            argument => $crate::logger_log!(
                @arguments $log [$($format)* , $name = *argument] [$($names,)* ::std::stringify!($name),]
                [$($values)* argument] $($($rest)*)?
            ),
        }
    };
    (@arguments $log:tt [$($format:tt)*] [$($names:expr,)*] [$($values:ident)*] $value:expr $(, $($rest:tt)*)?) => {
        match &$value {
            argument => $crate::logger_log!(
                @arguments $log [$($format)* , *argument] [$($names,)* "",] [$($values)* argument] $($($rest)*)?
            ),
        }
    };
    (@arguments ($level:expr, $attributes:ident, $text:literal)
        [$($format:tt)*] [$($names:expr,)*] [$($values:ident)*]
    ) => {
        $crate::logs::record(
            $level,
            &const { $crate::logs::Site { template: $text, names: &[$($names),*] } },
            ::std::format_args!($text $($format)*),
            $attributes,
            &|_parameters| {
                #[allow(unused_imports, reason = "each argument needs one of them")]
                use $crate::logs::{ByDebug as _, ByDisplay as _, ByNothing as _, ByValue as _};
                $((&&&&$crate::logs::Argument($values)).add_to(_parameters);)*
            },
        )
    };
    ($level:expr, $($log:tt)+) => { $crate::logger_log!(@attributes $level, [] $($log)+) };
}
