//! The functions of the profile: their names, arguments and types, in one table that parsing, checking and
//! evaluating share.

use super::types::Type;

/// A function of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Bool,
    Duration,
    Timestamp,
    Type,
    Dyn,
    GetFullYear,
    GetMonth,
    GetDate,
    GetDayOfMonth,
    GetDayOfWeek,
    GetDayOfYear,
    GetHours,
    GetMinutes,
    GetSeconds,
    GetMilliseconds,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Join,
    Replace,
    Substring,
    IndexOf,
    LastIndexOf,
    CharAt,
    Reverse,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arg {
    Any,
    Bool,
    Int,
    Number,
    Text,
    Bytes,
    Duration,
    Timestamp,
    List,
    Texts,
    Map,
}

/// One way to call a function: its arguments, receiver first, and the type of its result.
pub(super) struct Overload {
    pub(super) args: &'static [Arg],
    pub(super) result: Result,
}

/// The type of a result, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    Texts,
    Dyn,
}

impl Result {
    pub(super) fn ty(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Double => Type::Double,
            Self::Text => Type::String,
            Self::Bytes => Type::Bytes,
            Self::Duration => Type::Duration,
            Self::Timestamp => Type::Timestamp,
            Self::Texts => Type::list(Type::String),
            Self::Dyn => Type::Dyn,
        }
    }
}

/// How a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `f(x)`
    Plain,
    /// `x.f()`
    Method,
    Both,
}

pub(super) struct Spec {
    pub(super) function: Function,
    pub(super) name: &'static str,
    pub(super) style: Style,
    pub(super) overloads: &'static [Overload],
}

impl Spec {
    /// How the function is written, for messages: `size(list)`.
    pub(super) fn usage(&self) -> std::string::String {
        let Some(overload) = self.overloads.last() else {
            return self.name.to_owned();
        };
        let names: Vec<&str> = overload.args.iter().map(|a| a.name()).collect();
        match (self.style, names.split_first()) {
            (Style::Method, Some((on, rest))) => {
                format!("{on}.{}({})", self.name, rest.join(", "))
            }
            _ => format!("{}({})", self.name, names.join(", ")),
        }
    }
}

impl Arg {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Number => "number",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::List => "list",
            Self::Texts => "list of strings",
            Self::Map => "map",
        }
    }

    /// Whether an argument of that type may be given here.
    pub(super) fn takes(self, ty: &Type) -> bool {
        match self {
            _ if *ty == Type::Dyn => true,
            Self::Any => true,
            Self::Bool => *ty == Type::Bool,
            Self::Int => matches!(ty, Type::Int | Type::Number),
            Self::Number => matches!(ty, Type::Int | Type::Double | Type::Number),
            Self::Text => *ty == Type::String,
            Self::Bytes => *ty == Type::Bytes,
            Self::Duration => *ty == Type::Duration,
            Self::Timestamp => *ty == Type::Timestamp,
            Self::List => matches!(ty, Type::List(_)),
            Self::Texts => matches!(ty, Type::List(of) if matches!(**of, Type::String | Type::Dyn)),
            Self::Map => matches!(ty, Type::Map(_) | Type::Struct(_) | Type::Headers),
        }
    }
}

impl Function {
    pub(super) fn spec(self) -> &'static Spec {
        SPECS
            .iter()
            .find(|spec| spec.function == self)
            .expect("every function stands in the table")
    }
}

pub(super) fn find(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}

macro_rules! overloads {
    ($($($arg:ident)* => $result:ident),*) => { &[$(Overload { args: &[$(Arg::$arg),*], result: Result::$result }),*] };
}

macro_rules! specs {
    ($($function:ident $name:literal $style:ident [$($overloads:tt)*])*) => {
        /// Every function.
        pub(super) const SPECS: &[Spec] = &[$(Spec {
            function: Function::$function,
            name: $name,
            style: Style::$style,
            overloads: overloads!($($overloads)*),
        }),*];
    };
}

specs! {
    Size "size" Both [Text => Int, Bytes => Int, Map => Int, List => Int]
    Contains "contains" Method [Text Text => Bool]
    StartsWith "startsWith" Method [Text Text => Bool]
    EndsWith "endsWith" Method [Text Text => Bool]
    Matches "matches" Both [Text Text => Bool]
    Int "int" Plain [Text => Int, Timestamp => Int, Number => Int]
    Uint "uint" Plain [Text => Int, Number => Int]
    Double "double" Plain [Text => Double, Number => Double]
    String "string" Plain [Bool => Text, Number => Text, Text => Text, Bytes => Text, Duration => Text, Timestamp => Text]
    Bytes "bytes" Plain [Bytes => Bytes, Text => Bytes]
    Bool "bool" Plain [Bool => Bool, Text => Bool]
    Duration "duration" Plain [Duration => Duration, Text => Duration]
    Timestamp "timestamp" Plain [Int => Timestamp, Timestamp => Timestamp, Text => Timestamp]
    Type "type" Plain [Any => Text]
    Dyn "dyn" Plain [Any => Dyn]
    GetFullYear "getFullYear" Method [Timestamp Text => Int, Timestamp => Int]
    GetMonth "getMonth" Method [Timestamp Text => Int, Timestamp => Int]
    GetDate "getDate" Method [Timestamp Text => Int, Timestamp => Int]
    GetDayOfMonth "getDayOfMonth" Method [Timestamp Text => Int, Timestamp => Int]
    GetDayOfWeek "getDayOfWeek" Method [Timestamp Text => Int, Timestamp => Int]
    GetDayOfYear "getDayOfYear" Method [Timestamp Text => Int, Timestamp => Int]
    GetHours "getHours" Method [Timestamp Text => Int, Timestamp => Int, Duration => Int]
    GetMinutes "getMinutes" Method [Timestamp Text => Int, Timestamp => Int, Duration => Int]
    GetSeconds "getSeconds" Method [Timestamp Text => Int, Timestamp => Int, Duration => Int]
    GetMilliseconds "getMilliseconds" Method [Timestamp Text => Int, Timestamp => Int, Duration => Int]
    LowerAscii "lowerAscii" Method [Text => Text]
    UpperAscii "upperAscii" Method [Text => Text]
    Trim "trim" Method [Text => Text]
    Split "split" Method [Text Text Int => Texts, Text Text => Texts]
    Join "join" Method [Texts => Text, Texts Text => Text]
    Replace "replace" Method [Text Text Text Int => Text, Text Text Text => Text]
    Substring "substring" Method [Text Int => Text, Text Int Int => Text]
    IndexOf "indexOf" Method [Text Text Int => Int, Text Text => Int]
    LastIndexOf "lastIndexOf" Method [Text Text Int => Int, Text Text => Int]
    CharAt "charAt" Method [Text Int => Text]
    Reverse "reverse" Method [Text => Text]
}
