use super::*;
use crate::plan::problems::Problems;
use crate::plan::source::Sources;
