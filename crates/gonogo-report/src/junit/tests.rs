use super::*;
use crate::fixtures;

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        let text = (render)(&judged);
        insta::assert_snapshot!(name, text);
    }
}
