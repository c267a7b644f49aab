use super::*;
use crate::fixtures;

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        let text = (|judged| render(judged, &Look { colour: false, width: 80, folder: Some("runs/demo".to_owned()) }))(&judged);
        insta::assert_snapshot!(name, text);
    }
}
