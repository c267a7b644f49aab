use super::*;

fn is_json(text: &str, max_bytes: u64) -> bool {
    matches!(read(text.as_bytes(), max_bytes), Read::Json(_))
}

#[test]
fn json_of_a_usual_density_is_a_value() {
    let usual = format!(
        "[{}null]",
        r#"{"name":"a","ok":true,"n":-1.5},"#.repeat(1000)
    );
    assert!(is_json(&usual, 1 << 20));
    assert!(is_json(&usual, usual.len() as u64));
    assert!(is_json("0", 1 << 20));
}

#[test]
fn too_many_values_are_told_and_not_kept() {
    let wide = format!("[{}0]", "0,".repeat(1000));
    assert!(is_json(&wide, 1 << 20));
    let Read::TooMany(why) = read(wide.as_bytes(), wide.len() as u64) else {
        panic!("it was kept");
    };
    assert!(why.contains("1002 values"), "{why}");
}

#[test]
fn what_is_no_json_or_too_deep_is_none() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for text in ["", "<html>", "{\"a\": NaN}", "[1e999]", "{} {}", &deep] {
        assert!(matches!(read(text.as_bytes(), 1 << 20), Read::No), "{text}");
        assert!(matches!(read(text.as_bytes(), 1), Read::No), "{text}");
    }
}
